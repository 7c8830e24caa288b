"""What a chat leaves for the next one, with processes in a real pseudo-terminal."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llamacli.history import FILE_NAME, TYPED_NAME, History
from tests.pseudo_terminal import PseudoTerminal

CTRL_C, CTRL_D, CTRL_R, ENTER, TAB, UP = "\x03", "\x04", "\x12", "\r", "\t", "\x1b[A"
ROOT = Path(__file__).parent.parent
SCRIPT = json.dumps({"replies": [{"text": "First."}, {"text": "Second."}, {"text": "Third."}]})


@contextmanager
def chat(home: Path, *argv: str) -> Iterator[PseudoTerminal]:
    """A chat of the person who lives there, at its prompt; it is left by Ctrl-D."""
    environ = {"HOME": str(home), "TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.scripted_program", SCRIPT, "chat", *argv]
    with PseudoTerminal(command, environ, home, lines=50) as terminal:
        terminal.until("scripted · cpu")
        yield terminal
        terminal.press(CTRL_D)
        assert terminal.status() == 0, terminal.rows
        assert terminal.is_as_it_was()
        assert b"Traceback" not in terminal.raw


def say(terminal: PseudoTerminal, line: str, until: str) -> list[str]:
    terminal.press(line + ENTER)
    return terminal.until(until)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / ".local/share/llamacli"


def test_a_chat_that_is_saved_and_gone_on_with(tmp_path: Path, data: Path) -> None:
    with chat(tmp_path) as first:
        say(first, "안녕 llama", "First.")
        say(first, "/save 나의 라마", "The conversation is saved as")
    [saved] = History(data / FILE_NAME).summaries()
    assert (saved.title, saved.turns) == ("나의 라마", 1)
    for file in (data / FILE_NAME, data / TYPED_NAME):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    with chat(tmp_path) as second, chat(tmp_path) as beside:
        assert any(row.startswith(saved.id) for row in say(second, "/history", "/load ID goes on with one."))
        second.press("/load 라마" + TAB)
        second.until(f"> /load {saved.id}")
        say(second, "", f"Going on with {saved.id}: 나의 라마 (1 turn).")
        say(second, "typed in the second", "First.")
        say(beside, "typed beside it", "First.")
    assert {each.id: each.turns for each in History(data / FILE_NAME).summaries()}[saved.id] == 2

    with chat(tmp_path) as third:
        for part, whole in (("LLAMA", "안녕 llama"), ("second", "typed in the second"), ("beside", "typed beside it")):
            third.press(CTRL_R + part)
            third.until(f"I-search backward: {part}")
            third.press(ENTER)
            third.until(f"> {whole}")
            third.press(CTRL_C)
            third.until(f"> {whole}", gone=True)


def test_what_is_not_to_be_kept_is_not(tmp_path: Path, data: Path) -> None:
    with chat(tmp_path, "--no-save") as terminal:
        say(terminal, "secret", "First.")
        terminal.press(UP)
        terminal.until("> secret")
        terminal.press(CTRL_C)
        say(terminal, "/history", "There is no saved conversation.")
    assert not data.exists()


def test_a_directory_that_cannot_be_written_costs_a_notice_and_no_answer(tmp_path: Path, data: Path) -> None:
    data.parent.mkdir(parents=True)
    data.touch()
    with chat(tmp_path) as terminal:
        say(terminal, "one", "First.")
        terminal.until("The conversation is not saved.")
        say(terminal, "two", "Second.")
        terminal.press(CTRL_R + "on")
        terminal.until("I-search backward: on")
        terminal.press(ENTER + ENTER)
        rows = terminal.until("Third.")
    assert sum("The conversation is not saved." in row for row in rows) == 1
