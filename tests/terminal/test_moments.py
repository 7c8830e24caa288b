"""Ctrl-C at each moment of a chat, in a real pseudo-terminal: what is then on the screen and in the scrollback."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from os import terminal_size
from pathlib import Path
from typing import Any

import pytest

from llamacli.engine.scripted import tokens
from tests.pseudo_terminal import PseudoTerminal
from tests.terminal.emulator import SIZE
from tests.terminal.test_live import SMALL, whole

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"
ROOT = Path(__file__).parent.parent.parent
PROSE = "Some words about *llamas*, " * 40
CODE = "Look:\n\n```python\n" + "".join(f"value_{n} = {n}  # 주석\n" for n in range(60)) + "```\n"
TABLE = "| name | 이름 |\n|---|---|\n" + "".join(f"| row {n} | 행 |\n" for n in range(60))
Start = Callable[..., PseudoTerminal]


@pytest.fixture(params=[SIZE, SMALL], ids=["24x80", "10x40"])
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a chat over a model that follows a script, at a terminal of each size."""
    started: list[PseudoTerminal] = []
    size: terminal_size = request.param

    def chat(*replies: dict[str, Any], **script: Any) -> PseudoTerminal:
        argv = [sys.executable, "-m", "tests.scripted_program", json.dumps({"replies": replies, **script})]
        environ = {"HOME": str(tmp_path), "TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        argv += ["chat", "--max-tokens", "1000"]
        terminal = PseudoTerminal(argv, environ, tmp_path, columns=size.columns, lines=size.lines)
        started.append(terminal)
        return terminal

    yield chat
    for terminal in started:
        terminal.__exit__()


def left(terminal: PseudoTerminal) -> list[str]:
    """The rows when the person has left; the terminal is as it was."""
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert terminal.is_as_it_was()
    assert not terminal.screen.cursor.hidden
    assert b"Traceback" not in terminal.raw
    assert not any("^C" in row for row in terminal.rows)
    return terminal.rows


def stopped(terminal: PseudoTerminal) -> list[str]:
    """What stands between the prompt and the notice that the answer was stopped, when the prompt is back."""
    terminal.press(CTRL_C)
    terminal.until("Stopped.")
    terminal.until("context ")
    rows = left(terminal)
    [asked] = [number for number, row in enumerate(rows) if row == "> ask"]
    [notice] = [number for number, row in enumerate(rows) if row.startswith("Stopped.")]
    return rows[asked + 1 : notice]


@pytest.mark.parametrize(("text", "seen"), [(PROSE, "llamas, Some"), (CODE, "value_14"), (TABLE, "row 6")])
def test_while_it_answers(start: Start, text: str, seen: str) -> None:
    terminal = start({"text": text, "pause_s": 0.01})
    terminal.until("scripted")
    terminal.press("ask" + ENTER)
    terminal.until(seen)
    rows = stopped(terminal)
    parts = tokens(text)
    beginnings = ("".join(parts[:number]) for number in range(len(parts)))
    assert any(rows == whole(beginning, terminal.screen.columns) for beginning in beginnings), rows


def test_while_the_prompt_is_read(start: Start) -> None:
    terminal = start({"text": "late", "pause_s": 60})
    terminal.until("scripted")
    terminal.press("ask" + ENTER)
    terminal.until("thinking")
    terminal.press(CTRL_C)
    terminal.until("Stopped. /retry asks again")
    terminal.until("scripted")
    assert left(terminal)[:2] == ["> ask", terminal.rows[1]]
    assert not any("thinking" in row for row in terminal.rows)


def test_while_it_loads(start: Start) -> None:
    terminal = start({"text": "Loaded."}, load_s=4)
    terminal.until("reading weights")
    terminal.press("ask" + ENTER)
    terminal.until("auto ·", gone=True)
    terminal.until("reading weights")
    terminal.press(CTRL_C)
    terminal.until("Stopped. The model goes on loading.")
    terminal.until("scripted")
    rows = left(terminal)
    assert rows[0] == "> ask"
    assert rows[1].startswith("Stopped. The model goes on loading.")
    assert not any("reading weights" in row for row in rows)


def test_at_the_prompt(start: Start) -> None:
    terminal = start({"text": "x"})
    terminal.until("scripted")
    terminal.press("not meant")
    terminal.until("> not meant")
    terminal.press(CTRL_C)
    terminal.until("not meant", gone=True)
    assert left(terminal) == [">"]
