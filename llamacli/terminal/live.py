"""Live Markdown: finished blocks are printed once, the open block is drawn again as it grows."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import takewhile
from os import terminal_size
from typing import IO

from rich.cells import cell_len
from rich.console import Console

from llamacli.terminal.growing import GrowingMarkdown
from llamacli.terminal.sanitize import Sanitizer

_SHORTEST_PAUSE_S = 0.05
_PAUSE_PER_DRAWING = 40
"""Times as long as a drawing took, the next one waits: drawing takes less than a fortieth of the time."""
_PAUSE_PER_DRAWING_AT_LENGTH = 200
_SPENT_AT_FIRST_S = 0.25
"""Of an answer that goes on so long that its drawing took more than this, it takes a two-hundredth of the time."""
_ALL = 1_000_000
_CLEAR, _NO_WRAP, _WRAP, _RESET = "\x1b[K", "\x1b[?7l", "\x1b[?7h", "\x1b[0m"
_STYLE = re.compile(r"\x1b\[[\d;]*m")
_TOKEN = re.compile(_STYLE.pattern + "|.")


class LiveRegion:
    """The rows at the bottom of a terminal that may still change; each change is one write."""

    def __init__(self, stream: IO[str], size: Callable[[], terminal_size]) -> None:
        self._stream = stream
        self._size = size
        self._rows: list[str] = []
        self._columns = size().columns

    @property
    def height(self) -> int:
        """How many rows there are that may change."""
        return len(self._rows)

    def change(self, finished: Sequence[str], open_rows: Sequence[str], *, stays: bool = False) -> None:
        """Put `finished` rows, for good, and then `open_rows` in place of the rows that are there now.

        Those that are there fit the terminal, and all are in reach; unless they belong to a block that `stays`.
        """
        columns, lines = self._size()
        rows = [*finished, *open_rows]
        kept = self._common(rows) if stays or columns == self._columns else 0
        if not finished and kept == len(rows) == len(self._rows):
            return
        if stays and self._rows:
            text = self._gone_on(rows, kept, columns, lines) + ("\n" if rows and not open_rows else "")
        else:
            text = self._drawn(rows, max(min(kept, len(rows) - 1), 0), len(finished))
        self._rows, self._columns = list(open_rows), columns
        self._stream.write(text)
        self._stream.flush()

    def _common(self, rows: Sequence[str]) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(rows, self._rows, strict=False)))

    def _drawn(self, rows: Sequence[str], kept: int, finished: int) -> str:
        """What puts the rows, all but the first `kept`, in place of those that are there."""
        start = "\n" if kept and kept == len(self._rows) else _up(len(self._rows) - kept - 1)
        settled = "".join(f"{_CLEAR}{row}\n" for row in rows[kept:finished])
        moving = "\n".join(_CLEAR + row for row in rows[max(kept, finished) :])
        is_open = len(rows) > finished
        left_over = len(self._rows) - len(rows)
        return start + settled + (f"{_NO_WRAP}{moving}{_WRAP}" if is_open else "") + _erased(left_over, is_open)

    def _gone_on(self, rows: Sequence[str], kept: int, columns: int, lines: int) -> str:
        """What makes the rows of those that are there, which the terminal broke anew where they are too wide for it.

        It goes back no farther than to the first character that differs: what is above may be out of reach.
        """
        if kept == len(self._rows):
            return "".join("\n" + row for row in rows[kept:])
        kept = max(min(kept, len(rows) - 1), 0)
        begun, rest = _parted(self._rows[kept], rows[kept] if rows else "")
        line, column = _end(begun, columns)
        if column == columns:  # what follows stands below
            line, column = line + 1, 0
        below = min(sum(_end(_STYLE.sub("", row), columns)[0] + 1 for row in self._rows[kept:]) - line, lines)
        go = _up(below - 1) + (f"\x1b[{column}C" if column else "")
        cleared = go + _CLEAR + f"\n{_CLEAR}" * (below - 1) + go if below else "\n"
        return cleared + "\n".join([rest, *rows[kept + 1 :]])


def _parted(old: str, new: str) -> tuple[str, str]:
    """The text with which both rows begin, and what follows in the new one, in the style that holds there."""
    pairs = zip(_TOKEN.findall(old), _TOKEN.findall(new), strict=False)
    begun = "".join(token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    style = "".join(_STYLE.findall(begun.rpartition(_RESET)[2]))
    return _STYLE.sub("", begun), style + new[len(begun) :]


def _end(text: str, columns: int) -> tuple[int, int]:
    """Line and column behind the text where a terminal breaks it, which never breaks a wide character."""
    line, column = 0, 0
    for character in text:
        width = cell_len(character)
        line, column = (line + 1, width) if column + width > columns else (line, column + width)
    return line, column


def _up(rows: int) -> str:
    return f"\r\x1b[{rows}A" if rows > 0 else "\r"


def _erased(rows: int, after_a_row: bool) -> str:
    """Empty so many rows below. Not by "erase to the end of the screen": from its top, that fills tmux's scrollback."""
    if rows <= 0:
        return ""
    down = "\n" if after_a_row else ""
    up = rows - 1 + after_a_row
    return down + "\n".join([_CLEAR] * rows) + (_up(up) if up else "")


class MarkdownAnswer:
    """An answer as Markdown: on a `live` terminal as it grows, elsewhere each block when it is finished.

    What stays on the screen equals `markdown_rows` of the whole answer, and the drawing takes a small, bounded part of
    the time. BrokenPipeError where nobody reads any more.

    In a terminal that gets smaller the open block stays: it keeps the width with which it began, and the terminal
    breaks it, as it breaks what is above. To break it better it would have to be drawn anew from its first row; but
    which rows a terminal moves out of reach when it gets smaller, and whether it fills empty ones first, it does not
    say (tmux moves rows into its scrollback even where half of the screen is empty), and they would be there twice. Nor
    does it say in time that its size changed: what is drawn in between, in tmux a quarter of a second, may go wrong.
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
        self._drawn_for = size()
        self._stays = False
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
        rows = self._markdown.final_rows(self._columns())
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
            self._show(self._markdown.last_rows(self._columns()))
        finally:
            self._silence.close()

    def _columns(self) -> int:
        """Columns of the open block."""
        now, then = self._size(), self._drawn_for
        if self._region is not None and self._region.height:
            self._stays = self._stays or now.columns < then.columns or now.lines < then.lines
        if not self._stays:
            self._drawn_for = now
        return self._drawn_for.columns

    def _show(self, final: list[str]) -> None:
        if self._region is None:
            self._console.file.write("".join(row + "\n" for row in final))
            self._console.file.flush()
            return
        stayed = self._stays
        if len(final) >= max(self._region.height, 1):  # all that stayed is over
            self._stays, self._drawn_for = False, self._size()
        columns, lines = self._drawn_for
        reach = _ALL if self._stays else max(lines - 1, 1)
        self._region.change(final, self._markdown.open_rows(columns, reach)[-reach:], stays=stayed)

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
