"""What a machine has to run models on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Capability = tuple[int, int]
Dtype = Literal["float32", "float16", "bfloat16"]

# What an idle card has free, less the desktop and the driver; one with more in use is busy.
_IDLE_SHARE = 0.85
_ARCHITECTURE = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A CUDA card: `capability` is NVIDIA's compute capability, `supported` whether this torch can use it."""

    index: int
    name: str
    capability: Capability
    total_mib: int
    free_mib: int
    supported: bool = True

    @property
    def device(self) -> str:
        """Its name in torch."""
        return f"cuda:{self.index}"

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"{self.name} ({self.device})"

    @property
    def dtype(self) -> Dtype:
        """The 16-bit type to compute in: bfloat16 is only emulated below compute capability 8.0."""
        return "bfloat16" if self.capability >= (8, 0) else "float16"

    def complaint(self, role: str) -> str:
        """What keeps the card from a role, and what would change that; empty where nothing but its size does."""
        if not self.supported:
            return f"{self.title} is not used: {self.why_unsupported}."
        if self.free_mib >= int(self.total_mib * _IDLE_SHARE):
            return ""
        return (
            f"{self.title} is passed over for {role}, because only {self.free_mib:,} of its {self.total_mib:,} MiB "
            "are free; close the programs that use the rest to have it used."
        )

    @property
    def why_unsupported(self) -> str:
        """Why torch cannot use it, and which build could."""
        major, minor = self.capability
        remedy = _remedy(self.capability)
        return f"this build of PyTorch has no kernels for compute capability {major}.{minor}; {remedy}"

    def at_best(self) -> "Gpu":
        """The same card, supported and idle."""
        return replace(self, supported=True, free_mib=max(self.free_mib, int(self.total_mib * _IDLE_SHARE)))

    def after(self, used_mib: int) -> "Gpu":
        """The same card when so much more of its memory is in use."""
        return replace(self, free_mib=self.free_mib - used_mib)


@dataclass(frozen=True, slots=True)
class Machine:
    """The cards in any order, the memory of the machine, and whether torch sees Apple's GPU."""

    gpus: tuple[Gpu, ...]
    ram_mib: int
    mps: bool = False

    def usable(self) -> tuple[Gpu, ...]:
        """The supported cards, strongest first: by capability, then by free memory."""
        ranked = sorted(self.gpus, key=lambda gpu: (gpu.capability, gpu.free_mib), reverse=True)
        return tuple(gpu for gpu in ranked if gpu.supported)

    def gpu(self, device: str) -> Gpu | None:
        """The card that torch calls `device`, such as "cuda:1"."""
        return next((gpu for gpu in self.gpus if gpu.device == device), None)

    def with_gpu(self, changed: Gpu) -> "Machine":
        """The same machine with one card changed."""
        return replace(self, gpus=tuple(changed if gpu.index == changed.index else gpu for gpu in self.gpus))


def kernels_available(capability: Capability, arch_list: Iterable[str]) -> bool:
    """Whether a torch build can run on a card, by its `torch.cuda.get_arch_list()`.

    CUDA's compatibility rules: a binary (`sm_75`) runs on the same major version from its minor on; PTX
    (`compute_75`) is compiled for any later card; names in `a` fit one capability only, in `f` like a binary.
    """
    return any(_fits(capability, name) for name in arch_list)


def _fits(capability: Capability, name: str) -> bool:
    match = _ARCHITECTURE.fullmatch(name)
    if match is None:
        return False
    kind, major, minor, suffix = match.groups()
    built_for = (int(major), int(minor))
    if suffix == "a":
        return capability == built_for
    if kind == "compute" and not suffix:
        return capability >= built_for
    return capability[0] == built_for[0] and capability[1] >= built_for[1]


def _remedy(capability: Capability) -> str:
    """Which build of torch 2.13 runs on a card that the installed one does not support."""
    if capability < (5, 0):
        return "no current build of PyTorch has them"
    if capability < (7, 5):
        return "the CUDA 12.6 build of PyTorch has them"
    return "the current CUDA build of PyTorch has them, and needs a current driver"
