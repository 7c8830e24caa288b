"""Two models in one process at a time: which parts of loading them may run side by side.

While transformers builds the modules of a model, it changes the default dtype of torch, `PreTrainedModel.tie_weights`
and more for the whole process. Another model that is built at that time gets untied, random output weights; one that
reads a 4-bit copy gets scales that are rounded to 16 bits. Neither is an error. Reading weights changes nothing of the
kind. So a model is built while no other is built or read, and weights are read side by side.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition


class Site:
    """Where models are built one after the other, and then read together."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting = 0
        self._building = False
        self._reading = 0

    @contextmanager
    def alone(self) -> Iterator[Callable[[], None]]:
        """Build alone. The function that it gives says that the model is built, and its weights are read now."""
        self._begin()
        state = {"built": False}

        def built() -> None:
            if not state["built"]:
                state["built"] = True
                self._read()

        try:
            yield built
        finally:
            self._leave(reading=state["built"])

    def _begin(self) -> None:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._building and not self._reading)
            self._waiting -= 1
            self._building = True

    def _read(self) -> None:
        with self._changed:
            self._building = False
            self._changed.notify_all()
            # Whoever waits builds first, so that both read together.
            self._changed.wait_for(lambda: not self._building and not self._waiting)
            self._reading += 1

    def _leave(self, *, reading: bool) -> None:
        with self._changed:
            if reading:
                self._reading -= 1
            else:
                self._building = False
            self._changed.notify_all()
