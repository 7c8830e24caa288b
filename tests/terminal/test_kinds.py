"""The whole program at terminals of several kinds: narrow, dumb, without colours; and what it shows while it waits."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import PseudoTerminal
from tests.terminal.test_live import whole
from tests.terminal.test_markdown import TABLE

CTRL_D, ENTER = "\x04", "\r"
ROOT = Path(__file__).parent.parent.parent
CODE = "```python\ndef f(): return 'x'\nprint(f)\n```\n"
ANSWER = f"# 제목\n\nSome **words** and `code`, see [it](http://a.example).\n\n{TABLE}\n{CODE}"
COLOUR = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:[349]\d|10\d)(?:;[\d;]*)?m")
Start = Callable[..., PseudoTerminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command over a model that follows a script."""
    started: list[PseudoTerminal] = []

    def run(*argv: str, columns: int = 80, lines: int = 24, text: str = ANSWER, **options: Any) -> PseudoTerminal:
        environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | options.pop("environ", {})
        basic = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        script = json.dumps({"replies": [{"text": text, **options.pop("reply", {})}], **options})
        command = [sys.executable, "-m", "tests.scripted_program", script, *argv]
        terminal = PseudoTerminal(command, basic | environ, tmp_path, columns=columns, lines=lines)
        started.append(terminal)
        return terminal

    yield run
    for terminal in started:
        terminal.__exit__()


def test_a_chat_at_twenty_columns(start: Start) -> None:
    terminal = start("chat", columns=20, lines=8)
    terminal.until("scripted")
    terminal.press("ask" + ENTER)
    terminal.until("low")
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert terminal.rows == ["> ask", *whole(ANSWER, 20), ">"]


@pytest.mark.parametrize("command", ["ask", "chat"])
def test_no_color_means_no_colour(start: Start, command: str) -> None:
    coloured, bare = (start(command, *(["hi"] if command == "ask" else []), environ=e) for e in ({}, {"NO_COLOR": "1"}))
    for terminal in (coloured, bare):
        if command == "chat":
            terminal.until("scripted")
            terminal.press("ask" + ENTER)
            terminal.until("low")
            terminal.press(CTRL_D)
        assert terminal.status() == 0
        assert "def f(): return 'x'" in terminal.rows
    assert COLOUR.search(coloured.raw)
    assert not COLOUR.search(bare.raw)
    assert b"\x1b[1m" in bare.raw


CURSOR = re.compile(rb"\x1b(?!\[[\d;]*m)|\r(?!\n)|\x08")


@pytest.mark.parametrize("options", [["--render", "plain"], []], ids=["plain", "dumb"])
@pytest.mark.parametrize("command", ["ask", "chat"])
def test_plain_and_dumb_move_no_cursor_at_all(start: Start, command: str, options: list[str]) -> None:
    words = ["hi"] if command == "ask" else []
    terminal = start(command, *words, *options, environ={} if options else {"TERM": "dumb"}, load_s=0.3)
    if command == "chat":
        terminal.until(">")
        terminal.press("hi\n")
        terminal.until("print")
        terminal.press(CTRL_D)
    assert terminal.status() == 0
    shown = "\n".join(terminal.rows)
    assert "\n".join(row.rstrip() for row in ANSWER.rstrip().split("\n")) in shown
    assert not CURSOR.search(terminal.raw)
    assert options or b"\x1b" not in terminal.raw


@pytest.mark.parametrize(("words", "said"), [(["hi"], "thinking"), (["word"] * 3_100, "reading 3,101 tokens")])
def test_what_is_happening_is_shown_and_gone_without_a_trace(start: Start, words: list[str], said: str) -> None:
    terminal = start("ask", *words, text="Answer.", reply={"pause_s": 1.0}, load_s=1)
    terminal.until("reading weights")
    terminal.until(said)
    assert terminal.status() == 0
    assert terminal.rows == ["Answer."]
    assert not terminal.screen.cursor.hidden
