"""The cache of fixed size gives the same answers as the one that grows, captured or not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from llamacli.complexity import Budget
from llamacli.engine.base import EngineInfo
from llamacli.engine.local import static
from llamacli.engine.local.attention import grouped_attention
from llamacli.engine.local.cache import has_static_layers
from llamacli.engine.local.capturing import WARM_UPS, Step
from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.direct import DirectStep, direct_step
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.static import StaticDecoder, decoder_for
from llamacli.messages import Conversation
from tests.engine.local.test_generation import answer
from tests.settings import sampling


def replayed(step: Step, _generator: torch.Generator) -> Step:
    """What a CUDA graph does, without one: warm-ups that count for nothing, then the same step again and again."""
    for _ in range(WARM_UPS):
        step()
    return step


@pytest.fixture(params=["as it is", "captured", "direct"])
def engines(
    request: pytest.FixtureRequest, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[LocalEngine, LocalEngine]:
    """A static and a growing one over the same model; caches small enough to be outgrown."""
    monkeypatch.setattr(static, "SIZES", (48, 96, 200, 400))
    monkeypatch.setattr(static, "GROWTH", 40)
    monkeypatch.setattr(static, "HEADROOM", 8)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    words, info = AutoTokenizer.from_pretrained(tiny_llama), EngineInfo("tiny", 4096, "cpu", "float32", "none")
    capture = replayed if request.param == "captured" else None
    own = DirectStep(model) if request.param == "direct" else None
    return (
        LocalEngine(StaticDecoder(model, 4096, capture, own), words, info),
        LocalEngine(Decoder(model), words, info),
    )


Engines = tuple[LocalEngine, LocalEngine]


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 0, "temperature": 1.5}, {"top_k": 100}])
def test_a_conversation_is_the_same_over_both_caches(engines: Engines, options: dict[str, float]) -> None:
    conversations = [Conversation(), Conversation()]
    for turn, prompt in enumerate(["which command", "안녕하세요 🦙", "one two three " * 30, "and then"]):
        said = []
        for place, engine in enumerate(engines):
            asked = conversations[place].with_prompt(prompt)
            text, usage = answer(engine, asked, 60, seed=turn, **options)
            conversations[place] = asked.with_answer(text)
            said.append((text, usage))
        # With other numbers of candidates the same seed draws other tokens, as it may.
        if options.get("top_k", 51) <= 0 or "temperature" in options:
            assert said[0] == said[1]
        assert turn == 0 or said[0][1].cached_tokens > 0


def test_after_undo_and_retry_the_static_cache_is_right(engines: Engines) -> None:
    engine, reference = engines
    first = Conversation().with_prompt("one two")
    text, _ = answer(engine, first, temperature=0)
    assert answer(reference, first, temperature=0)[0] == text  # so that both know the sampled ids
    answer(engine, first.with_answer(text).with_prompt("안녕하세요 " * 5), temperature=0)
    back = first.with_answer(text).with_prompt("three")
    warm, usage = answer(engine, back, temperature=0)
    assert usage.cached_tokens > 10
    assert warm == answer(reference, back, temperature=0)[0]


def test_a_stopped_answer_leaves_the_static_cache_right(engines: Engines) -> None:
    engine, reference = engines
    asked = Conversation().with_prompt("one two three")
    stream = engine.stream(asked, sampling(temperature=0), Budget(500))
    for _ in range(9):
        next(stream)
    stream.close()
    assert answer(engine, asked, 80, temperature=0)[0] == answer(reference, asked, 80, temperature=0)[0]


def test_the_window_can_be_filled_to_its_last_token(engines: Engines, tiny_llama: Path) -> None:
    engine = engines[0]
    small = EngineInfo("tiny", 200, "cpu", "float32", "none")
    filled = LocalEngine(StaticDecoder(engine._decoder.model, 200, replayed), engine._tokenizer, small)
    asked = Conversation().with_prompt("one")
    _, usage = answer(filled, asked, 10_000, temperature=5, top_k=0, top_p=1, seed=9)
    assert usage.prompt_tokens + usage.completion_tokens <= 200


def test_a_step_that_fails_is_captured_anew(engines: Engines) -> None:
    engine, reference = engines
    asked = Conversation().with_prompt("one two three")
    answer(engine, asked, 5, temperature=0)
    engine._decoder.forget()
    assert answer(engine, asked, 30, temperature=0)[0] == answer(reference, asked, 30, temperature=0)[0]


def test_a_warm_engine_answers_as_a_cold_one(engines: Engines) -> None:
    engine, reference = engines
    engine.warm_up(sampling(), compiled=False)
    asked = Conversation().with_prompt("one two three")
    warm, usage = answer(engine, asked, 30, temperature=0)
    assert usage.cached_tokens == 0
    assert warm == answer(reference, asked, 30, temperature=0)[0]


def test_a_llama_on_the_cpu_is_decoded_directly(tiny_llama: Path) -> None:
    llama = AutoModelForCausalLM.from_pretrained(tiny_llama)
    assert has_static_layers(llama)
    assert decoder_for(llama, 4096).method == "static cache, direct"
    assert direct_step(llama.double()) is None
    biased = LlamaConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
                         vocab_size=99, mlp_bias=True)  # fmt: skip
    assert direct_step(LlamaForCausalLM(biased)) is None


def test_joined_matrices_are_there_once_and_the_model_reads_as_before(tiny_llama: Path) -> None:
    llama = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        before = llama(ids).logits
        DirectStep(llama)
        assert llama(ids).logits.equal(before)
    for layer in llama.model.layers:
        for parts in ((layer.self_attn.q_proj, layer.self_attn.v_proj), (layer.mlp.gate_proj, layer.mlp.up_proj)):
            assert len({part.weight.untyped_storage().data_ptr() for part in parts}) == 1


def test_what_cannot_be_captured_is_decoded_eagerly_and_says_why() -> None:
    sliding = MistralForCausalLM(
        MistralConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=99,
                      sliding_window=16, num_key_value_heads=2)
    )  # fmt: skip
    assert not has_static_layers(sliding)
    decoder = decoder_for(sliding, 4096)
    assert type(decoder) is Decoder
    assert "CUDA card" in decoder.method


def test_a_step_reads_grouped_heads_as_they_are(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, bool]] = []
    attention = torch.nn.functional.scaled_dot_product_attention

    def spy(query: torch.Tensor, key: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        seen.append((query.shape[2], key.shape[1], options.get("enable_gqa", False)))
        return attention(query, key, *rest, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    asked = Conversation().with_prompt("one two")
    text, _ = answer(engines[0], asked, 3)
    answer(engines[0], asked.with_answer(text).with_prompt("three"), 3)
    assert {tuple(shape) for length, *shape in seen if length == 1} == {(2, True)}
    # With a mask and many queries the card would need memory for all pairs of tokens.
    assert (4, False) in {tuple(shape) for length, *shape in seen if length > 1}


@pytest.mark.parametrize("queries", [1, 5])
def test_attention_over_grouped_heads_is_that_of_transformers(queries: int) -> None:
    module: Any = SimpleNamespace(num_key_value_groups=3, is_causal=True)
    query, key, value = (torch.randn(1, heads, length, 8) for heads, length in ((6, queries), (2, 40), (2, 40)))
    mask = torch.rand(1, 1, queries, 40) > 0.3
    ours, theirs = (
        attend(module, query, key, value, mask, dropout=0.0, scaling=0.3)[0]
        for attend in (grouped_attention, sdpa_attention_forward)
    )
    torch.testing.assert_close(ours, theirs)
