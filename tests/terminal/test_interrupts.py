import io
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

import pytest

from llamacli.engine import Models
from llamacli.engine.base import Engine
from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.errors import ExitStatus
from llamacli.terminal.repl import Repl
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LineSource
from tests.settings import settings
from tests.shell import Output, unsaved
from tests.terminal.talk import Talk, typed


def pressing_at(text: str, times: int = 1) -> Output:
    """An output at which Ctrl-C is pressed while it draws this text."""

    class Pressing(Output):
        def write(self, written: str) -> int:
            count = super().write(written)
            if text in written:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return count

    return Pressing()


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_stops_the_answer_and_keeps_what_came(times: int) -> None:
    chat = Talk(
        ScriptedEngine.saying("one two three four"),
        typed("count\n/continue\n"),
        pressing_at("two", times),
    )
    assert chat.repl.run() is ExitStatus.DONE
    second = chat.engine.requests[1]
    assert [m.content for m in second.conversation.messages] == ["count", "one two"]
    assert chat.err.getvalue().startswith("Stopped. /continue goes on, /retry asks again.\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_breaks_the_wait_for_the_first_token() -> None:
    chat = Talk(ScriptedEngine.saying(Reply("late", pause_s=60)), typed("one\n"))
    with pressing_once(lambda: bool(chat.engine.requests)):
        assert chat.repl.run() is ExitStatus.DONE
    assert chat.out.getvalue() == ""
    assert chat.err.getvalue() == "Stopped. /retry asks again, /edit changes the prompt.\n"
    assert chat.repl.chat.session.conversation.turns == 0


def test_ctrl_c_breaks_the_wait_for_the_model_which_goes_on_loading() -> None:
    loading: Future[Engine] = Future()
    err, waiting = Output(), threading.Event()

    class Source(LineSource):
        def quiet(self) -> Any:
            waiting.set()
            return super().quiet()

        def read(self, toolbar: Callable[[int], str], draft: str = "", /) -> str:
            if "Stopped" in err.getvalue() and not loading.done():
                loading.set_result(ScriptedEngine.saying("there"))
            return super().read(toolbar, draft)

    out = Output()
    source = Source(io.StringIO("one\n/retry\n"), prompt=io.StringIO())
    repl = Repl(settings(), lambda chosen, report: Models(loading, None), Screen(out, err, {}), source, {}, unsaved())
    with pressing_once(waiting.is_set):
        assert repl.run() is ExitStatus.DONE
    assert "The model goes on loading." in err.getvalue()
    assert out.getvalue() == "there\n"


def test_ctrl_c_ends_a_chat_where_nobody_sits() -> None:
    chat = Talk(ScriptedEngine.saying("one two three"), LineSource(io.StringIO("count\nmore\n")), pressing_at("two"))
    assert chat.repl.run() is ExitStatus.INTERRUPTED
    assert chat.out.getvalue() == "one two\n"
    assert len(chat.engine.requests) == 1
    assert chat.engine.closed


class pressing_once:  # noqa: N801  # reads like a function
    """Press Ctrl-C a moment after the condition holds."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition
        self._thread = threading.Thread(target=self._press)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _press(self) -> None:
        done = threading.Event()
        while not self._condition():
            done.wait(0.01)
        done.wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)


def test_generators_are_closed_before_the_prompt_returns() -> None:
    closed: list[bool] = []

    class Engine_(ScriptedEngine):  # noqa: N801
        def stream(self, *request: Any) -> Generator[Any, None, None]:
            try:
                yield from super().stream(*request)
            finally:
                closed.append(True)

    chat = Talk(Engine_.saying("one two"), typed("count\n"), pressing_at("one"))
    chat.repl.run()
    assert closed == [True]
