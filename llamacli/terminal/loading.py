"""What is happening while there is nothing to show yet."""

import contextlib
from threading import Event, Lock, Thread
from types import TracebackType

from llamacli.events import LoadEvent, LoadProgress, Notice
from llamacli.terminal.sanitize import sanitize
from llamacli.terminal.screen import Screen

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_S = 0.1
_CLEAR = "\r\x1b[K"


class LoadingDisplay:
    """One line on standard error, drawn ten times a second while the `with` block lasts, then gone without a trace.

    Only notices appear where standard error is no terminal that can move its cursor. `report` and `status` may be
    called from any thread, and outside the block too. Leave the block before anything else is written to a terminal.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = Lock()
        self._roles: dict[str, str] = {}
        self._status = ""
        self._frame = 0
        self._drawn = False
        self._over = Event()

    def __enter__(self) -> "LoadingDisplay":
        """Start drawing."""
        if self._screen.err_can_move:
            self._over = Event()
            Thread(target=self._spin, args=(self._over,), name="spinner", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Clear the line."""
        self._over.set()
        with self._lock:
            self._clear()

    def report(self, event: LoadEvent) -> None:
        """Take in what a loading thread tells. A notice is printed at once; a role whose `done` is `total` is ready."""
        with self._lock:
            if isinstance(event, Notice):
                self._clear()
                self._screen.notice(event.text)
            elif event.total and event.done >= event.total:
                self._roles.pop(event.role, None)
            else:
                self._roles[event.role] = _sentence(event)

    def status(self, text: str) -> None:
        """Say what is happening in place of the loading, such as "reading 3,100 tokens"; "" is the loading again."""
        self._status = text

    def _spin(self, over: Event) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads standard error any more
            while not over.wait(_FRAME_S):
                with self._lock:
                    if not over.is_set():
                        self._draw()

    def _draw(self) -> None:
        self._frame = (self._frame + 1) % len(_FRAMES)
        text = sanitize(self._status or " · ".join(self._roles.values()) or "loading").replace("\n", " ")
        self._drawn = True
        self._put(_CLEAR + _fitting(f"{_FRAMES[self._frame]} {text}", self._screen.err_size().columns - 1))

    def _clear(self) -> None:
        if self._drawn:
            self._drawn = False
            self._put(_CLEAR)

    def _put(self, text: str) -> None:
        self._screen.stderr.write(text)
        self._screen.stderr.flush()


def _sentence(event: LoadProgress) -> str:
    if not event.total:
        return event.phase
    if event.unit == "bytes":
        return f"{event.phase} {event.done / 1e9:.1f} of {event.total / 1e9:.1f} GB"
    return f"{event.phase} {event.done:,} of {event.total:,} {event.unit}".rstrip()


def _fitting(text: str, columns: int) -> str:
    """The text, cut to so many cells: a line that wraps could not be cleared."""
    from rich.cells import cell_len

    if cell_len(text) <= columns:
        return text
    while text and cell_len(text) >= columns:
        text = text[:-1]
    return text + "…"
