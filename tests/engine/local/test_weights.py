"""Reading weights: two models at a time, and one that is spread over several devices."""

from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from time import sleep
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from llamacli.background import in_background
from llamacli.engine.local import checkpoints, weights
from llamacli.engine.local.building import Site
from llamacli.engine.local.progress import quiet
from llamacli.engine.local.weights import causal_model, device_map, read_weights
from llamacli.errors import EngineFailed
from llamacli.placement import RolePlacement
from tests.tiny import save_bert, save_fp8_llama, save_llama

ROUNDS = 12
WITHOUT_CARD = pytest.mark.skipif(torch.cuda.is_available(), reason="a card may compute in FP8")


def place(dtype: Any = "float32", quantization: Any = "none") -> RolePlacement:
    return RolePlacement(("cpu",), dtype, quantization, (1,), (2,), 4096)


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def spread(*layers: int) -> RolePlacement:
    devices = tuple(f"cuda:{number}" for number in range(len(layers)))
    return RolePlacement(devices, "bfloat16", "none", (1,) * len(layers), layers, 4096)


def scales(model: Any) -> list[torch.Tensor]:
    """What a 4-bit copy is read with, beside its weights."""
    states = [module.weight.quant_state for module in model.modules() if "4bit" in type(module).__name__]
    return [tensor for state in states for tensor in (state.offset, state.absmax, state.state2.absmax)]


def test_models_that_load_at_the_same_time_are_what_they_are_alone(tmp_path: Path) -> None:
    """Without order among them one of the first rounds gives output weights that are untied, and no error."""
    pytest.importorskip("bitsandbytes")
    llama, bert = save_llama(tmp_path / "llama"), save_bert(tmp_path / "bert")
    causal_model(llama, "tiny", place("bfloat16", "4bit"), tmp_path / "cache", lambda _: None)
    (copy,) = checkpoints.copies(tmp_path / "cache")
    jobs: tuple[Callable[[], Any], ...] = (
        lambda: read_weights(AutoModelForCausalLM, llama, place(), silent),
        lambda: read_weights(AutoModelForSequenceClassification, bert, place("bfloat16"), silent),
        lambda: read_weights(AutoModelForCausalLM, copy.path, place("bfloat16", "4bit"), silent),
    )
    alone = [job() for job in jobs]
    for _ in range(ROUNDS):
        together = [future.result() for future in [in_background(job, "load") for job in jobs]]
        assert together[0].lm_head.weight is together[0].model.embed_tokens.weight
        for one, other in zip(alone, together, strict=True):
            for (name, before), after in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
                assert before.dtype == after.dtype, name
                assert torch.equal(before, after), name
        for scale, again in zip(scales(alone[2]), scales(together[2]), strict=True):
            assert scale.dtype == again.dtype
            assert torch.equal(scale, again)
    assert torch.get_default_dtype() == torch.float32


def test_weights_are_read_side_by_side(tmp_path: Path) -> None:
    llama, bert = save_llama(tmp_path / "llama"), save_bert(tmp_path / "bert")
    both = Barrier(2, timeout=30)

    def meet(done: int, total: int) -> None:
        if done == 1:
            both.wait()  # only where both are in the middle of reading

    with weights._site.alone():
        loading = [
            in_background(lambda: read_weights(AutoModelForCausalLM, llama, place(), meet), "llama"),
            in_background(lambda: read_weights(AutoModelForSequenceClassification, bert, place(), meet), "bert"),
        ]
        while weights._site._waiting < 2:
            sleep(0.001)
    assert all(future.result() for future in loading)


def test_nobody_builds_while_another_builds_or_reads() -> None:
    site, builders, readers, seen = Site(), 0, 0, []

    def load() -> None:
        nonlocal builders, readers
        for _ in range(200):
            with site.alone() as built:
                builders += 1
                seen.append((builders, readers))
                builders -= 1
                built()
                built()  # every step says so
                readers += 1
                readers -= 1

    threads = [Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {(1, 0)}


def test_a_load_that_fails_leaves_the_way_free(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="model_type"):
            read_weights(AutoModelForCausalLM, tmp_path, place(), silent)
    save_llama(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08" * 50)
    for _ in range(2):
        with pytest.raises(Exception, match="header"):
            read_weights(AutoModelForCausalLM, tmp_path, place(), silent)


def test_how_far_it_is_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_weights(AutoModelForCausalLM, save_llama(tmp_path), place(), lambda done, total: told.append((done, total)))
    total = told[0][1]
    assert total > 10
    assert told == [(number, total) for number in range(total)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("dequantize", [True, pytest.param(False, marks=WITHOUT_CARD)])
def test_a_model_stored_in_fp8_becomes_a_plain_one_of_the_type_asked_for(
    tmp_path: Path, dtype: str, dequantize: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = read_weights(AutoModelForCausalLM, save_llama(tmp_path / "plain"), place(), silent)
    stored = save_fp8_llama(tmp_path / "stored", dequantize=dequantize)
    quiet()
    capfd.readouterr()
    model = read_weights(AutoModelForCausalLM, stored, place(dtype), silent)
    assert {weight.dtype for weight in model.parameters()} == {getattr(torch, dtype)}
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32
    assert model.lm_head.weight is model.model.embed_tokens.weight
    with torch.inference_mode():
        ids = torch.arange(1, 40)[None]
        exact, near = plain(ids).logits, model(ids).logits.float()
    assert (near - exact).norm() < 0.3 * exact.norm()  # random weights as wide as these make much of a difference
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_of_bitsandbytes_is_read_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    four_bit = place("bfloat16", "4bit")
    made = read_weights(AutoModelForCausalLM, save_llama(tmp_path / "plain"), four_bit, silent)
    made.save_pretrained(tmp_path / "stored")
    with catch_warnings():
        simplefilter("error")  # such as that its own form goes before the one that is asked for
        model = causal_model(tmp_path / "stored", "tiny", four_bit, tmp_path / "cache", lambda _: None)
    assert "4bit" in type(model.model.layers[0].mlp.up_proj).__name__
    assert not list(checkpoints.copies(tmp_path / "cache"))
    assert all(torch.equal(one, other) for one, other in zip(made.parameters(), model.parameters(), strict=True))


def llama_config(*, tied: bool) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
    )


@pytest.mark.parametrize("tied", [False, True])
def test_layers_go_to_the_devices_in_order_and_the_head_to_the_last(tied: bool) -> None:
    model = LlamaForCausalLM(llama_config(tied=tied))
    assert device_map(model, spread(1, 2, 1)) == {
        "model.embed_tokens": "cuda:0",
        "model.rotary_emb": "cuda:0",
        "model.layers.0": "cuda:0",
        "model.layers.1": "cuda:1",
        "model.layers.2": "cuda:1",
        "model.layers.3": "cuda:2",
        "model.norm": "cuda:2",
        "lm_head": "cuda:0" if tied else "cuda:2",
    }


def test_other_architectures_are_spread_alike() -> None:
    model = GPT2LMHeadModel(GPT2Config(n_layer=3, n_embd=8, n_head=2, vocab_size=32))
    devices = device_map(model, spread(2, 1))
    assert devices["transformer.wte"] == devices["transformer.wpe"] == devices["lm_head"] == "cuda:0"
    assert [devices[f"transformer.h.{number}"] for number in range(3)] == ["cuda:0", "cuda:0", "cuda:1"]
    assert devices["transformer.ln_f"] == "cuda:1"
    assert all(any(name.startswith(part) for part in devices) for name, _ in model.named_parameters())


def test_a_model_without_a_list_of_layers_is_not_spread() -> None:
    with pytest.raises(EngineFailed, match="cannot be spread"):
        device_map(LlamaForCausalLM(llama_config(tied=True)), spread(4, 3))


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA cards")
@pytest.mark.parametrize("quantization", ["none", "4bit"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_spread_model_answers_as_on_one_card(tmp_path: Path, quantization: Any, tied: bool) -> None:
    directory = save_llama(tmp_path, tied=tied)
    ids = torch.arange(1, 40, device="cuda:0")[None]

    def logits(*devices: str) -> torch.Tensor:
        layers = (2,) if len(devices) == 1 else (1, 1)
        where = RolePlacement(devices, "bfloat16", quantization, (1,) * len(layers), layers, 4096)
        model = read_weights(AutoModelForCausalLM, directory, where, silent)
        assert len({weight.device for weight in model.parameters()}) == len(devices)
        with torch.inference_mode():
            result: torch.Tensor = model(ids).logits
        return result.float().cpu()

    torch.testing.assert_close(logits("cuda:0", "cuda:1"), logits("cuda:0"), rtol=0.02, atol=0.02)
