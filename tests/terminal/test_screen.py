import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from llamacli.errors import BadUsage
from llamacli.terminal.screen import Screen
from tests.terminal.emulator import Terminal

ATTACK = "a\x1b]52;c;x\x07[b]\u202e"
HARMLESS = "a␛]52;c;x␇[b]"
XTERM = {"TERM": "xterm-256color"}


def screen(out_is_terminal: bool, err_is_terminal: bool = False, /, **environ: str) -> Screen:
    return Screen(
        Terminal() if out_is_terminal else io.StringIO(),
        Terminal() if err_is_terminal else io.StringIO(),
        XTERM | environ,
    )


def written(stream: object) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@pytest.mark.parametrize("out", [True, False])
@pytest.mark.parametrize("err", [True, False])
def test_each_stream_is_judged_by_itself(out: bool, err: bool) -> None:
    both = screen(out, err)
    assert (both.out_is_terminal, both.err_is_terminal) == (out, err)
    assert (both.out_can_move, both.err_can_move) == (out, err)
    both.line(ATTACK)
    both.notice(ATTACK)
    # Only what a model says passes as it is, and only off a terminal.
    assert written(both.stdout) == HARMLESS + "\n"
    assert written(both.stderr) == (f"\x1b[2m{HARMLESS}\x1b[0m" if err else HARMLESS) + "\n"


def test_notices_are_broken_between_words_on_a_terminal_only() -> None:
    text = "a notice " * 20
    both = [screen(False, terminal) for terminal in (True, False)]
    for each in both:
        each.notice(text.strip())
    wrapped, whole = (written(each.stderr) for each in both)
    assert whole == text.strip() + "\n"
    assert max(len(line) for line in wrapped.splitlines()) < 90
    assert " ".join(wrapped.replace("\x1b[2m", "").replace("\x1b[0m", "").split()) == text.strip()


def test_an_error_says_what_and_why_and_what_next() -> None:
    plain = screen(False)
    plain.error(BadUsage("No such file: x.", reason="It is not there.", hint="llamacli ask -f y"))
    assert written(plain.stderr) == "error: No such file: x.\nIt is not there.\nhint: llamacli ask -f y\n"
    assert written(plain.stdout) == ""


def test_an_error_with_a_foreign_name_is_harmless() -> None:
    terminal = screen(True, True)
    terminal.error(BadUsage(f"No such file: {ATTACK}", reason=ATTACK, hint=ATTACK))
    assert "\x1b]" not in written(terminal.stderr)
    assert written(terminal.stderr).count(HARMLESS) == 3


def test_data_is_one_line_of_json() -> None:
    for terminal in (screen(True), screen(False)):
        terminal.data({"answer": "한\n" + ATTACK})
        [line] = written(terminal.stdout).splitlines()
        assert json.loads(line) == {"answer": "한\n" + ATTACK}
        assert "한" in line
        assert "\x1b" not in line
    assert "\\u202e" in written(screen_with_data().stdout)


def screen_with_data() -> Screen:
    terminal = screen(True)
    terminal.data(ATTACK)
    return terminal


def answered(on: Screen, render: str) -> str:
    answer = on.answer(render)
    answer.feed("# Title\n\n**b** a[i]\n")
    answer.finish()
    return written(on.stdout)


RAW = "# Title\n\n**b** a[i]\n"
BARE = "Title\n\nb a[i]\n"


@pytest.mark.parametrize(
    ("terminal", "environ", "render", "text"),
    [
        (False, {}, "auto", RAW),
        (False, {}, "plain", RAW),
        (False, {}, "markdown", BARE),
        (False, {"FORCE_COLOR": "1"}, "auto", RAW),
        (False, {"FORCE_COLOR": "1"}, "markdown", "\x1b[1;4mTitle\x1b[0m\n\n\x1b[1mb\x1b[0m a[i]\n"),
        (True, {}, "plain", RAW),
        (True, {"TERM": "dumb"}, "auto", RAW),
        (True, {"TERM": "dumb"}, "markdown", BARE),
    ],
)
def test_the_renderer_follows_from_the_facts(terminal: bool, environ: dict[str, str], render: str, text: str) -> None:
    assert answered(screen(terminal, False, **environ), render) == text


def test_a_terminal_gets_markdown() -> None:
    on = screen(True)
    answered(on, "auto")
    assert isinstance(on.stdout, Terminal)
    assert on.stdout.rows() == ["Title", "", "b a[i]"]


def test_no_color_leaves_no_colour() -> None:
    on = screen(True, True, NO_COLOR="1")
    answer = on.answer("auto")
    answer.feed("`code`\n\n```python\ndef f(): return 'x'\n```\n")
    answer.finish()
    on.error(BadUsage("m", reason="r", hint="h"))
    assert "\x1b[3" not in written(on.stdout).replace("\x1b[3m", "")
    assert written(on.stderr) == "\x1b[1merror:\x1b[0m m\nr\nhint: h\n"


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])  # as in UTF-8 and in C locales
def test_what_an_encoding_lacks_is_no_exception(errors: str) -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii", errors=errors, newline="")
    on = Screen(ascii_only, io.StringIO(), {})
    answer = on.answer("auto")
    answer.feed("한 \ud800")
    answer.finish()
    assert raw.getvalue() == b"\\ud55c \\ud800\n"


@pytest.fixture
def closed_pipe() -> Iterator[io.TextIOWrapper]:
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w")  # noqa: SIM115 - closed below, against its will
    yield stream
    os.dup2(os.open(os.devnull, os.O_WRONLY), writer)
    stream.close()


@pytest.mark.parametrize("render", ["plain", "markdown"])
def test_a_closed_pipe_is_seen(closed_pipe: io.TextIOWrapper, render: str) -> None:
    answer = Screen(closed_pipe, io.StringIO(), XTERM).answer(render)
    with pytest.raises(BrokenPipeError):
        answer.feed("# a\n\nb\n\n")


def test_a_closed_pipe_is_seen_through_rich(closed_pipe: io.TextIOWrapper) -> None:
    with pytest.raises(BrokenPipeError):
        Screen(closed_pipe, io.StringIO(), XTERM).out.print("a")


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import io, sys; from llamacli.terminal.screen import Screen; from llamacli.terminal import loading\n"
        "screen = Screen(io.StringIO(), io.StringIO(), {}); screen.notice('x'); screen.answer('auto').feed('y')\n"
        "print([name for name in ('rich', 'markdown_it', 'pygments', 'prompt_toolkit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
