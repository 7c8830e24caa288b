"""What torch sees of this machine."""

import gc
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil  # type: ignore[import-untyped]
import torch

from llamacli.placement import Gpu, Machine, kernels_available

_MIB = 1024 * 1024
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells the limit of a container, in the second and in the first version of its control groups."""


class Properties(Protocol):
    """The part of `torch.cuda.get_device_properties` that is read."""

    name: str
    major: int
    minor: int
    total_memory: int


class Cuda(Protocol):
    """The part of `torch.cuda` that is asked."""

    def is_available(self) -> bool: ...  # noqa: D102
    def device_count(self) -> int: ...  # noqa: D102
    def get_arch_list(self) -> list[str]: ...  # noqa: D102
    def get_device_properties(self, device: int) -> Properties: ...  # noqa: D102
    def mem_get_info(self, device: int) -> tuple[int, int]: ...  # noqa: D102


def run_kernel(index: int) -> None:
    """Run one small kernel on a card and wait for it; raises RuntimeError where it cannot."""
    torch.ones(8, device=f"cuda:{index}").add_(1)
    torch.cuda.synchronize(index)


def detect(
    cuda: Cuda = torch.cuda,
    *,
    kernel: Callable[[int], None] = run_kernel,
    mps: Callable[[], bool] = torch.backends.mps.is_available,
) -> Machine:
    """The machine as torch can use it. Never raises: a driver that fails is a machine without that card.

    Torch's own warnings about old cards and drivers are not shown: a placement says the same in a sentence.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Machine(_cards(cuda, kernel), memory_bytes() // _MIB, mps())


def memory_bytes(limits: Sequence[Path] = CONTAINER_LIMITS) -> int:
    """The main memory that this process may have: the machine's, or less where a container has a limit."""
    allowed: list[int] = [psutil.virtual_memory().total]
    for file in limits:
        with suppress(OSError, ValueError):  # no such file, or "max"
            allowed.append(int(file.read_text()))
    return min(allowed)


def _cards(cuda: Cuda, kernel: Callable[[int], None]) -> tuple[Gpu, ...]:
    try:
        if not cuda.is_available():
            return ()
        architectures = cuda.get_arch_list()
        count = cuda.device_count()
    except (RuntimeError, AssertionError):  # no driver, a broken one, a torch without CUDA
        return ()
    cards = [_card(cuda, index, architectures, kernel) for index in range(count)]
    return tuple(card for card in cards if card)


def _card(cuda: Cuda, index: int, architectures: Sequence[str], kernel: Callable[[int], None]) -> Gpu | None:
    """One card; one that torch has no kernels for is not touched, so its free memory is not known."""
    try:
        properties = cuda.get_device_properties(index)
    except (RuntimeError, AssertionError):
        return None
    capability = (properties.major, properties.minor)
    total = properties.total_memory // _MIB
    if not kernels_available(capability, architectures):
        return Gpu(index, properties.name, capability, total, total, supported=False)
    try:
        kernel(index)  # first, so that what CUDA itself takes is already missing from the free memory
        free = cuda.mem_get_info(index)[0] // _MIB
    except RuntimeError as error:
        full = "out of memory" in str(error)  # said by torch and by CUDA, in different classes
        return Gpu(index, properties.name, capability, total, 0 if full else total, supported=full)
    return Gpu(index, properties.name, capability, total, free)


def free_memory() -> None:
    """Give back what nobody refers to any more: models lie in cycles, and torch keeps what a card had given it."""
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
