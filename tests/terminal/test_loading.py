import io
import time
from collections.abc import Callable
from threading import Thread

from llamacli.events import LoadProgress, Notice
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.screen import Screen
from tests.terminal.emulator import Terminal


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def display_on(stderr: io.StringIO, **environ: str) -> LoadingDisplay:
    return LoadingDisplay(Screen(io.StringIO(), stderr, {"TERM": "xterm"} | environ))


def test_it_shows_each_role_and_leaves_no_trace() -> None:
    terminal = Terminal()
    with display_on(terminal) as display:
        display.report(LoadProgress("model", "loading builtin"))
        display.report(LoadProgress("classifier", "reading", 1_500_000_000, 5_000_000_000, "bytes"))
        wait_for(lambda: "builtin" in terminal.getvalue())
        wait_for(lambda: "loading builtin · reading 1.5 of 5.0 GB" in terminal.screen.display[0])
        display.report(LoadProgress("model", "loading builtin", 3, 3, "files"))
        wait_for(lambda: "builtin" not in terminal.screen.display[0])
        display.status("reading 3,100 tokens")
        wait_for(lambda: "reading 3,100 tokens" in terminal.screen.display[0])
    assert terminal.rows() == []
    assert (terminal.screen.cursor.x, terminal.screen.cursor.hidden) == (0, False)


def test_notices_from_any_thread_stay() -> None:
    terminal = Terminal()
    with display_on(terminal) as display:
        wait_for(lambda: "loading" in terminal.getvalue())
        threads = [Thread(target=display.report, args=(Notice(f"notice {n}"),)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(terminal.rows()) == [f"notice {n}" for n in range(5)]


def test_a_long_line_is_cut_to_the_terminal() -> None:
    terminal = Terminal()
    with display_on(terminal) as display:
        display.status("한글" * 100)
        wait_for(lambda: "한" in terminal.getvalue())
        assert terminal.screen.cursor.y == 0
    assert terminal.rows() == []


def test_foreign_text_moves_nothing() -> None:
    terminal = Terminal()
    with display_on(terminal) as display:
        display.report(LoadProgress("model", "loading a\n\x1b[2Jb"))
        wait_for(lambda: "loading a ␛[2Jb" in terminal.getvalue())


def test_off_a_terminal_only_notices_appear() -> None:
    for stream, environ in ((io.StringIO(), {}), (Terminal(), {"TERM": "dumb"})):
        with display_on(stream, **environ) as display:
            display.report(LoadProgress("model", "loading"))
            display.report(Notice("No GPU here."))
            time.sleep(0.25)
        assert stream.getvalue() == "No GPU here.\n"


def test_an_interrupted_block_leaves_no_trace() -> None:
    terminal = Terminal()
    try:
        with display_on(terminal):
            wait_for(lambda: "loading" in terminal.getvalue())
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    length = len(terminal.getvalue())
    time.sleep(0.25)
    assert terminal.rows() == []
    assert len(terminal.getvalue()) == length


def test_a_terminal_that_is_gone_does_not_matter() -> None:
    terminal = Terminal()
    with display_on(terminal):
        wait_for(lambda: "loading" in terminal.getvalue())
        terminal.gone = True
        time.sleep(0.25)
        terminal.gone = False
