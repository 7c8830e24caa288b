"""Records a chat in a real pseudo-terminal: docs/chat.txt, and pictures of its last screen for dark and light pages.

Run it with: python -m tests.terminal.record_chat

It asks the built-in model, so it needs no network, and ten seconds. Copy docs/chat.txt into the README then.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import groupby
from pathlib import Path

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text

from tests.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
TURNS = (
    "it keeps cutting off my answers",
    "what is 12 times 7",
    "which command starts a chat",
    "안녕하세요",
)
CTRL_D, ENTER = "\x04", "\r"
COLUMNS, LINES = 80, 18
_PATIENCE_S = 120
_NO_FONTS = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's picture, without the fonts that it would fetch from elsewhere."""


def record(argv: Sequence[str], environ: Mapping[str, str], turns: Sequence[str], folder: Path) -> None:
    """Have the chat, and write its files into the folder."""
    with PseudoTerminal(argv, environ, Path(environ["HOME"]), columns=COLUMNS, lines=LINES) as terminal:
        for number, turn in enumerate(turns, 1):
            _wait(terminal, prompts=number)
            terminal.press(turn + ENTER)
        _wait(terminal, prompts=len(turns) + 1)
        screen = _picture(terminal.screen)
        terminal.press(CTRL_D)
        assert terminal.status() == 0
        rows = terminal.rows
    folder.mkdir(exist_ok=True)
    (folder / "chat.txt").write_text("\n".join(rows).removesuffix("\n>") + "\n", encoding="utf-8")
    for name, theme in (("dark", SVG_EXPORT_THEME), ("light", DEFAULT_TERMINAL_THEME)):
        console = Console(record=True, width=COLUMNS, file=StringIO())
        console.print(screen)
        svg = console.export_svg(title="llamacli chat", theme=theme, code_format=_NO_FONTS, unique_id=f"chat-{name}")
        (folder / f"chat-{name}.svg").write_text(svg, encoding="utf-8")


def _wait(terminal: PseudoTerminal, *, prompts: int) -> None:
    """Until so many prompts are there, and the line below the last one says that the model is loaded."""
    patience = time.monotonic() + _PATIENCE_S
    while _prompts(terminal.rows) < prompts or " · cpu" not in terminal.rows[-1]:
        assert time.monotonic() < patience, "\n".join(terminal.rows)
        terminal.draw(0.1)
    while terminal.draw(0.3):
        pass


def _prompts(rows: Sequence[str]) -> int:
    return sum(row == ">" or row.startswith("> ") for row in rows)


def _picture(screen: pyte.HistoryScreen) -> Text:
    rows = []
    for y in range(screen.lines):
        cells = groupby((screen.buffer[y][x] for x in range(screen.columns)), _style)
        row = Text.assemble(*(("".join(cell.data for cell in group), style) for style, group in cells))
        if not screen.buffer[y][screen.columns - 1].reverse:
            row.rstrip()
        rows.append(row)
    return Text("\n").join(rows)


def _style(cell: pyte.screens.Char) -> Style:
    return Style(
        color=None if cell.fg == "default" else cell.fg,
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        strike=cell.strikethrough,
        reverse=cell.reverse,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        chat = [sys.executable, "-m", "llamacli", "chat", "--model", "builtin", "--temperature", "0", "--offline"]
        world = {"HOME": home, "TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        record(chat, world, TURNS, DOCS)
