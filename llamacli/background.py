"""Work in a thread of its own, with a promise of its result."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

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
