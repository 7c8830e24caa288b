"""Live Markdown: finished blocks are printed once, the open block is drawn again as it grows."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import takewhile
from math import ceil
from os import terminal_size
from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from llamacli.terminal.growing import GrowingMarkdown
from llamacli.terminal.sanitize import Sanitizer

_SHORTEST_PAUSE_S = 0.05
_PAUSE_PER_DRAWING = 40
"""Times as long as a drawing took, the next one waits: drawing takes less than a fortieth of the time."""
_PAUSE_PER_DRAWING_AT_LENGTH = 200
_SPENT_AT_FIRST_S = 0.25
"""Of an answer that goes on so long that its drawing took more than this, it takes a two-hundredth of the time."""
_CLEAR, _NO_WRAP, _WRAP = "\x1b[K", "\x1b[?7l", "\x1b[?7h"


class LiveRegion:
    """The rows at the bottom of a terminal that may still change; less than a screen, so that all are in reach.

    Each change is one write, from the first row that differs. A terminal that makes itself narrower is taken to
    break the rows anew, as most do.
    """

    def __init__(self, stream: IO[str], size: Callable[[], terminal_size]) -> None:
        self._stream = stream
        self._size = size
        self._rows: list[str] = []
        self._columns = size().columns

    def change(self, finished: Sequence[str], open_rows: Sequence[str]) -> None:
        """Put `finished` rows, for good, and then `open_rows` in place of the rows that are there now."""
        columns, lines = self._size()
        live = list(open_rows[-max(lines - 1, 1) :])
        rows = [*finished, *live]
        kept = self._common(rows, columns)
        if not finished and kept == len(rows) == len(self._rows):
            return
        kept = max(min(kept, len(rows) - 1), 0)
        below = self._rows_below(kept, columns, lines)
        settled = "".join(f"{_CLEAR}{row}\n" for row in rows[kept : len(finished)])
        moving = "\n".join(_CLEAR + row for row in rows[max(kept, len(finished)) :])
        text = settled + (f"{_NO_WRAP}{moving}{_WRAP}" if live else "")
        start = "\n" if kept and kept == len(self._rows) else _up(below - 1)
        left_over = below - (len(rows) - kept)
        self._rows, self._columns = live, columns
        self._stream.write(start + text + _erased(left_over, after_a_row=bool(live)))
        self._stream.flush()

    def _common(self, rows: Sequence[str], columns: int) -> int:
        if columns != self._columns:
            return 0
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(rows, self._rows, strict=False)))

    def _rows_below(self, row: int, columns: int, lines: int) -> int:
        """Rows that the terminal has from row number `row` to the last one, as far as they are in reach."""
        return min(sum(_height(text, columns, self._columns) for text in self._rows[row:]), lines)


def _up(rows: int) -> str:
    return f"\r\x1b[{rows}A" if rows > 0 else "\r"


def _erased(rows: int, *, after_a_row: bool) -> str:
    """Empty so many rows below. Not by "erase to the end of the screen": from its top, that fills tmux's scrollback."""
    if rows <= 0:
        return ""
    down = "\n" if after_a_row else ""
    up = rows - 1 + after_a_row
    return down + "\n".join([_CLEAR] * rows) + (_up(up) if up else "")


def _height(row: str, columns: int, drawn_columns: int) -> int:
    if columns >= drawn_columns:
        return 1
    return max(ceil(cell_len(Text.from_ansi(row).plain) / columns), 1)


class MarkdownAnswer:
    """An answer as Markdown: on a `live` terminal as it grows, elsewhere each block when it is finished.

    What stays on the screen equals `markdown_rows` of the whole answer, and the drawing takes a small, bounded part of
    the time. BrokenPipeError where nobody reads any more.
    """

    def __init__(
        self,
        console: Console,
        size: Callable[[], terminal_size],
        *,
        live: bool,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._console = console
        self._size = size
        self._clock = clock
        self._region = LiveRegion(console.file, size) if live else None
        self._sanitizer = Sanitizer()
        self._markdown = GrowingMarkdown(console)
        self._begun = clock()
        self._spent = 0.0
        self._due = 0.0
        self._silence = ExitStack()
        if live:
            self._silence.enter_context(silent_keys(console.file))

    def feed(self, text: str) -> None:
        """Take in the next piece; draw what is finished, and the rest unless it was just drawn."""
        self._markdown.add(self._sanitizer.feed(text))
        started = self._clock()
        rows = self._markdown.final_rows(self._size().columns)
        draws = bool(rows) or (self._region is not None and started >= self._due)
        if draws:
            self._show(rows)
        took = self._clock() - started
        self._spent += took
        if draws:
            self._put_off(started + took, took)

    def finish(self) -> None:
        """Draw the end, put the cursor below it, let keys be seen again."""
        try:
            self._markdown.add(self._sanitizer.finish())
            self._show(self._markdown.last_rows(self._size().columns))
        finally:
            self._silence.close()

    def _show(self, final: list[str]) -> None:
        if self._region is not None:
            columns, lines = self._size()
            self._region.change(final, self._markdown.open_rows(columns, lines))
        else:
            self._console.file.write("".join(row + "\n" for row in final))
            self._console.file.flush()

    def _put_off(self, now: float, took: float) -> None:
        """Set when the open block may be drawn again."""
        self._due = max(
            now + _SHORTEST_PAUSE_S,
            now + _PAUSE_PER_DRAWING * took,
            self._begun + _PAUSE_PER_DRAWING_AT_LENGTH * (self._spent - _SPENT_AT_FIRST_S),
        )


@contextlib.contextmanager
def silent_keys(stream: IO[str]) -> Iterator[None]:
    """Do not show what is typed meanwhile: it would move the cursor. It is not lost, the next prompt reads it."""
    try:
        import termios

        terminal = stream.fileno()
        before = termios.tcgetattr(terminal)
        if os.tcgetpgrp(terminal) != os.getpgrp():  # a job in the background would be stopped for it
            raise OSError
    except (ImportError, OSError, ValueError, termios.error):
        yield
        return
    silent = before.copy()
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
