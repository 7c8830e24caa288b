import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from llamacli.engine.scripted import ScriptedEngine, scripted_models
from llamacli.errors import ExitStatus, Interrupted, UnknownModel
from llamacli.terminal.completion import CommandCompleter
from llamacli.terminal.prompt import TerminalPrompt
from llamacli.terminal.repl import Repl
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LEAVING, EditorWanted
from llamacli.terminal.typed import TypedHistory
from tests.settings import settings
from tests.shell import Output, unsaved
from tests.terminal.test_editor import editor_that

CTRL_C, CTRL_D, CTRL_E, CTRL_J, CTRL_R, CTRL_X = "\x03", "\x04", "\x05", "\x0a", "\x12", "\x18"
ALT_ENTER, ENTER, UP = "\x1b\r", "\r", "\x1b[A"
PASTE = "\x1b[200~{}\x1b[201~"


class Keyboard:
    """A terminal prompt, and the keys that are pressed at it."""

    def __init__(self, keys: PipeInput, history: Path, *, keeping: bool = True) -> None:
        self.history = history
        typed = TypedHistory(history, keeping=keeping)
        self.source = TerminalPrompt(keys, DummyOutput(), typed, CommandCompleter(settings()))
        self.keys = keys

    def type(self, *keys: str, draft: str = "") -> str:
        """What is read after these keys."""
        for key in keys:
            self.keys.send_text(key)
        return self.source.read(lambda columns: "", draft)


@pytest.fixture
def keyboard(tmp_path: Path) -> Iterator[Keyboard]:
    with create_pipe_input() as keys:
        yield Keyboard(keys, tmp_path / "data" / "typed")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["hi", ENTER], "hi"),
        (["one", ALT_ENTER, "two", ENTER], "one\ntwo"),
        (["one", CTRL_J, "two", ENTER], "one\ntwo"),
        (['"""', ENTER, "one", ENTER, "two", ENTER, '"""', ENTER], '"""\none\ntwo\n"""'),
        ([PASTE.format("one\r\ntwo\r\n"), ENTER], "one\ntwo\n"),
        (["lost", CTRL_C, "kept", ENTER], "kept"),
        (["/comp\t", ENTER, ENTER], "/comp"),
        (["\x1b[31mX", "hi", ENTER], "Xhi"),
    ],
)
def test_keys(keyboard: Keyboard, keys: list[str], text: str) -> None:
    assert keyboard.type(*keys) == text


def test_a_pasted_text_is_not_sent_by_its_newlines(keyboard: Keyboard) -> None:
    assert keyboard.type(PASTE.format("a\nb\n"), "c", ENTER) == "a\nb\nc"


def test_ctrl_c_twice_in_a_row_on_an_empty_line_leaves(keyboard: Keyboard) -> None:
    with pytest.raises(Interrupted):
        keyboard.type(CTRL_C, CTRL_C)


@pytest.mark.parametrize("between", [["x", CTRL_C], ["x", "\x7f"]])
def test_something_typed_between_makes_it_not_in_a_row(keyboard: Keyboard, between: list[str]) -> None:
    assert keyboard.type(CTRL_C, *between, CTRL_C, "stays", ENTER) == "stays"


def test_the_toolbar_says_how_to_leave_after_the_first(keyboard: Keyboard) -> None:
    keyboard.type(CTRL_C, "x", ENTER)
    keyboard.source._leaving = True
    assert LEAVING in str(keyboard.source._session.bottom_toolbar())  # type: ignore[operator,misc]


def test_ctrl_c_gives_a_draft_up_and_what_is_typed_then_is_no_part_of_it(keyboard: Keyboard) -> None:
    assert keyboard.type("more", CTRL_C, draft="draft ") == ""
    assert keyboard.type("other", ENTER) == "other"


def test_ctrl_x_ctrl_e_wants_an_editor_for_what_is_typed(keyboard: Keyboard) -> None:
    with pytest.raises(EditorWanted) as wanted:
        keyboard.type("half a ", CTRL_X + CTRL_E)
    assert wanted.value.text == "half a "


def test_ctrl_d_ends_only_an_empty_line(keyboard: Keyboard) -> None:
    assert keyboard.type("x", CTRL_D, ENTER) == "x"
    with pytest.raises(EOFError):
        keyboard.type(CTRL_D)


def test_what_was_typed_comes_back_also_in_the_next_chat(keyboard: Keyboard) -> None:
    keyboard.type("first\x0aSecond", ENTER)
    with create_pipe_input() as keys:
        again = Keyboard(keys, keyboard.history)
        assert again.type(UP, ENTER) == "first\nSecond"
        assert again.type(CTRL_R, "sec", ENTER, ENTER) == "first\nSecond"


def test_bytes_that_are_no_text_do_not_reach_the_model(keyboard: Keyboard) -> None:
    keyboard.keys.send_bytes(b"a\xe9b\r")
    assert keyboard.type() == "a?b"


def test_notices_show_while_the_prompt_waits_and_typing_is_kept(keyboard: Keyboard) -> None:
    shown: list[str] = []

    def later() -> None:
        keyboard.source.announce(lambda: shown.append("notice"))
        keyboard.keys.send_text("two" + ENTER)

    keyboard.keys.send_text("one ")
    threading.Timer(0.2, later).start()
    assert keyboard.source.read(lambda columns: "") == "one two"
    assert shown == ["notice"] or keyboard.source._pending  # else it shows before the next prompt


@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_a_failure_ends_the_prompt(keyboard: Keyboard, delay_s: float) -> None:
    threading.Timer(delay_s, lambda: keyboard.source.fail(UnknownModel("gone"))).start()
    keyboard.keys.send_text("half a ")
    with pytest.raises(UnknownModel, match="gone"):
        keyboard.source.read(lambda columns: "")


def test_tab_lets_nobody_wait_who_types_on_and_sends(keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = threading.Event()
    monkeypatch.setattr(CommandCompleter, "_found", lambda *_: asleep.wait(10) and [])
    keyboard.keys.send_text("/load \t")
    threading.Timer(0.2, keyboard.keys.send_text, ["abc" + ENTER]).start()
    started = time.monotonic()
    assert keyboard.type() == "/load abc"
    assert time.monotonic() - started < 5
    asleep.set()


def test_a_chat_at_the_keyboard(keyboard: Keyboard, tmp_path: Path) -> None:
    engine, out = ScriptedEngine.saying("first", "second"), Output()
    screen = Screen(out, Output(), {})
    environ = {"EDITOR": editor_that(tmp_path, "printf two > $1")}
    repl = Repl(
        settings(), lambda chosen, report: scripted_models(engine, None), screen, keyboard.source, environ, unsaved()
    )
    for keys in ("one", ENTER, "/edit", ENTER, " more", ENTER, "x", CTRL_X + CTRL_E, " too", ENTER, CTRL_D):
        keyboard.keys.send_text(keys)
    assert repl.run() is ExitStatus.DONE
    assert out.getvalue() == "first\nsecond\nsecond\n"
    said = [message.content for message in repl.chat.session.conversation.messages]
    assert said == ["two more", "second", "two too", "second"]
