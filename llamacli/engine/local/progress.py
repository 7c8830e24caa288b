"""What the progress bars of the libraries would show, told to a function instead."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from logging import ERROR, getLogger
from threading import Lock, local
from typing import Any
from warnings import filterwarnings

from tqdm import tqdm  # type: ignore[import-untyped]
from transformers.utils import logging

Tell = Callable[[int, int], None]
"""Takes how much is done, and how much there is."""

_this_thread = local()


def quiet() -> None:
    """What is worth saying is said through `report`; the libraries' own bars and warnings would tear the terminal."""
    logging.set_verbosity_error()
    filterwarnings("ignore", module=r"bitsandbytes\.")  # it calls slow what is as fast as it can be
    for library in ("bitsandbytes", "huggingface_hub"):
        getLogger(library).setLevel(ERROR)
    logging.disable_progress_bar()


def download_bar(tell: Callable[[int], None]) -> type:
    """A class of bars for `snapshot_download` that shows nothing, and tells how many bytes are here."""

    lock = Lock()  # several files come at once

    class Bar(tqdm):  # type: ignore[misc]
        """One of several: the bytes that come, the bytes that are written, the files."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._counts_bytes = kwargs.get("unit") == "B"
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            with lock:
                self.n += n or 0
                if self._counts_bytes:
                    tell(int(self.n))

    return Bar


@contextmanager
def steps_told(tell: Tell) -> Iterator[None]:
    """While it lasts, what transformers goes through in this thread under a bar is told before each step."""
    logging.set_tqdm_hook(_instead_of_bar)
    _this_thread.tell = tell
    try:
        yield
    finally:
        del _this_thread.tell


def _instead_of_bar(bar: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tell: Tell | None = getattr(_this_thread, "tell", None)
    if tell is None or not args:
        return bar(*args, **kwargs)
    return _steps(args[0], tell)


def _steps(things: Collection[Any], tell: Tell) -> Iterator[Any]:
    for number, thing in enumerate(things):
        tell(number, len(things))
        yield thing
