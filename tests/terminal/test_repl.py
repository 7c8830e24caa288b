import io
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from llamacli.complexity import Level
from llamacli.engine import Models, Report
from llamacli.engine.base import Engine
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import EngineFailed, ExitStatus, UnknownModel
from llamacli.events import LoadProgress, Notice
from llamacli.settings import Settings
from llamacli.terminal.repl import Repl
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LineSource, PromptSource
from tests.settings import settings
from tests.shell import Output


class Talk:
    """A chat with scripted models: what was asked and what was written."""

    def __init__(
        self,
        engine: ScriptedEngine,
        source: PromptSource,
        out: Output | None = None,
        level: Level = Level.LOW,
        **options: Any,
    ) -> None:
        self.engine, self.out, self.err = engine, out or Output(), Output()
        self.opened: list[Settings] = []
        self.report: Report = lambda event: None
        self._classifier = ScriptedClassifier(default=level)
        self.repl = Repl(settings(**options), self._open, Screen(self.out, self.err, {}), source, {})

    def _open(self, chosen: Settings, report: Report) -> Models:
        self.opened.append(chosen)
        self.report = report
        return scripted_models(self.engine, self._classifier)

    @property
    def prompts(self) -> list[str]:
        """The last message of each request."""
        return [request.conversation.messages[-1].content for request in self.engine.requests]


def typed(lines: str) -> LineSource:
    """The lines as a person types them."""
    return LineSource(io.StringIO(lines), prompt=io.StringIO())


def talk(lines: str, *replies: str | Reply, **options: Any) -> Talk:
    """A chat over these lines that came to its end."""
    chat = Talk(ScriptedEngine.saying(*(replies or ("An answer.",))), typed(lines), **options)
    assert chat.repl.run() is ExitStatus.DONE
    return chat


def test_lines_are_a_conversation() -> None:
    chat = talk("one\n\n  \ntwo\n", "first", "second")
    assert chat.out.getvalue() == "first\nsecond\n"
    assert [m.content for m in chat.engine.requests[1].conversation.messages] == ["one", "first", "two"]
    assert (chat.err.getvalue(), chat.engine.closed) == ("", True)


def test_what_commands_say_is_no_part_of_the_answers() -> None:
    chat = talk("/help\n/nothing\none\n")
    assert chat.out.getvalue() == "An answer.\n"
    assert "/complexity [LEVEL]" in chat.err.getvalue()
    assert "There is no command /nothing" in chat.err.getvalue()
    assert chat.prompts == ["one"]


def test_a_slash_after_a_space_or_in_a_block_is_a_prompt() -> None:
    assert talk(' /etc is what\n"""/usr"""\n').prompts == [" /etc is what", "/usr"]


def test_exit_leaves_and_asks_nothing_more() -> None:
    assert talk("/exit\none\n").engine.requests == []


def test_a_file_goes_before_one_prompt(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    chat = talk(f"/file {tmp_path}/a.py\n\nexplain\nmore\n")
    assert chat.prompts == [f"```{tmp_path}/a.py\nx = 1\n```\n\nexplain", "more"]


@pytest.mark.parametrize(
    ("level", "options", "ways"),
    [
        (Level.LOW, {}, "100 tokens. /continue goes on; for more: /complexity high or /set max_tokens 200."),
        (Level.HIGH, {}, "500 tokens. /continue goes on; for more: /set max_tokens 1000."),
        (Level.LOW, {"max_tokens": 2}, "2 tokens. /continue goes on; for more: /complexity high or /set max_tokens 4."),
    ],
)
def test_an_answer_cut_by_its_budget_says_so(level: Level, options: dict[str, Any], ways: str) -> None:
    chat = talk("tale\n", "word " * 600, level=level, **options)
    assert chat.err.getvalue() == f"Cut at the budget of {ways}\n"


def test_a_cut_answer_goes_on_in_place() -> None:
    chat = talk("tale\n/continue\n", "one two three four", "five", max_tokens=2)
    assert chat.out.getvalue() == "one two\nfive\n"
    assert chat.repl.chat.session.conversation.last_answer == "one twofive"


def test_code_that_goes_on_is_shown_as_code_where_markdown_is() -> None:
    shown = {}
    for render in ("markdown", "plain"):
        chat = talk("code\n/continue\n", "```\n# a b", "# *c*\n```", max_tokens=2, render=render)
        shown[render] = chat.out.getvalue()
    assert "*c*" in shown["markdown"]
    assert shown["plain"] == "```\n#\n# *c*\n"


def test_a_full_window_is_no_matter_of_the_budget() -> None:
    engine = ScriptedEngine.saying("word " * 600, context_window=60)
    chat = Talk(engine, LineSource(io.StringIO("tale\n")))
    chat.repl.run()
    assert "the context window of 60 tokens is full" in chat.err.getvalue()


def test_an_error_in_a_turn_is_shown_and_the_chat_goes_on() -> None:
    fault = EngineFailed("The lamp went out.", reason="No oil.", hint="Buy oil.")
    chat = talk("one\n/retry\n", Reply("", fault=fault), "Light.")
    assert "The lamp went out." in chat.err.getvalue()
    assert chat.out.getvalue() == "Light.\n"
    assert [m.content for m in chat.repl.chat.session.conversation.messages] == ["one", "Light."]


def test_an_answer_that_breaks_off_keeps_what_came() -> None:
    chat = talk("one\n", Reply("half of it", fault=EngineFailed("Broken."), fault_after=2))
    assert chat.out.getvalue() == "half of\n"
    assert chat.repl.chat.session.conversation.messages[-1].stopped


def test_an_empty_answer_is_told() -> None:
    chat = talk("one\n", "")
    assert (chat.out.getvalue(), chat.err.getvalue()) == ("", "The model gave an empty answer.\n")


def test_an_edited_prompt_replaces_its_turn() -> None:
    chat = talk("one\n/edit\none and a half\n", "first", "second")
    assert [m.content for m in chat.repl.chat.session.conversation.messages] == ["one and a half", "second"]


def test_an_edited_prompt_that_fails_loses_nothing() -> None:
    chat = talk("one\n/edit\nother\n", "first", Reply("", fault=EngineFailed("Broken.")))
    assert [m.content for m in chat.repl.chat.session.conversation.messages] == ["one", "first"]


def test_stats_follow_each_answer_where_they_are_wanted() -> None:
    assert "complexity low (classifier), 100 tokens" in talk("one\n", stats=True).err.getvalue()


def test_a_failed_first_model_ends_the_chat_and_a_failed_later_one_does_not() -> None:
    lost = UnknownModel("There is no such model.")

    def failing(chosen: Settings, report: Report) -> Models:
        if chosen.model == "good":
            return scripted_models(ScriptedEngine.saying("fine"), None)
        future: Future[Engine] = Future()
        future.set_exception(lost)
        return Models(future, None)

    def repl(lines: str, out: Output, **options: Any) -> Repl:
        screen = Screen(out, Output(), {})
        return Repl(settings(**options), failing, screen, LineSource(io.StringIO(lines)), {})

    with pytest.raises(UnknownModel):
        repl("one\n", Output()).run()
    out = Output()
    assert repl("/model bad\none\n/model good\ntwo\n", out, model="good").run() is ExitStatus.DONE
    assert out.getvalue() == "fine\n"


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

        def read(self, toolbar: Callable[[], str], draft: str = "", /) -> str:
            if "Stopped" in err.getvalue() and not loading.done():
                loading.set_result(ScriptedEngine.saying("there"))
            return super().read(toolbar, draft)

    out = Output()
    source = Source(io.StringIO("one\n/retry\n"), prompt=io.StringIO())
    repl = Repl(settings(), lambda chosen, report: Models(loading, None), Screen(out, err, {}), source, {})
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


def test_the_toolbar_tells_the_loading_then_the_model_and_the_last_turn(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    loading: Future[Engine] = Future()
    bars: list[str] = []

    class Watching(LineSource):
        def read(self, toolbar: Callable[[], str], draft: str = "", /) -> str:
            bars.append(toolbar())
            if not loading.done():
                loading.set_result(ScriptedEngine.saying("fine"))
            return super().read(toolbar, draft)

    def open_models(chosen: Settings, report: Report) -> Models:
        report(LoadProgress("model", "reading weights", 1, 4, "GB"))
        report(Notice("Using the small model."))
        return Models(loading, None)

    err = Output()
    source = Watching(io.StringIO(f"one\n/file {tmp_path}/a.txt\n"))
    Repl(settings(), open_models, Screen(Output(), err, {}), source, {}).run()
    assert bars[0] == "auto · model: reading weights 25%"
    assert bars[1] == "scripted · cpu · medium, 250 tokens · 0.0 tokens/s"
    assert bars[2] == f"{bars[1]} · with {tmp_path}/a.txt"
    assert err.getvalue().startswith("Using the small model.\n")


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
