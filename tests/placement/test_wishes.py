"""What was asked for is obeyed, or refused with the reason."""

from dataclasses import replace

import pytest

from llamacli.errors import BadUsage, LlamacliError, OutOfMemory
from llamacli.placement import BART_LARGE_MNLI, LLAMA_3_1_8B, Gpu, Machine, ModelShape, Wishes, plan
from llamacli.placement.shapes import Quantization
from tests.placement.machines import (
    GTX_1050,
    LLAMA_70B,
    OLD_1050,
    RTX_2080,
    RTX_3060,
    RTX_4090,
    card,
    machine,
)

PAIR = machine(RTX_2080, GTX_1050)
OLD_PAIR = machine(RTX_2080, OLD_1050)
FULL_1050 = machine(GTX_1050.after(500))
KEPLER = Gpu(0, "GTX 780", (3, 5), 3_000, 3_000, supported=False)
MAXWELL = card(0, "GTX 980", (5, 2), 12_000, 11_900)


@pytest.mark.parametrize(
    ("where", "wishes", "model", "classifier"),
    [
        (PAIR, Wishes("cpu"), "cpu bfloat16 none", "cpu"),
        (PAIR, Wishes("cuda"), "cuda:0 float16 4bit", "cuda:1"),
        (PAIR, Wishes("cuda:0"), "cuda:0 float16 4bit", "cuda:1"),
        (machine(RTX_4090, RTX_2080), Wishes("cuda:1"), "cuda:1 float16 4bit", "cuda:0"),
        (machine(mps=True), Wishes("mps"), "mps float16 none", "mps"),
        (machine(mps=True), Wishes("cpu"), "cpu bfloat16 none", "cpu"),
        (machine(mps=True), Wishes(quantization="4bit"), "cpu bfloat16 4bit", "cpu"),
        (machine(mps=True), Wishes("cpu", "mps"), "cpu bfloat16 none", "mps"),
        (PAIR, Wishes(classifier_device="cpu"), "cuda:0 float16 4bit", "cpu"),
        (PAIR, Wishes(classifier_device="cuda"), "cuda:0 float16 4bit", "cuda:1"),
        (PAIR, Wishes(classifier_device="cuda:0"), "cuda:0 float16 4bit", "cuda:0"),
        (PAIR, Wishes("cpu", "cuda:1"), "cpu bfloat16 none", "cuda:1"),
        (PAIR, Wishes(classifier_device="none"), "cuda:0 float16 4bit", None),
        (machine(RTX_2080), Wishes(classifier_device="cuda"), "cuda:0 float16 4bit", "cuda:0"),
        (machine(RTX_4090), Wishes(quantization="none"), "cuda:0 bfloat16 none", "cuda:0"),
        (machine(RTX_4090), Wishes(quantization="8bit"), "cuda:0 bfloat16 8bit", "cuda:0"),
        (machine(RTX_4090), Wishes(quantization="4bit"), "cuda:0 bfloat16 4bit", "cuda:0"),
        (PAIR, Wishes("cpu", quantization="4bit"), "cpu bfloat16 4bit", "cpu"),
        (machine(ram=15_900), Wishes(quantization="4bit"), "cpu bfloat16 4bit", "cpu"),
        (machine(RTX_3060, RTX_2080), Wishes("cuda", quantization="none"), "cuda:0 cuda:1 float16 none", "cuda:1"),
        (machine(MAXWELL), Wishes(), "cpu bfloat16 none", "cuda:0"),  # bitsandbytes begins at capability 6.0
    ],
)
def test_wishes_are_obeyed(where: Machine, wishes: Wishes, model: str, classifier: str | None) -> None:
    found = plan(where, LLAMA_3_1_8B, BART_LARGE_MNLI, wishes)
    place = found.model
    assert " ".join([*place.devices, place.dtype, place.quantization]) == model
    assert (found.classifier.device if found.classifier else None) == classifier
    assert "as asked" in found.reason or wishes.device == "auto"


@pytest.mark.parametrize(
    ("where", "wishes", "parts"),
    [
        (PAIR, Wishes("cuda:7"), "--device cuda:7|RTX 2080 (cuda:0), GTX 1050 (cuda:1)|cpu, cuda:0, cuda:1"),
        (machine(), Wishes("cuda"), "--device cuda|no CUDA card|cpu"),
        (machine(), Wishes("cuda:0"), "--device cuda:0|no CUDA card|cpu"),
        (PAIR, Wishes("mps"), "--device mps|no Apple GPU|cuda:1"),
        (PAIR, Wishes("tpu"), "--device tpu|no device of that name|auto"),
        (PAIR, Wishes("none"), "--device none|no device of that name|auto"),
        (PAIR, Wishes(classifier_device="cuda:2"), "--classifier-device cuda:2|cuda:0|--classifier-device auto"),
        (OLD_PAIR, Wishes("cuda:1"), "--device cuda:1|GTX 1050 (cuda:1) is not used|6.1; the CUDA 12.6 build|cuda:0"),
        (machine(OLD_1050), Wishes("cuda"), "--device cuda|6.1; the CUDA 12.6 build|cpu"),
        (machine(KEPLER), Wishes("cuda"), "3.5; no current build of PyTorch has them"),
        (PAIR, Wishes(quantization="2bit"), "--quantization 2bit|4bit, 8bit or none"),
        (machine(mps=True), Wishes("mps", quantization="4bit"), "--quantization 4bit|CUDA cards and CPUs|cpu"),
        (PAIR, Wishes("cuda:1", quantization="8bit"), "--quantization 8bit|7.5; GTX 1050 (cuda:1) has 6.1|auto"),
        (PAIR, Wishes("cuda:1"), "fit cuda:1.|6,504 MiB in 4-bit, and GTX 1050 (cuda:1) has 1,950|--device auto"),
        (PAIR, Wishes("cuda:0", quantization="8bit"), "fit cuda:0.|9,726 MiB in 8-bit|has 7,600|--quantization 4bit"),
        (PAIR, Wishes("cuda", quantization="none"), "fit cuda.|16,382 MiB in float16|has 7,600|--quantization 4bit"),
        (machine(ram=15_900), Wishes("cpu"), "fit cpu.|15,317 MiB|11,925 of the 15,900|--quantization 4bit"),
        (machine(ram=15_900, mps=True), Wishes("mps"), "fit mps.|15,317 MiB in float16, of 15,900|--device auto"),
        (machine(RTX_2080.after(900)), Wishes(classifier_device="cuda"), "classifier|fit cuda.|cpu or none"),
        (FULL_1050, Wishes(classifier_device="cuda:0"), "fit cuda:0.|1,546 MiB in float16|has 1,450|cpu or none"),
    ],
)
def test_wishes_that_cannot_be_obeyed(where: Machine, wishes: Wishes, parts: str) -> None:
    with pytest.raises(BadUsage) as refused:
        plan(where, LLAMA_3_1_8B, BART_LARGE_MNLI, wishes)
    says(refused.value, parts)


@pytest.mark.parametrize(
    ("comes_in", "model"),
    [("4bit", "cuda:0 float16 4bit"), ("8bit", "cpu bfloat16 8bit"), ("none", "cpu bfloat16 none")],
)
def test_a_model_that_comes_quantized_is_placed_as_it_comes(comes_in: Quantization, model: str) -> None:
    stored = replace(LLAMA_3_1_8B, asks_4bit=False, blocks=False, comes_in=comes_in)
    for quantization in ("auto", comes_in):
        place = plan(PAIR, stored, None, Wishes(quantization=quantization)).model
        assert " ".join([*place.devices, place.dtype, place.quantization]) == model
    other = "8bit" if comes_in == "4bit" else "4bit"
    with pytest.raises(BadUsage) as refused:
        plan(PAIR, stored, None, Wishes(quantization=other))
    says(refused.value, f"--quantization {other} cannot be used with llama-3.1-8b|come quantized|--quantization auto")
    with pytest.raises(OutOfMemory) as failed:
        plan(machine(ram=4_000), stored, None)
    says(failed.value, "does not fit this machine|Use --model builtin")
    assert "4bit" not in str(failed.value.hint)


def says(error: LlamacliError, parts: str) -> None:
    text = f"{error.message} {error.reason} {error.hint}"
    for part in parts.split("|"):
        assert part in text


@pytest.mark.parametrize(
    ("where", "model", "parts"),
    [
        (machine(RTX_4090), LLAMA_70B, "39,168 MiB in 4-bit, and RTX 4090 (cuda:0) has 23,900|Use --model builtin"),
        (machine(ram=15_900), LLAMA_3_1_8B, "15,317 MiB, and it may have 11,925|--quantization 4bit"),
    ],
)
def test_a_model_that_fits_nothing(where: Machine, model: ModelShape, parts: str) -> None:
    with pytest.raises(OutOfMemory, match="does not fit this machine") as failed:
        plan(where, model, None)
    says(failed.value, parts)


def test_a_busy_card_is_used_when_it_is_asked_for_and_has_the_room() -> None:
    half = machine(RTX_4090.after(14_000))
    assert plan(half, LLAMA_3_1_8B, None, Wishes("cuda:0")).model.context == 25_344


def test_a_card_that_would_not_help_is_not_complained_of() -> None:
    assert plan(machine(RTX_2080, OLD_1050), LLAMA_3_1_8B, None).notices == ()
    assert plan(machine(RTX_4090, RTX_2080, OLD_1050), LLAMA_3_1_8B, BART_LARGE_MNLI).notices == ()
    assert plan(machine(RTX_2080, OLD_1050), LLAMA_3_1_8B, BART_LARGE_MNLI, Wishes("cpu", "cpu")).notices == ()
