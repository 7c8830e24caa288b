import io
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from llamacli.complexity import Level
from llamacli.engine import Models, Report
from llamacli.engine.base import Engine
from llamacli.engine.scripted import Reply, ScriptedEngine, scripted_models
from llamacli.errors import EngineFailed, ExitStatus, UnknownModel
from llamacli.events import LoadProgress, Notice
from llamacli.settings import Settings
from llamacli.terminal.repl import Repl
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LineSource
from tests.settings import settings
from tests.shell import Output, unsaved
from tests.terminal.talk import Talk, talk, typed


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
        (Level.LOW, {}, "100 tokens. /continue goes on; /complexity high gives more."),
        (Level.HIGH, {}, "500 tokens. /continue goes on; /set max_tokens 1000 gives more."),
        (Level.LOW, {"max_tokens": 2}, "2 tokens. /continue goes on; /complexity high gives more."),
    ],
)
def test_an_answer_cut_by_its_budget_says_so(level: Level, options: dict[str, Any], ways: str) -> None:
    chat = talk("tale\n", "word " * 600, level=level, **options)
    assert chat.err.getvalue() == f"Cut at {ways}\n"
    assert len(chat.err.getvalue()) < 80  # one line


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
    chat = talk("one\n/edit\none and a half\n", "first", "second", person=False)
    assert [m.content for m in chat.repl.chat.session.conversation.messages] == ["one and a half", "second"]


def test_an_edited_prompt_that_fails_loses_nothing() -> None:
    chat = talk("one\n/edit\nother\n", "first", Reply("", fault=EngineFailed("Broken.")), person=False)
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
        return Repl(settings(**options), failing, screen, LineSource(io.StringIO(lines)), {}, unsaved())

    with pytest.raises(UnknownModel):
        repl("one\n", Output()).run()
    out = Output()
    assert repl("/model bad\none\n/model good\ntwo\n", out, model="good").run() is ExitStatus.NO_MODEL
    assert out.getvalue() == "fine\n"


@pytest.mark.parametrize("lost", ["bad", "broken"])
def test_a_later_model_that_fails_gives_its_place_back_once(lost: str) -> None:
    opened: list[str] = []

    def first_time(chosen: Settings, report: Report) -> Models:
        opened.append(chosen.model)
        if chosen.model == "good" and not (lost == "broken" and opened.count("good") > 1):
            return scripted_models(ScriptedEngine.saying("fine"), None)
        future: Future[Engine] = Future()
        future.set_exception(UnknownModel("There is no such model."))
        return Models(future, None)

    out, err = Output(), Output()
    source = LineSource(io.StringIO("/model bad\none\n/retry\n"))
    repl = Repl(settings(model="good"), first_time, Screen(out, err, {}), source, {}, unsaved())
    assert repl.run() is ExitStatus.NO_MODEL
    assert opened == ["good", "bad", "good"]
    assert "The conversation goes on with good. /retry asks again." in err.getvalue()
    assert out.getvalue() == ("fine\n" if lost == "bad" else "")
    assert repl.chat.settings.model == "good"


def test_a_model_that_cannot_be_had_later_is_told_before_it_is_asked() -> None:
    err = Output()

    def failing(chosen: Settings, report: Report) -> Models:
        if chosen.model == "good":
            return scripted_models(ScriptedEngine.saying("fine"), None)
        future: Future[Engine] = Future()
        future.set_exception(UnknownModel("There is no such model.", hint="/model good"))
        return Models(future, None)

    source = typed("/model bad\n")
    repl = Repl(settings(model="good"), failing, Screen(Output(), err, {}), source, {}, unsaved())
    assert repl.run() is ExitStatus.DONE
    while "goes on with good" not in err.getvalue():  # it is told by the thread that waits for it
        time.sleep(0.01)


def test_the_toolbar_tells_the_loading_then_the_model_and_the_last_turn(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    loading: Future[Engine] = Future()
    bars: list[str] = []

    class Watching(LineSource):
        def read(self, toolbar: Callable[[int], str], draft: str = "", /) -> str:
            bars.append(toolbar(200))
            if not loading.done():
                loading.set_result(ScriptedEngine.saying("fine"))
            return super().read(toolbar, draft)

    def open_models(chosen: Settings, report: Report) -> Models:
        report(LoadProgress("model", "reading weights", 1, 4, "GB"))
        report(Notice("Using the small model."))
        return Models(loading, None)

    err = Output()
    source = Watching(io.StringIO(f"one\n/file {tmp_path}/a.txt\n"))
    Repl(settings(), open_models, Screen(Output(), err, {}), source, {}, unsaved()).run()
    assert bars[0] == "auto · model: reading weights 25%"
    assert bars[1] == "scripted · cpu · medium, 250 tokens · context 3 of 4,096"
    assert bars[2] == f"{bars[1]} · with {tmp_path}/a.txt"
    assert err.getvalue().startswith("Using the small model.\n")
