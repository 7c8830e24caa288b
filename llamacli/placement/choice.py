"""Which model `auto` is on this machine."""

from dataclasses import dataclass

from llamacli.placement.arrange import precisions
from llamacli.placement.fits import needed_mib, on_cards
from llamacli.placement.machine import Gpu, Machine
from llamacli.placement.shapes import LLAMA_3_1_8B
from llamacli.placement.wishes import DEFAULT, Wishes, check

_NAME = "Llama 3.1 8B"


@dataclass(frozen=True, slots=True)
class Choice:
    """A preset's name, and a notice that says why it is not the better one; empty where it is."""

    name: str
    notice: str = ""


def choose_model(
    machine: Machine, *, llama_on_disk: bool, hub_token: bool, offline: bool = False, wishes: Wishes = DEFAULT
) -> Choice:
    """Llama 3.1 8B where a CUDA card has the room and it is on disk or may be downloaded, else `builtin`.

    Raises BadUsage for wishes that this machine cannot fulfil with any model.
    """
    check(machine, LLAMA_3_1_8B, wishes)
    why = _no_room(machine, wishes) or _no_access(llama_on_disk, hub_token, offline)
    return Choice("builtin", f"Using the small built-in model. {why}") if why else Choice("llama-3.1-8b")


def _no_access(on_disk: bool, token: bool, offline: bool) -> str:
    if on_disk or (token and not offline):
        return ""
    if offline:
        return f"{_NAME} is not on disk, and offline it cannot be downloaded: run once online with HF_TOKEN set."
    return (
        f"This machine can run {_NAME}, but it is not on disk and no hub token is set: "
        "accept its licence on the Hugging Face hub and set HF_TOKEN."
    )


def _no_room(machine: Machine, wishes: Wishes) -> str:
    """Why no card holds Llama, and what would change it; or nothing."""
    if wishes.device in ("cpu", "mps"):
        return (
            f"{_NAME} is chosen for CUDA cards, and --device {wishes.device} was given; "
            "--model llama-3.1-8b insists on it."
        )
    if any(_holds(gpu, wishes) for gpu in wishes.cards(machine)):
        return ""
    asked = [gpu for gpu in machine.gpus if wishes.device in ("auto", "cuda", gpu.device)]
    for gpu in asked:
        if (complaint := gpu.complaint(_NAME)) and _holds(gpu.at_best(), wishes):
            return complaint
    needed = needed_mib(LLAMA_3_1_8B, "float16", precisions(LLAMA_3_1_8B, wishes, (8, 0))[0][0])
    if not asked:
        return f"{_NAME} needs a CUDA card with {needed:,} MiB free, and PyTorch finds none here."
    largest = max(asked, key=lambda gpu: gpu.total_mib)
    return f"{_NAME} needs a CUDA card with {needed:,} MiB free, and {largest.title} has {largest.free_mib:,}."


def _holds(gpu: Gpu, wishes: Wishes) -> bool:
    tries = precisions(LLAMA_3_1_8B, wishes, gpu.capability)
    return any(on_cards((gpu,), LLAMA_3_1_8B, quantization, least) for quantization, least in tries)
