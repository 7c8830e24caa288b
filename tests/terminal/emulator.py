"""A terminal for tests: a stream that pyte draws, with its scrollback."""

import io
import os
import re
from collections.abc import Mapping

import pyte
from wcwidth import wcswidth, wcwidth

SIZE = os.terminal_size((80, 24))


class _Screen(pyte.HistoryScreen):
    """A screen that keeps what joins emoji, behind which pyte itself draws nothing, and breaks no wide character."""

    def draw(self, data: str) -> None:
        for part in re.split("([\u200d\ufe0f\u20e3])", data):
            if part not in ("\u200d", "\ufe0f", "\u20e3"):
                self._draw(part)
                continue
            row, column = self.buffer[self.cursor.y], self.cursor.x - 1
            column -= not row[column].data  # the right half of a wide character
            row[column] = row[column]._replace(data=row[column].data + part)

    def _draw(self, data: str) -> None:
        if wcswidth(data) + self.cursor.x < self.columns or pyte.modes.DECAWM not in self.mode:
            super().draw(data)
            return
        for character in data:
            if wcwidth(character) == 2 and self.cursor.x == self.columns - 1:
                super().draw(" ")
            super().draw(character)


class Terminal(io.StringIO):
    """A stream that says it is a terminal; what is written to it is kept, and drawn."""

    def __init__(self, size: os.terminal_size = SIZE) -> None:
        super().__init__()
        self.size = size
        self.gone = False
        self._begin(size)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.gone:
            raise OSError
        self._stream.feed(text.replace("\n", "\r\n"))
        return super().write(text)

    def rows(self) -> list[str]:
        """Everything from the top of the scrollback to the last row that is not empty."""
        history = [_text(line, self.screen.columns) for line in self.screen.history.top]
        rows = [*history, *(row.rstrip() for row in self.screen.display)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def resize(self, size: os.terminal_size, *, reflow: bool = False, keep_empty: bool = False) -> None:
        """Change the size; with `reflow` rows that are too long are broken anew, as most terminals do, but pyte.

        With `keep_empty` the empty rows below stay, and what has no room goes to the scrollback, as tmux does it.
        """
        self.size = size
        if not reflow:
            self.screen.resize(lines=size.lines, columns=size.columns)
            return
        rows = self.rows()
        rows += [""] * (len(self.screen.history.top) + self.screen.cursor.y + 1 - len(rows))
        lines = min(self.screen.lines, size.lines)  # fewer lines take the empty ones first
        empty = max(lines - 1 - self.screen.cursor.y, 0) if keep_empty else 0
        self._begin(size)
        self._stream.feed("\r\n".join(rows) + "\n" * empty + f"\x1b[{empty}A" * bool(empty))

    def _begin(self, size: os.terminal_size) -> None:
        self.screen = _Screen(size.columns, size.lines, history=100_000, ratio=0.001)
        self._stream = pyte.Stream(self.screen)


def _text(line: Mapping[int, pyte.screens.Char], columns: int) -> str:
    return "".join(line[column].data for column in range(columns)).rstrip()
