"""On a CUDA card: captured steps against eager ones. Run with: pytest -m gpu"""

from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.static import StaticDecoder, capture_graph
from tests.settings import sampling

pytestmark = [
    pytest.mark.gpu,
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
    from tests.tiny import save_llama

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


def test_samples_of_a_graph_have_the_eager_distribution(decoders: tuple[StaticDecoder, Decoder]) -> None:
    counts = torch.zeros(2, 400)
    for row, decoder in enumerate(decoders):
        for token in tokens(decoder, [5, 6, 7], 3000, seed=3, temperature=5, top_k=0, top_p=1, repetition_penalty=1):
            counts[row, token] += 1
    seen = counts.sum(0) > 20
    expected = counts[:, seen].mean(0)
    chi_square = float(((counts[:, seen] - expected) ** 2 / expected).sum())
    assert chi_square < 2 * int(seen.sum())  # far beyond the 99.9 % point for so many degrees of freedom
