"""Which of the places that have room is taken, by the model and by the classifier."""

from collections.abc import Iterator
from typing import cast

from llamacli.placement.fits import (
    CLASSIFIER_WORK_MIB,
    LEAST_CONTEXT,
    RESERVE_MIB,
    RolePlacement,
    on_cards,
    on_cpu,
    on_mps,
)
from llamacli.placement.machine import Capability, Machine
from llamacli.placement.shapes import ModelShape, Quantization
from llamacli.placement.wishes import (
    LEAST_CAPABILITY,
    Wishes,
    classifier_does_not_fit,
    model_does_not_fit,
)

# The context that makes a quantized model, or a classifier on the CPU, worth it.
CHAT_CONTEXT = 8_192
# Under so many parameters quantization saves little memory and costs time and quality.
SMALL_MODEL = 1_000_000_000

Arrangement = tuple[RolePlacement, RolePlacement | None]


def arrange(machine: Machine, model: ModelShape, classifier: ModelShape | None, wishes: Wishes) -> Arrangement:
    """The places of the model and of the classifier, for wishes that were checked.

    Raises BadUsage where one does not fit the device that was asked for, OutOfMemory where it fits none.
    """
    if classifier is None or wishes.classifier_device == "none":
        return _place_model(machine, model, wishes), None
    pinned = machine.gpu(wishes.classifier_device)
    if pinned is None:
        return _place_beside(machine, _place_model(machine, model, wishes), model, classifier, wishes)
    seat = on_cards((pinned,), classifier, "none")
    if seat is None:
        raise classifier_does_not_fit(machine, classifier, wishes)
    left = machine.with_gpu(pinned.after(sum(seat.weights_mib) + CLASSIFIER_WORK_MIB))
    return _place_model(left, model, wishes), seat


def _place_model(machine: Machine, model: ModelShape, wishes: Wishes) -> RolePlacement:
    place = next((place for place in _places(machine, model, wishes) if place), None)
    if place is None:
        smallest = precisions(model, wishes, LEAST_CAPABILITY["8bit"])[-1][0]
        raise model_does_not_fit(machine, model, wishes, smallest)
    return place


def _places(machine: Machine, model: ModelShape, wishes: Wishes) -> Iterator[RolePlacement | None]:
    """What the places would be, best first: a card, several cards, Apple's GPU, the CPU; None for lack of room."""
    gpus = wishes.cards(machine)
    for gpu in gpus:
        for quantization, least in precisions(model, wishes, gpu.capability):
            yield on_cards((gpu,), model, quantization, least)
    together = tuple(gpu for gpu in gpus if gpu.free_mib > 2 * RESERVE_MIB)  # with less a card costs what it adds
    weakest = min((gpu.capability for gpu in together), default=(0, 0))
    for quantization, least in precisions(model, wishes, weakest):
        for count in range(2, len(together) + 1):
            yield on_cards(together[:count], model, quantization, least)
    quantization = "none" if wishes.quantization == "auto" else cast(Quantization, wishes.quantization)
    if quantization == "none" and (wishes.device == "mps" or (wishes.device == "auto" and machine.mps)):
        yield on_mps(machine, model)
    if wishes.device in ("auto", "cpu"):
        yield on_cpu(machine, model, quantization)


def precisions(model: ModelShape, wishes: Wishes, capability: Capability) -> list[tuple[Quantization, int]]:
    """The quantizations to try on a card, best first, each with the context that it must leave."""
    choices: list[tuple[Quantization, int]]
    if wishes.quantization != "auto":
        choices = [(cast(Quantization, wishes.quantization), LEAST_CONTEXT)]
    elif model.asks_4bit:
        choices = [("4bit", LEAST_CONTEXT)]
    elif model.parameters < SMALL_MODEL or not model.linear:
        choices = [("none", LEAST_CONTEXT)]
    else:
        choices = [("none", CHAT_CONTEXT), ("4bit", LEAST_CONTEXT)]
    return [choice for choice in choices if capability >= LEAST_CAPABILITY[choice[0]]]


def _place_beside(
    machine: Machine, place: RolePlacement, model: ModelShape, classifier: ModelShape, wishes: Wishes
) -> Arrangement:
    """The classifier beside a model that has its place: another card, else the model's own, else the CPU."""
    wish = wishes.classifier_device
    if wish == "auto" and wishes.device == "cpu":
        wish = "cpu"  # who keeps the model off the cards wants them left alone
    if wish in ("auto", "cuda"):
        others = [gpu for gpu in machine.usable() if gpu.device not in place.devices]
        seats = (on_cards((gpu,), classifier, "none") for gpu in others)
        if seat := next((seat for seat in seats if seat), None):
            return place, seat
        least = LEAST_CONTEXT if wish == "cuda" else CHAT_CONTEXT
        if shared := _share(machine, place, model, classifier, least):
            return shared
    on_apple = wish == "mps" or (wish == "auto" and place.device == "mps")
    seat = on_mps(machine, classifier) if on_apple else on_cpu(machine, classifier, "none")
    if wish == "cuda" or seat is None:
        raise classifier_does_not_fit(machine, classifier, wishes)
    return place, seat


def _share(
    machine: Machine, place: RolePlacement, model: ModelShape, classifier: ModelShape, least: int
) -> Arrangement | None:
    """Both on one of the model's cards, if that leaves the model so much context."""
    gpus = tuple(gpu for device in place.devices if (gpu := machine.gpu(device)))
    for gpu in gpus:
        seat = on_cards((gpu,), classifier, "none")
        if seat:
            taken = sum(seat.weights_mib) + CLASSIFIER_WORK_MIB
            left = tuple(each.after(taken) if each == gpu else each for each in gpus)
            if smaller := on_cards(left, model, place.quantization, least):
                return smaller, seat
    return None
