"""A terminal for tests: a stream that pyte draws, with its scrollback."""

import io
import os
import re
from collections.abc import Mapping

import pyte

SIZE = os.terminal_size((80, 24))


class _Screen(pyte.HistoryScreen):
    """A screen that keeps what joins emoji; pyte itself draws nothing that follows it in a piece."""

    def draw(self, data: str) -> None:
        for part in re.split("([\u200d\ufe0f\u20e3])", data):
            if part not in ("\u200d", "\ufe0f", "\u20e3"):
                super().draw(part)
                continue
            row, column = self.buffer[self.cursor.y], self.cursor.x - 1
            column -= not row[column].data  # the right half of a wide character
            row[column] = row[column]._replace(data=row[column].data + part)


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

    def resize(self, size: os.terminal_size, *, reflow: bool = False) -> None:
        """Change the size; with `reflow` rows that are too long are broken anew, as most terminals do, but pyte."""
        self.size = size
        if reflow:
            rows = self.rows()
            self._begin(size)
            self._stream.feed("\r\n".join(rows))
        else:
            self.screen.resize(lines=size.lines, columns=size.columns)

    def _begin(self, size: os.terminal_size) -> None:
        self.screen = _Screen(size.columns, size.lines, history=100_000, ratio=0.001)
        self._stream = pyte.Stream(self.screen)


def _text(line: Mapping[int, pyte.screens.Char], columns: int) -> str:
    return "".join(line[column].data for column in range(columns)).rstrip()
