"""What a person asked for, and the refusals where this machine cannot do it."""

from dataclasses import dataclass, replace

from llamacli.errors import BadUsage, LlamacliError, OutOfMemory
from llamacli.placement.fits import RAM_SHARE, needed_mib, on_cards, on_cpu
from llamacli.placement.machine import Gpu, Machine
from llamacli.placement.shapes import ModelShape, Quantization

# bitsandbytes 0.50: 4-bit from Pascal on, LLM.int8() from Turing on.
LEAST_CAPABILITY: dict[Quantization, tuple[int, int]] = {"none": (0, 0), "4bit": (6, 0), "8bit": (7, 5)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options --device, --classifier-device and --quantization."""

    device: str = "auto"
    classifier_device: str = "auto"
    quantization: str = "auto"

    def cards(self, machine: Machine) -> tuple[Gpu, ...]:
        """The supported cards that the model may use, strongest first."""
        return tuple(gpu for gpu in machine.usable() if self.device in ("auto", "cuda", gpu.device))

    def about(self, model: ModelShape) -> "Wishes":
        """The same with the one quantization that a model can have which comes quantized."""
        return replace(self, quantization=model.comes_in) if model.comes_in else self


DEFAULT = Wishes()


def check(machine: Machine, model: ModelShape, wishes: Wishes) -> None:
    """Raise BadUsage for a wish that cannot be fulfilled with this machine and model, however much memory is free."""
    _check_device(machine, "--device", wishes.device)
    if wishes.classifier_device != "none":
        _check_device(machine, "--classifier-device", wishes.classifier_device)
    if wishes.quantization not in ("auto", *LEAST_CAPABILITY):
        raise BadUsage(
            f"--quantization {wishes.quantization} is not known.",
            hint="Use --quantization auto, 4bit, 8bit or none.",
        )
    if model.comes_in and wishes.quantization not in ("auto", model.comes_in):
        raise BadUsage(
            f"--quantization {wishes.quantization} cannot be used with {model.name}.",
            reason="Its weights come quantized.",
            hint="Use --quantization auto.",
        )
    if wishes.quantization == "4bit" and not (model.blocks or model.comes_in):
        raise BadUsage(
            f"{model.name} cannot be quantized to 4 bits.",
            reason="That is done in blocks of 64 weights, and its rows are not made of whole ones.",
            hint="Use --quantization none.",
        )
    wishes = wishes.about(model)
    reason = _why_not_quantized(machine, wishes)
    if reason:
        raise BadUsage(
            f"--quantization {wishes.quantization} cannot be used with --device {wishes.device}.",
            reason=reason,
            hint="Use --quantization auto, or --device cpu.",
        )


def _check_device(machine: Machine, option: str, device: str) -> None:
    reason = _why_not(machine, device)
    if reason:
        usable = ["cpu", *(["mps"] if machine.mps else []), *sorted(gpu.device for gpu in machine.usable())]
        raise BadUsage(
            f"{option} {device} cannot be used.",
            reason=reason,
            hint=f"Use {option} auto, or what works here: {', '.join(usable)}.",
        )


def _why_not(machine: Machine, device: str) -> str:
    """Why a device cannot be used, or nothing."""
    if device in ("auto", "cpu") or (device == "mps" and machine.mps) or (device == "cuda" and machine.usable()):
        return ""
    if device == "mps":
        return "PyTorch finds no Apple GPU here."
    if not device.startswith("cuda"):
        return "There is no device of that name."
    asked = machine.gpu(device)
    if asked is not None:
        return "" if asked.supported else asked.complaint("")
    if not machine.gpus:
        return "PyTorch finds no CUDA card here."
    if device == "cuda":
        return " ".join(gpu.complaint("") for gpu in machine.gpus)
    return f"The cards here are {', '.join(gpu.title for gpu in machine.gpus)}."


def _why_not_quantized(machine: Machine, wishes: Wishes) -> str:
    """Why the quantization asked for does not go with the device asked for, or nothing."""
    least = next((low for name, low in LEAST_CAPABILITY.items() if name == wishes.quantization), (0, 0))
    if wishes.quantization in ("auto", "none"):
        return ""
    if wishes.device == "mps":
        return "Quantization is done by bitsandbytes, on CUDA cards and CPUs only."
    cards = wishes.cards(machine)
    if not wishes.device.startswith("cuda") or any(gpu.capability >= least for gpu in cards):
        return ""
    have = ", ".join(f"{gpu.title} has {gpu.capability[0]}.{gpu.capability[1]}" for gpu in cards)
    return f"It needs compute capability {least[0]}.{least[1]}; {have}."


def model_does_not_fit(
    machine: Machine, model: ModelShape, wishes: Wishes, quantization: Quantization
) -> LlamacliError:
    """The refusal of a model that has no room, with both numbers."""
    cards = wishes.cards(machine)
    reasons = [_short(model, quantization, gpu) for gpu in cards]
    four_bit_fits = any(on_cards((gpu,), model, "4bit") for gpu in cards if gpu.capability >= (6, 0))
    if wishes.device in ("auto", "cpu"):
        weights = model.weights_mib("bfloat16", "none" if wishes.quantization == "auto" else quantization)
        reasons.append(
            f"On the CPU its weights alone take {weights:,} MiB, and it may have "
            f"{int(machine.ram_mib * RAM_SHARE):,} of the {machine.ram_mib:,} MiB of memory"
        )
        four_bit_fits = four_bit_fits or on_cpu(machine, model, "4bit") is not None
    if wishes.device == "mps":
        reasons.append(f"It needs {model.weights_mib('float16'):,} MiB in float16, of {machine.ram_mib:,} in all")
    smaller = "Use --quantization 4bit, or --model builtin."
    other = "Use --model builtin." if wishes.device == "auto" else "Use --device auto, or --model builtin."
    refusal = OutOfMemory if wishes.device == "auto" else BadUsage
    return refusal(
        f"{model.name} does not fit {'this machine' if wishes.device == 'auto' else wishes.device}.",
        reason=". ".join(reasons) + ".",
        hint=smaller if four_bit_fits and wishes.quantization != "4bit" and not model.comes_in else other,
    )


def classifier_does_not_fit(machine: Machine, classifier: ModelShape, wishes: Wishes) -> LlamacliError:
    """The refusal of a classifier that has no room where it was asked for."""
    wish = wishes.classifier_device
    cards = [gpu for gpu in machine.usable() if wish in ("cuda", gpu.device)]
    reasons = [_short(classifier, "none", gpu) for gpu in cards] or [
        f"It needs {classifier.weights_mib('bfloat16'):,} MiB, of {machine.ram_mib:,} in all"
    ]
    return BadUsage(
        f"The complexity classifier does not fit {wish}.",
        reason=". ".join(reasons) + ".",
        hint="Use --classifier-device cpu or none.",
    )


def _short(model: ModelShape, quantization: Quantization, gpu: Gpu) -> str:
    name = {"none": gpu.dtype, "4bit": "4-bit", "8bit": "8-bit"}[quantization]
    needed = needed_mib(model, gpu.dtype, quantization)
    return f"{model.name} needs {needed:,} MiB in {name}, and {gpu.title} has {gpu.free_mib:,} left for it"
