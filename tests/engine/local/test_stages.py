"""Detokenizer, stop texts and sampler: joined pieces equal the whole, chances equal transformers' own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from llamacli.engine.local.detokenizer import Detokenizer
from llamacli.engine.local.sampler import Sampler
from llamacli.engine.stops import StopTexts
from tests.settings import sampling
from tests.tiny import tokenizer

WORDS = tokenizer()


@given(st.lists(st.integers(0, len(WORDS) - 1), max_size=60))
def test_pieces_of_any_ids_join_to_one_decoding(ids: list[int]) -> None:
    stage = Detokenizer(WORDS.backend_tokenizer)
    pieces = [stage.feed(token) for token in ids]
    assert "".join(pieces) + stage.finish() == WORDS.backend_tokenizer.decode(ids, skip_special_tokens=True)


@given(st.text(max_size=30), st.integers(0, 60))
def test_an_answer_that_is_continued_joins_to_one_decoding(text: str, cut: int) -> None:
    ids = WORDS.encode(text)
    cut = min(cut, len(ids))
    before = WORDS.backend_tokenizer.decode(ids[:cut], skip_special_tokens=True)
    stage = Detokenizer(WORDS.backend_tokenizer, ids[:cut])
    pieces = [stage.feed(token) for token in ids[cut:]]
    assert before.removesuffix("\ufffd") + "".join(pieces) + stage.finish() == text


def test_korean_and_emoji_arrive_whole_and_at_once() -> None:
    stage = Detokenizer(WORDS.backend_tokenizer)
    pieces = [stage.feed(token) for token in WORDS.encode("한국어 🦙 빠르게")]
    assert "\ufffd" not in "".join(pieces)
    assert [piece for piece in pieces if piece][:3] == ["한", "국", "어"]


@given(
    st.lists(st.text("ab\n#", max_size=4), max_size=12), st.lists(st.text("ab\n#", min_size=1, max_size=4), max_size=3)
)
def test_stop_texts_are_found_however_the_pieces_are_cut(pieces: list[str], stops: list[str]) -> None:
    stage = StopTexts(stops)
    shown = "".join(stage.feed(piece) for piece in pieces) + stage.finish()
    whole = "".join(pieces)
    places = [whole.find(stop) for stop in stops if stop in whole]
    assert stage.found == bool(places)
    # A later stop text that is complete first ends the answer too: what was shown is a beginning without any.
    assert whole.startswith(shown)
    assert not any(stop in shown for stop in stops)
    assert places or shown == whole


@pytest.mark.parametrize("top_k", [0, 1, 5, 51])
@pytest.mark.parametrize("top_p", [0.3, 0.63, 1.0])
def test_the_candidates_are_those_of_generate(top_k: int, top_p: float) -> None:
    torch.manual_seed(top_k)
    logits, prompt = torch.randn(100) * 3, [3, 7, 7, 50]
    steps = [RepetitionPenaltyLogitsProcessor(1.21), TemperatureLogitsWarper(0.64)]
    steps += [TopKLogitsWarper(top_k)] if top_k else []
    steps += [TopPLogitsWarper(top_p)] if top_p < 1 else []
    expected = LogitsProcessorList(steps)(torch.LongTensor([prompt]), logits[None].clone())[0].softmax(0)
    sampler = Sampler(100, logits.device)
    sampler.begin(sampling(top_k=top_k, top_p=top_p), prompt)
    tokens, shares = sampler.shares(sampler.penalize(logits))
    found = torch.zeros(100).index_put((tokens,), shares / shares.sum())
    torch.testing.assert_close(found, expected)


def test_samples_follow_the_probabilities() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -4.0])
    chances = logits.softmax(0)
    counts = torch.zeros(5)
    sampler = Sampler(5, logits.device)
    sampler.begin(sampling(temperature=1, top_k=0, top_p=1, repetition_penalty=1, seed=5), [0])
    draws = 4000
    for _ in range(draws):
        counts[sampler.choose(logits)] += 1
    chi_square = float(((counts - draws * chances) ** 2 / (draws * chances)).sum())
    assert chi_square < 18.47  # the 99.9 % point for 4 degrees of freedom


def test_temperature_zero_takes_the_likeliest() -> None:
    sampler = Sampler(4, torch.device("cpu"))
    sampler.begin(sampling(temperature=0, repetition_penalty=1), [0])
    assert int(sampler.choose(torch.tensor([0.0, 3.0, 2.9, -1.0]))) == 1
