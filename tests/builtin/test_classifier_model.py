"""The shipped complexity classifier, its training data and its training."""

import random
from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llamacli.builtin import CLASSIFIER_DIR
from llamacli.builtin.rating.data import (
    CORPUS,
    LABELS,
    Example,
    cut,
    document,
    examples,
    normal,
    read_prompts,
)
from llamacli.builtin.rating.evaluation import evaluate, macro_f1, probabilities
from llamacli.builtin.rating.grammar import grammar
from llamacli.builtin.rating.training import train
from llamacli.builtin.train import SEED

LONG_LOG = "\n".join(f"2026-05-01 12:00:{second:02} INFO request {second} handled in 12 ms" for second in range(40))


def level(prompt: str) -> str:
    return LABELS[int(probabilities(CLASSIFIER_DIR, [prompt]).argmax())]


def test_the_shipped_classifier_fits_in_five_megabytes() -> None:
    assert sum(path.stat().st_size for path in CLASSIFIER_DIR.iterdir()) <= 5_000_000


def test_the_shipped_classifier_loads_like_any_model_with_our_three_labels() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(CLASSIFIER_DIR)
    tokenizer = AutoTokenizer.from_pretrained(CLASSIFIER_DIR)
    assert tuple(model.config.id2label[index] for index in range(3)) == LABELS
    assert tokenizer.model_max_length == model.config.max_position_embeddings == 512
    assert tokenizer.pad_token_id == model.config.pad_token_id


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("hi", "low"),
        ("what is 2+2", "low"),
        ("explain recursion in one sentence", "low"),
        (f"{LONG_LOG}\n\nany error, yes or no?", "low"),
        ("explain how vaccines work", "medium"),
        ("write a business plan", "high"),
        ("explain recursion in at least 800 words", "high"),
        ("review this code in detail and rewrite the whole module", "high"),
        ("안녕하세요", "low"),
        ("카페 창업 사업계획서를 작성해줘", "high"),
    ],
)
def test_the_level_is_the_length_of_the_answer_and_not_of_the_prompt(prompt: str, expected: str) -> None:
    assert level(prompt) == expected


def test_the_shipped_classifier_scores_as_its_card_says() -> None:
    scores = evaluate(CLASSIFIER_DIR)
    assert scores["macro_f1"] >= 0.78
    assert scores["macro_f1/adversarial"] >= 0.73
    assert scores["calibration_error"] <= 0.10
    assert f"macro-F1 {scores['macro_f1']:.2f}" in (CLASSIFIER_DIR / "README.md").read_text(encoding="utf-8")


def test_a_batch_says_what_each_prompt_alone_says() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(CLASSIFIER_DIR).eval()
    tokenizer = AutoTokenizer.from_pretrained(CLASSIFIER_DIR)
    texts = ["hi", "write a long essay about the sea, with many examples", "why is the sky blue"]
    batch = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1)
    assert batch.detach().numpy() == pytest.approx(probabilities(CLASSIFIER_DIR, texts).numpy(), abs=1e-4)


@pytest.mark.parametrize("name", ["heldout.tsv", "development.tsv"])
def test_no_prompt_that_judges_the_model_is_among_the_training_prompts(name: str) -> None:
    judging = {normal(each.text) for each in read_prompts(CORPUS / name)}
    training = {normal(each.text) for each in examples(SEED, 60_000)}
    assert not judging & training


def test_the_held_out_prompts_cover_what_they_must() -> None:
    prompts = read_prompts(CORPUS / "heldout.tsv")
    assert len(prompts) >= 300
    assert sum(each.part == "adversarial" for each in prompts) >= 80
    assert sum(each.language == "ko" for each in prompts) >= 60
    assert len({each.text for each in prompts}) == len(prompts)


def test_the_same_seed_gives_the_same_prompts_and_every_level_its_share() -> None:
    first = list(examples(3, 300))
    assert first == list(examples(3, 300))
    assert first != list(examples(4, 300))
    assert [sum(each.label == label for each in first) for label in range(3)] == [100, 100, 100]


def test_every_template_can_be_filled() -> None:
    rng = random.Random(0)
    for language in ("en", "ko", "de", "fr", "es", "it", "pt", "nl"):
        words = grammar(language)
        for section, lines in words.sections.items():
            for line in lines if not section.startswith("word ") else ():
                filled = words.expand(line, rng)
                assert filled.strip() or "|" in line
                assert "{" not in filled, f"{language} [{section}] {line}"


def test_a_choice_is_made_in_brackets_with_a_bar_and_nowhere_else() -> None:
    words = grammar("en")
    filled = {words.expand("f(x) is ((odd|even)|zero) at {3..3}", random.Random(seed)) for seed in range(30)}
    assert filled == {"f(x) is odd at 3", "f(x) is even at 3", "f(x) is zero at 3"}


def test_documents_are_long_enough_to_be_cut() -> None:
    rng = random.Random(0)
    assert max(len(document(rng)) for _ in range(300)) > 2_000


def test_the_cut_keeps_the_first_quarter_and_the_last_three() -> None:
    assert cut(list(range(8)), 8) == list(range(8))
    assert cut(list(range(20)), 8) == [0, 1, 14, 15, 16, 17, 18, 19]


def test_macro_f1_counts_every_level_alike() -> None:
    assert macro_f1([0, 0, 1, 1], [0, 0, 1, 1]) == 1
    assert macro_f1([0, 0, 0, 0], [0, 0, 0, 1]) == pytest.approx((6 / 7 + 0) / 2)


def test_training_learns_something_and_saves_what_can_be_loaded(tmp_path: Path) -> None:
    train(tmp_path, seed=1, smoke=True)
    easy = [each for each in examples(99, 400) if len(each.text) < 100]
    scores = evaluate(tmp_path, [Example(each.text, each.label, each.language, each.kind) for each in easy])
    assert scores["accuracy"] > 0.45
    assert "macro-F1" in (tmp_path / "README.md").read_text(encoding="utf-8")
