"""What holds on every machine."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llamacli.errors import BadUsage, OutOfMemory
from llamacli.placement import (
    BART_LARGE_MNLI,
    LLAMA_3_1_8B,
    Gpu,
    Machine,
    ModelShape,
    Placement,
    RolePlacement,
    Wishes,
    choose_model,
    plan,
)
from llamacli.placement.fits import RESERVE_MIB, needed_mib, on_cards
from tests.placement.machines import LLAMA_70B, MISTRAL_7B, TINY

CAPABILITIES = st.sampled_from([(3, 5), (5, 2), (6, 1), (7, 0), (7, 5), (8, 0), (8, 9), (9, 0), (12, 0)])
MODELS = st.sampled_from([TINY, MISTRAL_7B, LLAMA_3_1_8B, LLAMA_70B])
CLASSIFIERS = st.sampled_from([None, TINY, BART_LARGE_MNLI])
DEVICES = ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:1", "cuda:5"]


@st.composite
def gpus(draw: st.DrawFn, index: int) -> Gpu:
    total = draw(st.integers(1_000, 90_000))
    return Gpu(index, "GPU", draw(CAPABILITIES), total, draw(st.integers(0, total)), draw(st.booleans()))


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    cards = [draw(gpus(index)) for index in range(draw(st.integers(0, 4)))]
    return Machine(tuple(draw(st.permutations(cards))), draw(st.integers(2_000, 600_000)), draw(st.booleans()))


@st.composite
def all_wishes(draw: st.DrawFn) -> Wishes:
    return Wishes(
        draw(st.sampled_from(DEVICES)),
        draw(st.sampled_from([*DEVICES, "none"])),
        draw(st.sampled_from(["auto", "4bit", "8bit", "none"])),
    )


def try_plan(machine: Machine, model: ModelShape, classifier: ModelShape | None, wishes: Wishes) -> Placement | None:
    """The placement, or None where it is refused: for want of memory only where no device was asked for."""
    refusals = (BadUsage, OutOfMemory) if "auto" in (wishes.device, wishes.classifier_device) else BadUsage
    try:
        return plan(machine, model, classifier, wishes)
    except refusals:
        return None


def held_mib(role: RolePlacement, shape: ModelShape, device: str) -> float:
    """Weights, context and copies of it that a role has on a device."""
    position = role.devices.index(device)
    context = shape.kv_mib(role.context, role.dtype) * role.layers[position] / shape.layers
    return role.weights_mib[position] + context + shape.work_mib(role.context, role.dtype)


@given(machines(), MODELS, CLASSIFIERS, all_wishes())
def test_no_card_holds_more_than_it_has_free(
    machine: Machine, model: ModelShape, classifier: ModelShape | None, wishes: Wishes
) -> None:
    found = try_plan(machine, model, classifier, wishes)
    for gpu in machine.gpus if found else ():
        assert found is not None
        roles = [(found.model, model), (found.classifier, classifier)]
        held = [
            held_mib(role, shape, gpu.device) for role, shape in roles if role and shape and gpu.device in role.devices
        ]
        if held:
            assert gpu.supported
            assert sum(held) + RESERVE_MIB <= gpu.free_mib


@given(machines(), MODELS, CLASSIFIERS, all_wishes())
def test_wishes_are_obeyed_or_refused(
    machine: Machine, model: ModelShape, classifier: ModelShape | None, wishes: Wishes
) -> None:
    found = try_plan(machine, model, classifier, wishes)
    if found is None:
        return
    assert all(obeys(device, wishes.device) for device in found.model.devices)
    assert wishes.quantization in ("auto", found.model.quantization)
    assert (found.classifier is None) == (classifier is None or wishes.classifier_device == "none")
    if found.classifier:
        assert obeys(found.classifier.device, wishes.classifier_device)
    assert sum(found.model.layers) == model.layers
    assert min(2_048, model.max_context) <= found.model.context <= model.max_context
    assert found.reason.count(". ") <= 1  # one or two sentences


def obeys(device: str, wish: str) -> bool:
    return wish in ("auto", device) or (wish == "cuda" and device.startswith("cuda:"))


@given(machines(), MODELS, CLASSIFIERS, st.randoms())
def test_the_order_of_the_cards_does_not_matter(
    machine: Machine, model: ModelShape, classifier: ModelShape | None, random: object
) -> None:
    turned = replace(machine, gpus=tuple(reversed(machine.gpus)))
    ranks = [(gpu.capability, gpu.free_mib) for gpu in machine.gpus]
    if len(set(ranks)) == len(ranks):
        one, other = (try_plan(each, model, classifier, Wishes()) for each in (machine, turned))
        assert (one and (one.model, one.classifier)) == (other and (other.model, other.classifier))


@given(machines(), st.booleans(), st.booleans(), st.booleans())
def test_llama_is_chosen_only_where_it_then_fits_a_card(
    machine: Machine, on_disk: bool, token: bool, offline: bool
) -> None:
    choice = choose_model(machine, llama_on_disk=on_disk, hub_token=token, offline=offline)
    if choice.name == "llama-3.1-8b":
        assert on_disk or (token and not offline)
        assert plan(machine, LLAMA_3_1_8B, None).model.device.startswith("cuda")
    assert bool(choice.notice) == (choice.name == "builtin")


@given(MODELS, st.sampled_from(["none", "4bit", "8bit"]))
def test_what_a_refusal_says_is_needed_is_enough_and_hardly_more(model: ModelShape, quantization: str) -> None:
    needed = needed_mib(model, "float16", quantization)  # type: ignore[arg-type]
    gpu = Gpu(0, "GPU", (7, 5), 400_000, needed)
    assert on_cards((gpu,), model, quantization)  # type: ignore[arg-type]
    assert not on_cards((gpu.after(4),), model, quantization)  # type: ignore[arg-type]
