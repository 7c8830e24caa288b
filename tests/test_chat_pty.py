"""The chat as a person has it: a process in a real pseudo-terminal."""

import base64
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import PseudoTerminal

CTRL_C, CTRL_D, CTRL_E, CTRL_J, CTRL_R, CTRL_X = "\x03", "\x04", "\x05", "\x0a", "\x12", "\x18"
ENTER, TAB = "\r", "\t"
SLOW = {"text": "one two three four five six seven eight nine ten " * 20, "pause_s": 0.05}
ROOT = Path(__file__).parent.parent
Start = Callable[..., PseudoTerminal]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Start]:
    started: list[PseudoTerminal] = []

    def start(*replies: dict[str, Any], environ: Mapping[str, str] | None = None, **script: Any) -> PseudoTerminal:
        argv = [sys.executable, "-m", "tests.scripted_program", json.dumps({"replies": replies, **script}), "chat"]
        basic = {"HOME": str(tmp_path), "TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        terminal = PseudoTerminal(argv, {**basic, **(environ or {})}, tmp_path)
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.__exit__()


def test_a_conversation(chat: Start) -> None:
    terminal = chat({"text": "A **llama** is\n\n- kind\n"}, {"text": "And soft."})
    terminal.until("scripted · cpu")
    terminal.press("what is a llama" + ENTER)
    terminal.until("low, 100 tokens")
    terminal.press("go on" + ENTER)
    rows = terminal.until("And soft.")
    assert rows.index("> what is a llama") < rows.index("A llama is") < rows.index("> go on") < rows.index("And soft.")
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert terminal.is_as_it_was()
    assert b"Traceback" not in terminal.raw


def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(chat: Start) -> None:
    terminal = chat(SLOW, {"text": "On I go."})
    terminal.until("scripted")
    terminal.press("count" + ENTER)
    terminal.until("five six")
    terminal.press(CTRL_C)
    terminal.until("Stopped. /continue goes on, /retry asks again.")
    terminal.press("/continue" + ENTER)
    rows = terminal.until("On I go.")
    assert not any("^C" in row for row in rows)
    terminal.press("/exit" + ENTER)
    assert terminal.status() == 0
    assert terminal.is_as_it_was()


def test_impatient_ctrl_c_stops_only_the_answer(chat: Start) -> None:
    terminal = chat(SLOW)
    terminal.until("scripted")
    terminal.press("count" + ENTER)
    terminal.until("two three")
    for _ in range(2):
        terminal.signal(signal.SIGINT)
    terminal.until("Stopped.")
    terminal.press("/tokens" + ENTER)
    terminal.until("of 4,096 tokens are used")
    assert b"Traceback" not in terminal.raw


def test_the_prompt_is_there_while_the_models_load_and_typing_is_kept(chat: Start) -> None:
    terminal = chat({"text": "Loaded."}, load_s=3, notices=["Using the small model."])
    terminal.until("reading weights")
    terminal.press("typed early")
    rows = terminal.until("> typed early")
    assert rows[0] == "Using the small model."
    terminal.until("scripted · cpu")
    terminal.press(ENTER)
    rows = terminal.until("Loaded.")
    assert rows[:3] == ["Using the small model.", "> typed early", "Loaded."]


def test_ctrl_c_while_the_models_load_returns_to_the_prompt(chat: Start) -> None:
    terminal = chat({"text": "Loaded."}, load_s=3)
    terminal.until("reading weights")
    terminal.press("too early" + ENTER)
    terminal.until("auto ·", gone=True)
    terminal.until("reading weights")
    terminal.press(CTRL_C)
    terminal.until("Stopped. The model goes on loading. /retry asks again")
    terminal.press("/retry" + ENTER)
    assert "Loaded." in terminal.until("Loaded.")


@pytest.mark.parametrize("load_s", [0, 1])
def test_a_model_that_cannot_be_had_ends_the_chat(chat: Start, load_s: int) -> None:
    terminal = chat(load_s=load_s, fails="There is no model of that name.")
    assert terminal.status() == 3
    assert "error: There is no model of that name." in terminal.rows
    assert terminal.is_as_it_was()
    assert b"Traceback" not in terminal.raw


def test_ctrl_c_at_the_prompt_clears_the_line_and_twice_leaves(chat: Start) -> None:
    terminal = chat({"text": "x"})
    terminal.until("scripted")
    terminal.press("not meant")
    terminal.until("> not meant")
    terminal.press(CTRL_C)
    terminal.until("not meant", gone=True)
    terminal.press(CTRL_C)
    terminal.until("Ctrl-C again, or Ctrl-D, leaves.")
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert terminal.is_as_it_was()


def test_ctrl_d_before_there_is_a_prompt_leaves(chat: Start) -> None:
    terminal = chat()
    terminal.press(CTRL_D)
    assert terminal.status() == 0


def test_blocks_newlines_completion_and_search(chat: Start) -> None:
    terminal = chat({"text": "fine"}, {"text": "good"})
    terminal.until("scripted")
    terminal.press('"""' + ENTER + "first" + ENTER + "second" + ENTER + '"""' + ENTER)
    terminal.until("fine")
    terminal.press("/comp" + TAB)
    terminal.until("> /complexity")
    terminal.press(" h" + TAB)
    terminal.until("> /complexity high")
    terminal.press(ENTER)
    terminal.until("an answer has 500 tokens")
    terminal.press(CTRL_R + "comp")
    terminal.until("I-search backward")
    terminal.press(ENTER)
    terminal.until("I-search backward", gone=True)
    terminal.press(CTRL_C + "a" + CTRL_J + "b" + ENTER)
    rows = terminal.until("good")
    assert rows[rows.index("> a") + 1 :][:2] == ["  b", "good"]


def test_what_is_typed_during_an_answer_waits_for_the_next_prompt(chat: Start) -> None:
    terminal = chat({**SLOW, "text": "one two three four five six seven eight nine ten"}, {"text": "Again."})
    terminal.until("scripted")
    terminal.press("count" + ENTER)
    terminal.until("two")
    terminal.press("next \x7f, next" + ENTER + "and")
    terminal.until("Again.")
    rows = terminal.until("> and")
    assert rows[1:4] == ["one two three four five six seven eight nine ten", "> next, next", "Again."]


def test_a_paste_during_an_answer_is_one_message_of_the_next_prompt(chat: Start) -> None:
    terminal = chat({**SLOW, "text": "one two three four five six seven eight nine ten"}, {"text": "Again."})
    terminal.until("scripted")
    terminal.press("count" + ENTER)
    terminal.until("two")
    terminal.paste("first\rsecond\rthird")
    rows = terminal.until("  third")
    assert rows[1:5] == ["one two three four five six seven eight nine ten", "> first", "  second", "  third"]
    terminal.press(ENTER)
    terminal.until("Again.")
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert not terminal.brackets_pastes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_killed_chat_leaves_the_terminal_as_it_was(chat: Start, number: signal.Signals) -> None:
    terminal = chat({"text": "x"})
    terminal.until("scripted")
    terminal.signal(number)
    assert terminal.status() == 128 + number
    assert terminal.is_as_it_was()
    assert b"Traceback" not in terminal.raw


def test_a_dumb_terminal_has_lines_and_no_escapes(chat: Start) -> None:
    terminal = chat({"text": "Plain."}, {**SLOW}, environ={"TERM": "dumb"})
    terminal.press("hi\n")
    terminal.until("Plain.")
    terminal.press("count\n")
    terminal.until("five")
    terminal.press(CTRL_C)
    terminal.until("Stopped.")
    terminal.press(CTRL_C)
    terminal.until("Ctrl-C again")
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert b"\x1b" not in terminal.raw


def test_edit_opens_an_editor_which_has_the_terminal_as_it_was(chat: Start, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text(
        "#!/bin/sh\nstty -a | grep -c ' icanon.* echo '\necho Editing $(cat $1)\nread it\necho $it > $1\n"
    )
    editor.chmod(0o755)
    terminal = chat({"text": "first"}, {"text": "second"}, environ={"EDITOR": str(editor)})
    terminal.until("scripted")
    terminal.press("what is teh" + ENTER)
    terminal.until("first")
    terminal.press("/edit" + ENTER)
    rows = terminal.until("Editing what is teh")
    assert rows[-2] == "1"
    terminal.press("what is the" + ENTER)
    terminal.until("replaces the last turn")
    terminal.press(CTRL_C)
    terminal.until("replaces", gone=True)
    terminal.press("half" + CTRL_X + CTRL_E)
    terminal.until("Editing half")
    terminal.press("whole" + ENTER)
    terminal.until("> whole")
    terminal.press(ENTER)
    assert "> whole" in terminal.until("second")
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert terminal.is_as_it_was()


def test_copy_asks_the_terminal_where_there_is_no_program(chat: Start) -> None:
    terminal = chat({"text": "Take\n\n```\nthis\n```"}, environ={"PATH": "/nonexistent"})
    terminal.until("scripted")
    terminal.press("give" + ENTER)
    terminal.until("this")
    terminal.press("/copy 1" + ENTER)
    terminal.until("Code block 1 is copied")
    assert b"\x1b]52;c;" + base64.b64encode(b"this\n") + b"\x07" in terminal.raw
