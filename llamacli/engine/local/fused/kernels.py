"""CUDA kernels of our own, compiled on the machine that runs them by the compiler library that torch brings along."""

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("step.cu")
THREADS = 256
"""Threads of a block, as in the source."""

Argument = Tensor | int | float

_modules: dict[object, Any] = {}
_one_compiles = Lock()


class Kernels:
    """The kernels of the source file, compiled for the device with these definitions; the first time about a second.

    Raises RuntimeError where a call of CUDA fails, ImportError where `cuda.bindings`, which torch depends on where
    it is built for CUDA on Linux, is missing.
    """

    def __init__(self, definitions: Mapping[str, int], device: torch.device) -> None:
        self._device = device
        self._module = _module(definitions, device)
        self._kernels: dict[str, Any] = {}

    def launch(self, name: str, grid: tuple[int, int], shared_bytes: int, arguments: Sequence[Argument]) -> None:
        """Start the kernel on the current stream; integers are passed as int, floats as float."""
        from cuda.bindings import driver

        if name not in self._kernels:
            (self._kernels[name],) = _checked(driver.cuModuleGetFunction(self._module, name.encode()))
        values, kinds = zip(*map(_passed, arguments), strict=True)
        stream = torch.cuda.current_stream(self._device).cuda_stream
        _checked(
            driver.cuLaunchKernel(
                self._kernels[name], *grid, 1, THREADS, 1, 1, shared_bytes, stream, (values, kinds), 0
            )
        )


def _passed(argument: Argument) -> tuple[int | float, Any]:
    if isinstance(argument, Tensor):
        return argument.data_ptr(), ctypes.c_void_p
    return argument, ctypes.c_int if isinstance(argument, int) else ctypes.c_float


def _module(definitions: Mapping[str, int], device: torch.device) -> Any:
    """What is loaded into the device stays there, for the next model; whoever comes meanwhile waits for it."""
    from cuda.bindings import driver

    key = (device, *sorted(definitions.items()))
    with _one_compiles:
        if key not in _modules:
            with torch.cuda.device(device):
                torch.cuda.current_stream().synchronize()  # makes the context that the driver loads into
                (_modules[key],) = _checked(driver.cuModuleLoadData(_compiled(definitions, device)))
        return _modules[key]


def _compiled(definitions: Mapping[str, int], device: torch.device) -> bytes:
    """Machine code for the device."""
    from cuda.bindings import nvrtc

    major, minor = torch.cuda.get_device_capability(device)
    options = [f"--gpu-architecture=sm_{major}{minor}", *(f"-D{name}={value}" for name, value in definitions.items())]
    (program,) = _checked(nvrtc.nvrtcCreateProgram(SOURCE.read_bytes(), SOURCE.name.encode(), 0, [], []))
    try:
        _checked(nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options]))
        (size,) = _checked(nvrtc.nvrtcGetCUBINSize(program))
        code = bytes(size)
        _checked(nvrtc.nvrtcGetCUBIN(program, code))  # fills the bytes in place
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return code


def _checked(result: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a call gave beside its status."""
    status, *given = result
    if int(status):
        raise RuntimeError(f"CUDA: {status}")
    return tuple(given)
