"""The libraries, the cards, the memory, the disks and the variables of a machine."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

from llamacli.doctor.check import Check, Status
from llamacli.engine.survey import Survey
from llamacli.placement import Gpu

LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes")

Environ: TypeAlias = Mapping[str, str]


def versions(bitsandbytes_fault: str = "") -> Iterator[Check]:
    """The versions of Python and the libraries."""
    yield Check("python", Status.OK, platform.python_version())
    for name in LIBRARIES:
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Check(name, Status.FAIL, "is not installed", "Install llamacli again.")
            continue
        if name == "bitsandbytes" and bitsandbytes_fault:
            remedy = "Install another version of it, or use --quantization none."
            yield Check(name, Status.FAIL, f"{found} cannot quantize: {bitsandbytes_fault}", remedy)
        else:
            yield Check(name, Status.OK, found)


def cards(survey: Survey) -> Iterator[Check]:
    """How torch is built, and what it can use."""
    built = f"PyTorch is built with CUDA {survey.cuda}" if survey.cuda else "PyTorch is built without CUDA"
    if survey.machine.gpus:
        yield Check("cuda", Status.OK, built)
    elif not survey.driver:
        yield Check("cuda", Status.OK, f"No CUDA card; {built}")
    elif survey.cuda:
        remedy = "Look whether nvidia-smi lists the card, and whether its driver is new enough for this CUDA."
        yield Check("cuda", Status.WARN, f"There is an NVIDIA driver, and PyTorch finds no card; {built}", remedy)
    else:
        remedy = "Install a CUDA build of PyTorch; for cards older than compute capability 7.5 that of CUDA 12.6."
        yield Check("cuda", Status.WARN, f"There is an NVIDIA driver, and {built}", remedy)
    yield from map(_card, survey.machine.gpus)
    if survey.machine.mps:
        yield Check("mps", Status.OK, "PyTorch can use the Apple GPU")


def _card(gpu: Gpu) -> Check:
    major, minor = gpu.capability
    facts = f"{gpu.name}, compute capability {major}.{minor}, {gpu.free_mib:,} of {gpu.total_mib:,} MiB free"
    if not gpu.supported:
        unused = f"{gpu.name}, compute capability {major}.{minor}, {gpu.total_mib:,} MiB, cannot be used"
        return Check(gpu.device, Status.WARN, unused, gpu.complaint(""))
    if gpu.complaint("a model"):
        return Check(gpu.device, Status.WARN, facts, "Close the other programs that use it where a model lacks room.")
    return Check(gpu.device, Status.OK, f"{facts}, computes in {gpu.dtype}")


def memory(survey: Survey) -> Check:
    """The main memory."""
    return Check("memory", Status.OK, f"{survey.machine.ram_mib:,} MiB of main memory")


def disk(survey: Survey, needed_gb: float) -> Iterator[Check]:
    """The room on the disks of the hub's cache and of ours."""
    for (path, free), name in zip(survey.free_bytes.items(), ("disk-hub", "disk-cache"), strict=False):
        short = free < needed_gb * 1e9
        remedy = f"Llama 3.1 8B needs {needed_gb:.0f} GB in all: free some, or move the directory with "
        remedy += "HF_HOME." if name == "disk-hub" else "LLAMACLI_CACHE_DIR."
        finding = f"{free / 1e9:,.0f} GB free for {path}"
        yield Check(name, Status.WARN if short else Status.OK, finding, remedy if short else "")


def environment(environ: Environ) -> Iterator[Check]:
    """The variables of the libraries that change what a person would expect."""
    if (cards := environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        remedy = "Unset it to use all cards."
        yield Check("CUDA_VISIBLE_DEVICES", Status.WARN, f"PyTorch sees only these cards: {cards!r}", remedy)
    for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
        value = environ.get(name)
        if value and "expandable_segments:True" not in value:
            remedy = "Unset it, or add expandable_segments:True: without it long contexts do not fit as planned."
            yield Check(name, Status.WARN, value, remedy)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
            yield Check(name, Status.WARN, "Nothing is downloaded", "Unset it where a model is to be downloaded.")
    if threads := environ.get("OMP_NUM_THREADS"):
        remedy = "Unset it where models on the CPU seem slow."
        yield Check("OMP_NUM_THREADS", Status.WARN, f"The CPU computes with so many threads: {threads}", remedy)
