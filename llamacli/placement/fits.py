"""Whether a model fits a card, several cards or the machine's memory, and with how much context."""

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil

from llamacli.placement.machine import Dtype, Gpu, Machine
from llamacli.placement.shapes import CONTEXT_STEP, ModelShape, Quantization

# A card that computes needs this much beside weights and context: activations, 90 MiB of kernels that load late,
# 112 to unpack a 4-bit matrix, and what torch's allocator cannot join. Tried on an H200 held to the planned memory,
# with a model of Llama 3.1 8B's shape reading 512 tokens at a time: with expandable segments 2,048 to 65,536 tokens
# fit in 400 MiB; without them 9,472 fit in 565 and 32,000 do not. CUDA's own part is not in the free memory.
RESERVE_MIB = 768
# The activations of a classifier that shares a card whose reserve is already counted.
CLASSIFIER_WORK_MIB = 256
# Fewer tokens than this hold no conversation.
LEAST_CONTEXT = 2_048
# Parts of the machine's memory that a model may take; the rest is the system's, other programs' and Python's.
FLOAT32_SHARE = 1 / 2
RAM_SHARE = 3 / 4
MPS_SHARE = 2 / 3  # what Metal recommends as the largest working set


@dataclass(frozen=True, slots=True)
class RolePlacement:
    """Where one model goes: `devices` has several where its layers are spread, `layers` of them on each."""

    devices: tuple[str, ...]
    dtype: Dtype
    quantization: Quantization
    weights_mib: tuple[int, ...]  # on each device
    layers: tuple[int, ...]
    context: int  # tokens that fit

    @property
    def device(self) -> str:
        """The device that takes the input."""
        return self.devices[0]


def on_cards(
    gpus: tuple[Gpu, ...], model: ModelShape, quantization: Quantization, least: int = LEAST_CONTEXT
) -> RolePlacement | None:
    """The model on one card or spread over several, with the longest context that fits; None without room.

    The embeddings go to the first card, the head to the last (tied ones both to the first), as many layers as
    fit to each card in turn. `least` tokens of context must fit, or all that the model was made for.
    """
    dtype = min(gpus, key=lambda gpu: gpu.capability).dtype
    contexts = [*range(CONTEXT_STEP, model.max_context, CONTEXT_STEP), model.max_context]
    splits = bisect_left(contexts, True, key=lambda tokens: not _split(gpus, model, quantization, dtype, tokens))
    if not splits or contexts[splits - 1] < model.least_context(least):
        return None
    context = contexts[splits - 1]
    layers = _split(gpus, model, quantization, dtype, context)
    layer = model.layers_mib(dtype, quantization) / model.layers
    ends = _ends(model, dtype, len(gpus))
    weights = tuple(ceil(count * layer + end) for count, end in zip(layers, ends, strict=True))
    return RolePlacement(tuple(gpu.device for gpu in gpus), dtype, quantization, weights, layers, context)


def _split(
    gpus: tuple[Gpu, ...], model: ModelShape, quantization: Quantization, dtype: Dtype, context: int
) -> tuple[int, ...]:
    """How many layers go on each card, with their part of the context; () where they do not all fit."""
    layer = (model.layers_mib(dtype, quantization) + model.kv_mib(context, dtype)) / model.layers
    layers: list[int] = []
    for gpu, ends in zip(gpus, _ends(model, dtype, len(gpus)), strict=True):
        # One MiB more, because what a card holds is rounded up.
        room = gpu.free_mib - RESERVE_MIB - 1 - ends - model.work_mib(context, dtype)
        if room < 0:
            return ()
        layers.append(min(model.layers - sum(layers), int(room / layer)))
    return tuple(layers) if sum(layers) == model.layers else ()


def _ends(model: ModelShape, dtype: Dtype, cards: int) -> list[float]:
    """What each of so many cards holds of the embeddings and the head, in MiB."""
    both = model.embeddings_mib(dtype)
    if model.tied or cards == 1:
        return [both] + [0.0] * (cards - 1)
    return [both / 2] + [0.0] * (cards - 2) + [both / 2]


def needed_mib(model: ModelShape, dtype: Dtype, quantization: Quantization) -> int:
    """What a card must have free to hold the model and the least context, in MiB."""
    least = model.least_context(LEAST_CONTEXT)
    context = model.kv_mib(least, dtype) + model.work_mib(least, dtype)
    return ceil(model.weights_mib(dtype, quantization) + context) + RESERVE_MIB + 1


def on_mps(machine: Machine, model: ModelShape) -> RolePlacement | None:
    """The model on Apple's GPU, which shares the machine's memory; bitsandbytes is not used there."""
    return _in_memory("mps", machine.ram_mib * MPS_SHARE, model, "float16", "none")


def on_cpu(machine: Machine, model: ModelShape, quantization: Quantization) -> RolePlacement | None:
    """The model on the CPU: in float32 where half of the memory holds it, else in bfloat16."""
    exact = None
    if quantization == "none":
        exact = _in_memory("cpu", machine.ram_mib * FLOAT32_SHARE, model, "float32", "none")
    return exact or _in_memory("cpu", machine.ram_mib * RAM_SHARE, model, "bfloat16", quantization)


def _in_memory(
    device: str, room_mib: float, model: ModelShape, dtype: Dtype, quantization: Quantization
) -> RolePlacement | None:
    weights = model.weights_mib(dtype, quantization)
    context = model.context_in(room_mib - weights, dtype)
    if context < model.least_context(LEAST_CONTEXT):
        return None
    return RolePlacement((device,), dtype, quantization, (weights,), (model.layers,), context)
