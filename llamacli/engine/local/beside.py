"""How a thread that computes in Python for a minute leaves room for one that somebody waits for.

Python runs one thread at a time, and torch lets others run whenever it launches a kernel. A prompt launches a thousand.
Each time the other thread goes on for the 5 ms that Python gives it: on an H100 the first token of an answer came after
7 s in place of 0.05, and the others at half the speed; with `INTERVAL` alone after 2 s, and at 0.85 of the speed.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, get_ident

INTERVAL = 0.0005
"""Seconds that Python gives a thread while others wait."""
ASIDE = 0.02
"""Seconds that the thread stands aside before it takes a step after all: it may hold a lock that the others need."""
NEVER = 1_000_000
"""Collections of young objects before all are looked at. There are half a million more than else: 0.4 s at a time."""


@contextmanager
def leaving_room(free: Event) -> Iterator[None]:
    """Let this thread nearly stand still while `free` is not set, and let all others get their turn soon.

    Python's collector of garbage, which is never long in coming, is where it stops: a compiler has no place for it.
    """
    thread, interval, thresholds = get_ident(), sys.getswitchinterval(), gc.get_threshold()

    def stand_aside(phase: str, _: dict[str, int]) -> None:
        if phase == "stop" and not free.is_set() and get_ident() == thread:
            free.wait(ASIDE)

    sys.setswitchinterval(min(interval, INTERVAL))
    gc.set_threshold(*thresholds[:2], NEVER)
    gc.callbacks.append(stand_aside)
    try:
        yield
    finally:
        gc.callbacks.remove(stand_aside)
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
