"""The table: which machine gives which placement."""

from dataclasses import dataclass

import pytest

from llamacli.placement import BART_LARGE_MNLI, LLAMA_3_1_8B, Machine, ModelShape, plan
from tests.placement.machines import (
    BUSY_4090,
    GTX_1050,
    H100,
    LLAMA_70B,
    MISTRAL_7B,
    OLD_1050,
    RTX_2080,
    RTX_3060,
    RTX_4090,
    TINY,
    machine,
)


@dataclass(frozen=True)
class Row:
    name: str
    machine: Machine
    device: str
    dtype: str
    quantization: str
    context: int
    classifier: str
    notices: tuple[str, ...] = ()  # what each must name
    model: ModelShape = LLAMA_3_1_8B
    reason: str = ""


ROWS = [
    Row("2080 and 1050", machine(RTX_2080, GTX_1050), "cuda:0", "float16", "4bit", 9_472, "cuda:1 float16"),
    Row("the same, turned", machine(GTX_1050, RTX_2080), "cuda:1", "float16", "4bit", 9_472, "cuda:0 float16"),
    Row("a build without the old card", machine(RTX_2080, OLD_1050), "cuda:0", "float16", "4bit", 9_472, "cpu float32",
        ("GTX 1050 (cuda:1) is not used.*6.1; the CUDA 12.6 build.*classifier runs on the CPU",)),
    Row("8 GB", machine(RTX_2080), "cuda:0", "float16", "4bit", 9_472, "cpu float32", ("777 MiB",)),
    Row("12 GB", machine(RTX_3060), "cuda:0", "bfloat16", "4bit", 32_000, "cuda:0 bfloat16"),
    Row("24 GB", machine(RTX_4090), "cuda:0", "bfloat16", "4bit", 115_200, "cuda:0 bfloat16", reason="beside it"),
    Row("two equal", machine(RTX_4090, RTX_4090), "cuda:0", "bfloat16", "4bit", 122_368, "cuda:1 bfloat16"),
    Row("12 GB beside 8", machine(RTX_2080, RTX_3060), "cuda:1", "bfloat16", "4bit", 39_168, "cuda:0 float16",
        reason="strongest card"),
    Row("a busy card beside a free one", machine(BUSY_4090, RTX_3060), "cuda:1", "bfloat16", "4bit", 32_000,
        "cuda:1 bfloat16", ("RTX 4090 (cuda:0) is passed over for llama-3.1-8b.*900 of its 24,564",)),
    Row("a busy card alone", machine(BUSY_4090), "cpu", "bfloat16", "none", 59_904, "cpu float32",
        ("RTX 4090 (cuda:0) is passed over",), reason="needs 6,504 MiB on a card and.*has 900 free"),
    Row("a small card", machine(GTX_1050), "cpu", "bfloat16", "none", 59_904, "cuda:0 float16", reason="1,950 free"),
    Row("no card", machine(), "cpu", "bfloat16", "none", 59_904, "cpu float32", reason="no CUDA card"),
    Row("no card, much memory", machine(ram=64_000), "cpu", "float32", "none", 4_608, "cpu float32"),
    Row("Apple", machine(mps=True), "mps", "float16", "none", 41_472, "mps float16"),
    Row("7B on 24 GB", machine(RTX_4090), "cuda:0", "bfloat16", "none", 32_768, "cuda:0 bfloat16", model=MISTRAL_7B),
    Row("7B on 12 GB", machine(RTX_3060), "cuda:0", "bfloat16", "4bit", 32_768, "cuda:0 bfloat16", model=MISTRAL_7B),
    Row("small on 12 GB", machine(RTX_3060), "cuda:0", "bfloat16", "none", 1_024, "cuda:0 bfloat16", model=TINY),
    Row("small without a card", machine(ram=2_000), "cpu", "float32", "none", 1_024, "cpu bfloat16", model=TINY),
    Row("70B over two", machine(RTX_4090, RTX_4090), "cuda:0 cuda:1", "bfloat16", "4bit", 19_456, "cuda:0 bfloat16",
        model=LLAMA_70B, reason="no single card"),
    Row("70B over four", machine(*[RTX_3060] * 4), "cuda:0 cuda:1 cuda:2 cuda:3", "bfloat16", "4bit", 11_520,
        "cuda:0 bfloat16", model=LLAMA_70B),
    Row("70B on one of two large", machine(H100, H100), "cuda:0", "bfloat16", "4bit", 122_368, "cuda:1 bfloat16",
        model=LLAMA_70B),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_placement(row: Row) -> None:
    found = plan(row.machine, row.model, BART_LARGE_MNLI)
    assert found.classifier is not None
    place = found.model
    assert (" ".join(place.devices), place.dtype, place.quantization) == (row.device, row.dtype, row.quantization)
    assert place.context == row.context
    assert f"{found.classifier.device} {found.classifier.dtype}" == row.classifier
    assert row.model.name in found.reason
    assert f"{row.context:,} tokens" in found.reason
    _names(found.reason, row.reason)
    assert len(found.notices) == len(row.notices), found.notices
    for notice, named in zip(found.notices, row.notices, strict=True):
        _names(notice, named)


def _names(text: str, parts: str) -> None:
    position = 0
    for part in parts.split(".*"):
        assert part in text[position:], f"{part!r} is not in {text!r}"
        position = text.index(part, position) + len(part)
