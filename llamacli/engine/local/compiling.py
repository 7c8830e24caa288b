"""The second gear: torch compiles the forward pass of a step in a thread of its own, while answers go on without it."""

import atexit
import ctypes
import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from threading import Lock, get_ident
from time import monotonic
from traceback import clear_frames
from typing import Any

import torch
from torch import Tensor

from llamacli.background import in_background
from llamacli.engine.local.cache import new_cache
from llamacli.engine.local.decode import threads_for
from llamacli.engine.local.hardware import free_memory

Forward = Callable[..., Any]
"""The forward pass of a model, as it is or compiled."""

PATIENCE = 2.0
"""Seconds that a compilation gets to end. A tenth of one is the rule, but what is not Python has to finish first."""
INTERVAL = 0.0005
"""Seconds that Python gives a thread while others wait, a tenth of what is usual. It runs one thread at a time, and
torch lets others run whenever it launches a kernel, which a prompt does a thousand times."""
NEVER = 1_000_000
"""Collections of young objects before all are looked at: there are half a million more than else, 0.4 s at a time."""
AGAIN = 0.5
"""Seconds after which it is told again: destructors and callbacks of weak references swallow exceptions."""


class SecondGear:
    """Compiled forward passes of a step, one for each size of the cache, made one at a time.

    Once one cannot be made there are no more: without a compiler, or for a model that it does not know, each try would
    be as vain. Whoever would rather wait for them hears why.
    """

    def __init__(self, model: Any, *, wait: bool) -> None:
        self.waits = wait
        self.why = ""
        """Why there are no more."""
        self._model = model
        self._made: dict[int, Forward] = {}
        self._making: _Compilation | None = None

    def begin(self, size: int) -> None:
        """Start to make the one for a cache of `size` tokens, if none is being made."""
        if not (self._making or self.why or size in self._made):
            self._making = _Compilation(self._model, size)

    def forward(self, size: int) -> Forward | None:
        """The one for a cache of `size` tokens; None where it is not made, or another one is: torch calls none then."""
        if self.waits:
            self.begin(size)
        self._collect()
        return None if self._making else self._made.get(size)

    def pause(self) -> None:
        """End what is being made; it may begin again.

        While a step is captured nobody may wait for the whole card, as the compiler does: both would fail.
        """
        if self._making and not self._making.ending:
            self._making.end()
            self._collect()

    def give_up(self, why: str) -> None:
        """Make no more, and free what the last try has taken."""
        self.why = why
        self._made.clear()
        free_memory()

    def close(self) -> None:
        """End what is being made. There is nothing more to ask for."""
        if self._making:
            self._making.end()
        self._making = self._model = None
        self._made.clear()

    def _collect(self) -> None:
        making = self._making
        if making is None or not (self.waits or making.future.done()):
            return
        self._making = None
        error = making.future.exception()
        if error is None:
            self._made[making.size] = making.future.result()
        elif self.waits:
            raise error
        elif not making.ending:
            why = repr(error)
            del making, error  # with all that they hold
            self.give_up(why)


class _Ended(BaseException):
    """A compilation was told to end. No Exception: those are caught by the compiler."""


class _Compilation:
    """One forward pass being compiled, and the promise of it."""

    def __init__(self, model: Any, size: int) -> None:
        self.size = size
        self.ending = False
        self._model = model
        self._thread: int | None = None
        self._changing = Lock()
        self.future = in_background(self._run, "compiler")

    def _run(self) -> Forward:
        atexit.register(self.end)
        try:
            with _leaving_room():
                load_compiler()
                with self._may_end(), _unheard():
                    return compiled(self._model, self.size)
        except BaseException as error:
            clear_frames(error.__traceback__)  # the cache is large
            raise
        finally:
            atexit.unregister(self.end)

    @contextmanager
    def _may_end(self) -> Iterator[None]:
        with self._changing:
            if self.ending:
                raise _Ended
            self._thread = get_ident()
        try:
            yield
        finally:
            with self._changing:
                self._thread = None

    def end(self) -> None:
        """Raise an exception in its thread, since the compiler cannot be told to stop, and wait a little.

        A thread that the end of the process cuts off within the compiler aborts the process.
        """
        self.ending = True
        patient_until = monotonic() + PATIENCE
        while not self.future.done() and monotonic() < patient_until:
            with self._changing:
                if self._thread is not None:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(_Ended))
            wait([self.future], min(AGAIN, PATIENCE))


@contextmanager
def _leaving_room() -> Iterator[None]:
    """Let the threads that somebody waits for get their turn soon."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(min(interval, INTERVAL))
    gc.set_threshold(*thresholds[:2], NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


@contextmanager
def _unheard() -> Iterator[None]:
    """Let Python not tell of an end that was swallowed."""
    tell = sys.unraisablehook
    sys.unraisablehook = lambda swallowed: None if swallowed.exc_type is _Ended else tell(swallowed)
    try:
        yield
    finally:
        sys.unraisablehook = tell


def load_compiler() -> None:
    """Import it, which must not end in the middle: what was half imported fails the next time."""
    warnings.filterwarnings("ignore", module="torch")  # what a compiler has to say is not for people who chat
    import torch._inductor.compile_fx  # noqa: F401


def compiled(model: Any, size: int) -> Forward:
    """The forward pass of a step, compiled for a cache of `size` tokens, and run once on one of its own."""
    torch.set_num_threads(threads_for(model.num_parameters()))
    with torch.inference_mode(), _stream_of_its_own(model.device):
        token, position = token_and_position(model.device)
        cache = new_cache(model, size)
        next_logits(model, token, position, cache)  # now the cache has its tensors, as the one that it is made for
        forward = torch.compile(model.forward, mode="default", dynamic=False)
        next_logits(forward, token, position, cache)
    return forward


def next_logits(forward: Forward, token: Tensor, position: Tensor, cache: Any) -> Tensor:
    """The logits [vocabulary] after a token: the call that is compiled, and nothing else."""
    output = forward(input_ids=token, position_ids=position, past_key_values=cache, use_cache=True)
    logits: Tensor = output.logits[0, -1]
    return logits


def token_and_position(device: torch.device) -> tuple[Tensor, Tensor]:
    """Where a step finds its token [1, 1] and its position; no inference tensors, which compiled code tells apart."""
    with torch.inference_mode(False):
        token = torch.zeros((1, 1), dtype=torch.long, device=device)
        return token, torch.zeros_like(token)


@contextmanager
def only_compiled() -> Iterator[None]:
    """Fail where what was compiled does not fit, rather than compile again while somebody waits."""
    with torch.compiler.set_stance("fail_on_recompile"):
        yield


@contextmanager
def _stream_of_its_own(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()
