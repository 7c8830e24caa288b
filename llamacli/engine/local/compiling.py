"""The second gear: torch compiles the forward pass of a step in a thread of its own, while answers go on without it."""

import atexit
import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

import torch
from torch import Tensor

from llamacli.background import in_background
from llamacli.engine.local.cache import new_cache
from llamacli.engine.local.decode import threads_for
from llamacli.engine.local.hardware import free_memory

Forward = Callable[..., Any]
"""The forward pass of a model, as it is or compiled."""

PATIENCE = 5.0
"""Seconds that a compilation gets to end when it is told to: nearly always it takes a tenth of one."""


class SecondGear:
    """Compiled forward passes of a step, one for each size of the cache, made one at a time when they are asked for.

    Once one cannot be made there are no more: without a compiler, or for a model that it does not know, each try would
    be as vain. Whoever would rather `wait` for them hears why.
    """

    def __init__(self, model: Any, *, wait: bool) -> None:
        self.waits = wait
        self._model = model
        self._made: dict[int, Forward] = {}
        self._making: _Compilation | None = None
        self._over = False

    def forward(self, size: int) -> Forward | None:
        """The one for a cache of `size` tokens; None while it is being made, or another one: torch calls none then."""
        self._collect()
        if self._making is None and size not in self._made and not self._over:
            self._making = _Compilation(self._model, size)
            self._collect()
        return None if self._making else self._made.get(size)

    def give_up(self) -> None:
        """Make no more, and free what the last try has taken."""
        self._over = True
        self._made.clear()
        free_memory()

    def close(self) -> None:
        """End what is being made. There is nothing more to ask for."""
        if self._making is not None:
            self._making.end()
        self._making = self._model = None
        self._made.clear()

    def _collect(self) -> None:
        if self._making is None or not (self.waits or self._making.future.done()):
            return
        size, made = self._making.size, self._making.future
        self._making = None
        if self.waits or made.exception() is None:
            self._made[size] = made.result()
        else:
            del made
            self.give_up()


class _Ended(BaseException):
    """A compilation was told to end. No Exception: those are caught by the compiler."""


class _Compilation:
    """One forward pass being compiled, and the promise of it."""

    def __init__(self, model: Any, size: int) -> None:
        self.size = size
        self._thread: int | None = None
        self._ending = False
        self._changing = Lock()
        self.future = in_background(lambda: self._run(model), "compiler")

    def _run(self, model: Any) -> Forward:
        with self._changing:
            if self._ending:
                raise _Ended
            self._thread = get_ident()
        atexit.register(self.end)
        try:
            return compiled(model, self.size)
        finally:
            with self._changing:
                self._thread = None
            atexit.unregister(self.end)

    def end(self) -> None:
        """Raise an exception in its thread, since the compiler cannot be told to stop, and wait a little.

        A thread that the end of the process cuts off within the compiler aborts the process.
        """
        with self._changing:
            if self._thread is not None and not self._ending:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(_Ended))
            self._ending = True
        wait([self.future], PATIENCE)


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
