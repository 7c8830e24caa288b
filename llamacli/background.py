"""Work in a thread of its own, with a promise of its result."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T], name: str) -> "Future[T]":
    """Start `work` in a daemon thread; its result, or its exception, comes through the future.

    A daemon, unlike the threads of ThreadPoolExecutor, does not keep an interrupted process waiting.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            future.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return future


class Later(Generic[T]):
    """Work that begins in a thread of its own once somebody says so; its result comes through `future`."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self.future: Future[T] = Future()
        self._work = work
        self._name = name
        self._once = Lock()

    @classmethod
    def known(cls, result: T) -> "Later[T]":
        """No work at all: the result is there already."""
        later = cls(lambda: result, "")
        later._once.acquire()
        later.future.set_result(result)
        return later

    def begin(self) -> None:
        """Start the work, where it has not begun."""
        if self._once.acquire(blocking=False):
            in_background(self._work, self._name).add_done_callback(self._pass_on)

    def _pass_on(self, done: "Future[T]") -> None:
        error = done.exception()
        if error is None:
            self.future.set_result(done.result())
        else:
            self.future.set_exception(error)
