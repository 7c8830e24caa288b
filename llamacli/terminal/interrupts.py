"""Ctrl-C while a turn runs."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TypeVar

T = TypeVar("T")


class Interrupts:
    """While the `with` block lasts, Ctrl-C breaks a wait, and never the drawing or the clean-up around it.

    It raises KeyboardInterrupt inside `during`, or at its next call if it was pressed between two. Whatever else is
    pressed is ignored, so that impatience cannot tear what the first press puts in order.
    """

    def __init__(self) -> None:
        self._pressed = False
        self._waiting = False

    def __enter__(self) -> "Interrupts":
        """Take Ctrl-C over."""
        self._former = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back."""
        signal.signal(signal.SIGINT, self._former)

    def during(self, wait: Callable[[], T]) -> T:
        """The result of `wait`, which Ctrl-C breaks with KeyboardInterrupt."""
        if self._pressed:
            raise KeyboardInterrupt
        self._waiting = True
        try:
            return wait()
        finally:
            self._waiting = False

    def forget(self) -> None:
        """What was pressed until now is answered."""
        self._pressed = False

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self._pressed = True
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt
