"""Which model goes on which device, in which precision, and why: decided by arithmetic, before loading.

shapes, machine    what a model weighs; what there is to run it on
fits               whether one fits the other, and with how much context
wishes             what was asked for, and the refusals
arrange            which of the places with room is taken
words              the reason and the notices
choice             which model `auto` is
"""

from dataclasses import dataclass

from llamacli.errors import LlamacliError
from llamacli.placement.arrange import arrange
from llamacli.placement.choice import Choice, choose_model
from llamacli.placement.fits import RolePlacement
from llamacli.placement.machine import Gpu, Machine, kernels_available
from llamacli.placement.shapes import BART_LARGE_MNLI, LLAMA_3_1_8B, ModelShape, shape_from_config
from llamacli.placement.wishes import DEFAULT, Wishes, check
from llamacli.placement.words import notices, reason

__all__ = [
    "BART_LARGE_MNLI",
    "LLAMA_3_1_8B",
    "Choice",
    "Gpu",
    "Machine",
    "ModelShape",
    "Placement",
    "RolePlacement",
    "Wishes",
    "choose_model",
    "kernels_available",
    "plan",
    "plan_apart",
    "shape_from_config",
]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the models go, why, and the sentences that a person should see."""

    model: RolePlacement
    classifier: RolePlacement | None
    reason: str
    notices: tuple[str, ...]


def plan(machine: Machine, model: ModelShape, classifier: ModelShape | None, wishes: Wishes = DEFAULT) -> Placement:
    """Place a model, and a classifier where there is one.

    Raises BadUsage where a wish cannot be obeyed, OutOfMemory where the model fits nothing on the machine.
    """
    check(machine, model, wishes)
    wishes = wishes.about(model)
    found = arrange(machine, model, classifier, wishes)
    place, seat = found
    why = reason(machine, model, found, wishes)
    return Placement(place, seat, why, notices(machine, model, classifier, found, wishes))


def plan_apart(machine: Machine, llama: ModelShape, wishes: Wishes) -> Placement | None:
    """Llama with facebook/bart-large-mnli on a card of its own; None where there is none, or Llama is not on a card."""
    try:
        placement = plan(machine, llama, BART_LARGE_MNLI, wishes)
    except LlamacliError:
        return None
    seat = placement.classifier
    apart = seat is not None and seat.device.startswith("cuda") and seat.device not in placement.model.devices
    return placement if apart and placement.model.device.startswith("cuda") else None
