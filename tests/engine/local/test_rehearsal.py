"""What is done on one layer of random weights while the real ones are read."""

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, Qwen2Config

from llamacli.engine.local import rehearsal
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.rehearsal import PROMPTS, one_layer, rehearse, run_through
from llamacli.placement import RolePlacement

SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}


def test_one_layer_stands_for_all_and_the_real_configuration_stays_as_it_is() -> None:
    config = Qwen2Config(num_hidden_layers=4, vocab_size=5000, eos_token_id=4999, **SMALL)
    small = one_layer(config)
    assert (small.num_hidden_layers, small.vocab_size) == (1, 1024)
    assert small.layer_types == ["full_attention"]
    assert (config.num_hidden_layers, config.vocab_size, config.eos_token_id) == (4, 5000, 4999)


def test_prompts_of_every_length_are_read_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(one_layer(LlamaConfig(**SMALL)), "cpu", torch.float32, "none")
    read: list[int] = []
    model.model.register_forward_pre_hook(
        lambda _module, _positional, named: read.append(named["input_ids"].shape[1]), with_kwargs=True
    )
    run_through(model)
    assert sum(count for count in read if count > 1) == sum(PROMPTS)
    assert read.count(1) == 2 * len(PROMPTS)


@pytest.mark.parametrize("devices", [("cpu",), ("cuda:0", "cuda:1")])
def test_nothing_is_rehearsed_where_nothing_is_gained(
    devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "random_model", lambda *_: pytest.fail("a model was made"))
    rehearse(LlamaConfig(**SMALL), RolePlacement(devices, "float16", "4bit", (0,), (2,), 8192))


def test_an_architecture_that_cannot_be_made_up_is_loaded_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no such architecture")

    monkeypatch.setattr(rehearsal, "random_model", fails)
    rehearse(LlamaConfig(**SMALL), RolePlacement(("cuda:0",), "float16", "4bit", (0,), (2,), 8192))
