"""What was found of a machine, its libraries and the models on its disk: values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llamacli.placement import Machine, ModelShape


@dataclass(frozen=True, slots=True)
class Stored:
    """A model on disk: its directory, its size in bytes, and its shape."""

    directory: Path
    size: int
    shape: ModelShape


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to run models with.

    `cuda` is the version of CUDA that torch is built with, empty for none; `driver` whether the system has a driver
    for NVIDIA cards; `bitsandbytes_fault` what keeps bitsandbytes from quantizing, empty for nothing; `logged_in`
    whether the hub's own tools have a token. `stored` are the
    models on disk by the names that people use. `free_bytes` is the room on disk under some directories.
    """

    machine: Machine
    cuda: str
    driver: bool
    bitsandbytes_fault: str
    logged_in: bool
    stored: Mapping[str, Stored]
    free_bytes: Mapping[Path, int]
