"""On a CUDA card: captured and fused steps against eager ones. Run with: pytest -m gpu"""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from llamacli.engine.local.capturing import capture_graph
from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.fused import FusedStep, fused_step
from llamacli.engine.local.random_weights import random_model
from llamacli.engine.local.static import StaticDecoder, decoder_for
from llamacli.engine.local.weights import read_weights
from llamacli.placement import RolePlacement
from tests.engine.local.comparing import exact
from tests.settings import sampling
from tests.tiny import save_llama

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore:inner dimension:UserWarning"),  # rows that end within a block of scales
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card"),
]


def tokens(decoder: Decoder, prompt: list[int], count: int, **options: float) -> list[int]:
    with torch.inference_mode():
        decoder.rewind([])
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        return list(islice(decoder.tokens(sampling(**options), prompt, logits), count))


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> tuple[StaticDecoder, Decoder]:
    directory: Path = save_llama(tmp_path_factory.mktemp("cuda"))
    model = AutoModelForCausalLM.from_pretrained(directory).eval().to("cuda")
    return StaticDecoder(model, 4096, capture_graph), Decoder(model)


@pytest.mark.parametrize("length", [10, 900, 1500])
def test_greedy_tokens_of_a_graph_are_the_eager_ones(decoders: tuple[StaticDecoder, Decoder], length: int) -> None:
    prompt = [5 + number % 300 for number in range(length)]
    graph, eager = (tokens(decoder, prompt, 200, temperature=0) for decoder in decoders)
    assert graph == eager


def test_a_seed_gives_the_same_tokens_again_and_another_seed_others(decoders: tuple[StaticDecoder, Decoder]) -> None:
    graph = decoders[0]
    first, second, third = (tokens(graph, [5, 6, 7], 50, seed=seed, temperature=1.5) for seed in (1, 1, 2))
    assert first == second != third


def test_other_threads_get_memory_while_a_step_is_captured(decoders: tuple[StaticDecoder, Decoder]) -> None:
    """As the classifier does, which may still be loading then."""
    captured = Event()
    kept: list[torch.Tensor] = []

    def ask_for_memory() -> None:
        while not captured.wait(0.001) and len(kept) < 400:
            kept.append(torch.empty(20 << 20, dtype=torch.uint8, device="cuda:0"))

    with ThreadPoolExecutor(1) as others:
        asking = others.submit(ask_for_memory)
        for _ in range(5):
            decoders[0].forget()
            assert len(tokens(decoders[0], [5, 6, 7], 20)) == 20
        captured.set()
        asking.result()
    assert len(kept) > 5


def test_samples_of_a_graph_have_the_eager_distribution(decoders: tuple[StaticDecoder, Decoder]) -> None:
    counts = torch.zeros(2, 400)
    for row, decoder in enumerate(decoders):
        for token in tokens(decoder, [5, 6, 7], 3000, seed=3, temperature=5, top_k=0, top_p=1, repetition_penalty=1):
            counts[row, token] += 1
    seen = counts.sum(0) > 20
    expected = counts[:, seen].mean(0)
    chi_square = float(((counts[:, seen] - expected) ** 2 / expected).sum())
    assert chi_square < 2 * int(seen.sum())  # far beyond the 99.9 % point for so many degrees of freedom


def quantized(dtype: torch.dtype, **changed: int) -> Any:
    """A small Llama in nf4 on the card; rows end within what a warp reads and within a block of scales."""
    shape: dict[str, Any] = {"hidden_size": 512, "intermediate_size": 1120}
    shape |= {"num_attention_heads": 8, "num_key_value_heads": 2}
    config = LlamaConfig(
        vocab_size=2000, num_hidden_layers=3, max_position_embeddings=8192, eos_token_id=None, **(shape | changed)
    )
    with torch.inference_mode():
        return random_model(config, "cuda:0", dtype, "4bit", seed=1)


def error(logits: torch.Tensor, expected: torch.Tensor) -> float:
    return float((logits.double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "changed", [{}, {"head_dim": 128}, {"num_key_value_heads": 8}, {"num_key_value_heads": 1}, {"hidden_size": 2048}]
)
def test_fused_logits_are_as_near_to_those_in_float32_as_the_models_own(
    dtype: torch.dtype, changed: dict[str, int]
) -> None:
    model = quantized(dtype, **changed)
    reference = exact(model)
    decoder = StaticDecoder(model, 8192, None, FusedStep(model))
    for length in (1, 63, 64, 65, 700, 4200):
        prompt = [5 + (7 * number) % 1900 for number in range(length)]
        with torch.inference_mode():
            expected = reference(torch.tensor([[*prompt, 9]], device="cuda:0")).logits[0, -1]
            ours, theirs = (stepped(decoder, prompt, 9, fused) for fused in (decoder._own, None))
        assert error(ours, expected) < 1.2 * error(theirs, expected) + 1e-5
        assert error(ours, theirs) < (0.04 if dtype == torch.bfloat16 else 0.005)


def stepped(decoder: StaticDecoder, prompt: list[int], token: int, own: Any) -> torch.Tensor:
    """The logits after a prompt was read and then one token, by a step with or without the fused kernels."""
    decoder.rewind([])
    decoder.read_prompt(prompt, 0, lambda: False)
    decoder._reserve(1)
    decoder._token.fill_(token)
    decoder._position.fill_(len(prompt))
    decoder._own = own
    return decoder._logits().float().clone()


def test_a_fused_step_goes_on_where_the_model_has_read_and_the_model_where_the_step_has() -> None:
    model = quantized(torch.float16)
    graph, eager = decoder_for(model, 4096), Decoder(model)
    assert graph.method == "CUDA graph, fused kernels"
    said = tokens(graph, [5, 6, 7], 300, temperature=0)
    again = [5, 6, 7, *said, 8, 9]
    with torch.inference_mode():
        kept = graph.rewind(again)
        assert kept >= 302
        logits = graph.read_prompt(again, kept, lambda: False)
        eager.rewind([])
        expected = eager.read_prompt(again, 0, lambda: False)
    assert logits is not None
    assert expected is not None
    assert error(logits, expected) < 0.02


@pytest.mark.parametrize(("dtype", "alike"), [(torch.float32, 40), (torch.bfloat16, 36)])
def test_an_answer_goes_on_while_its_step_is_compiled(tmp_path: Path, dtype: torch.dtype, alike: int) -> None:
    model = AutoModelForCausalLM.from_pretrained(save_llama(tmp_path), dtype=dtype).eval().to("cuda:0")
    decoder, plain = decoder_for(model, 4096), decoder_for(model, 4096)
    assert isinstance(decoder, StaticDecoder)
    with torch.inference_mode():
        decoder.warm_up(sampling())
        assert decoder.shift_up(wait=False)
        logits = decoder.read_prompt([5, 6, 7], decoder.rewind([5, 6, 7]), lambda: False)
        assert logits is not None
        answer = decoder.tokens(sampling(temperature=0), [5, 6, 7], logits)
        said = [next(answer)]
        while decoder.method == "CUDA graph" and len(said) < 700:
            said.append(next(answer))
            time.sleep(0.1)
        assert decoder._gear is not None
        assert decoder._gear.why == ""
        assert decoder.method == "CUDA graph, compiled"
        said += islice(answer, 100)
    if dtype == torch.float32:
        assert said == tokens(plain, [5, 6, 7], len(said), temperature=0)
    prompts = [[5 + (7 * number * length) % 300 for number in range(length)] for length in range(20, 60)]
    both = [[tokens(each, prompt, 2, temperature=0) for prompt in prompts] for each in (decoder, plain)]
    assert decoder.method == "CUDA graph, compiled"
    assert sum(ours == theirs for ours, theirs in zip(*both, strict=True)) >= alike
    decoder.close()


def test_what_the_kernels_do_not_know_is_left_to_the_model() -> None:
    assert fused_step(quantized(torch.float16)) is not None
    assert fused_step(quantized(torch.float32)) is None
    plain = random_model(
        LlamaConfig(vocab_size=99, num_hidden_layers=1, hidden_size=64), "cuda:0", torch.float16, "none"
    )
    assert fused_step(plain) is None


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA cards")
@pytest.mark.parametrize("tied", [True, False])
def test_a_model_spread_over_two_cards_answers_as_on_one(tmp_path: Path, tied: bool) -> None:
    directory = save_llama(tmp_path, tied=tied)
    alone = RolePlacement(("cuda:1",), "float32", "none", (1,), (2,), 4096)
    spread = RolePlacement(("cuda:0", "cuda:1"), "float32", "none", (1, 1), (1, 1), 4096)
    prompt = [5 + number % 300 for number in range(700)]
    said = []
    for place in (alone, spread):
        model = read_weights(AutoModelForCausalLM, directory, place, lambda *_: None)
        decoder = decoder_for(model, place.context)
        said.append(tokens(decoder, prompt, 60, temperature=0))
        assert {str(weight.device) for weight in model.parameters()} == set(place.devices)
    assert decoder.method == "eager: the model is spread over several devices"
    assert said[0] == said[1]
