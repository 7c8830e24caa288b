"""A placement in words: the reason for it, and what a person could change."""

from llamacli.errors import LlamacliError
from llamacli.placement.arrange import Arrangement, arrange, precisions
from llamacli.placement.fits import RolePlacement, needed_mib
from llamacli.placement.machine import Gpu, Machine
from llamacli.placement.shapes import ModelShape
from llamacli.placement.wishes import Wishes


def reason(machine: Machine, model: ModelShape, arrangement: Arrangement, wishes: Wishes) -> str:
    """Why the models are where they are, in one or two sentences."""
    place, seat = arrangement
    precision = {"none": place.dtype, "4bit": "4-bit", "8bit": "8-bit"}[place.quantization]
    where = " and ".join(_title(machine, device) for device in place.devices)
    room = f"its {sum(place.weights_mib):,} MiB of weights leave room for {place.context:,} tokens"
    sentence = f"{model.name} runs in {precision} on {where}, {_because(machine, model, place, wishes)}; {room}."
    if seat is None:
        return sentence
    beside = "beside it on" if seat.device in place.devices else "on"
    return f"{sentence} The complexity classifier runs {beside} {_title(machine, seat.device)}."


def notices(
    machine: Machine, model: ModelShape, classifier: ModelShape | None, arrangement: Arrangement, wishes: Wishes
) -> tuple[str, ...]:
    """The cards that would do more if they were supported or idle, and a classifier that found no card."""
    place, seat = arrangement
    said = []
    for gpu in machine.gpus:
        if gpu.complaint(""):
            role = _role_at_best(gpu, machine, model, classifier, arrangement, wishes)
            said += [gpu.complaint(role)] if role else []
    left_out = seat is not None and seat.device == "cpu" and place.device.startswith("cuda")
    if classifier is None or not left_out or wishes.classifier_device == "cpu":
        return tuple(said)
    if said:
        return (*said[:-1], f"{said[-1]} Until then the complexity classifier runs on the CPU.")
    return (
        f"The complexity classifier runs on the CPU: it needs {classifier.weights_mib('float16'):,} MiB on a card, "
        "and none has that left beside the model and its context.",
    )


def _title(machine: Machine, device: str) -> str:
    gpu = machine.gpu(device)
    return gpu.title if gpu else {"cpu": "the CPU", "mps": "the Apple GPU"}[device]


def _because(machine: Machine, model: ModelShape, place: RolePlacement, wishes: Wishes) -> str:
    if wishes.device != "auto":
        return "as asked"
    if len(place.devices) > 1:
        return "because no single card has room for it"
    if place.device.startswith("cuda"):
        return "the strongest card with room for it" if len(machine.gpus) > 1 else "which has room for it"
    if place.device == "mps":
        return "which PyTorch can use"
    if not machine.usable():
        return "because PyTorch can use no CUDA card here"
    roomiest = max(machine.usable(), key=lambda gpu: gpu.free_mib)
    tried = precisions(model, wishes, roomiest.capability)
    if not tried:
        return f"because {roomiest.title} is too old for the quantization that it needs"
    needed = needed_mib(model, roomiest.dtype, tried[-1][0])
    return f"because it needs {needed:,} MiB on a card and {roomiest.title} has {roomiest.free_mib:,} free"


def _role_at_best(
    gpu: Gpu,
    machine: Machine,
    model: ModelShape,
    classifier: ModelShape | None,
    arrangement: Arrangement,
    wishes: Wishes,
) -> str:
    """What a card would hold beyond what it holds now, if it were supported and idle; empty for nothing."""
    try:
        then = arrange(machine.with_gpu(gpu.at_best()), model, classifier, wishes)
    except LlamacliError:
        return ""
    for role, before, after in zip((model.name, "the complexity classifier"), arrangement, then, strict=True):
        if before and after and gpu.device in after.devices and gpu.device not in before.devices:
            return role
    return ""
