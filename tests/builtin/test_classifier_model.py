"""The shipped complexity classifier, its training data and its training."""

import random
import re
from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llamacli.builtin import CLASSIFIER_DIR
from llamacli.builtin.rating.data import CHUNK, CORPUS, HELD_OUT, JUDGED, cut, examples, judged, normal, read_prompts
from llamacli.builtin.rating.documents import document, garbled
from llamacli.builtin.rating.evaluation import evaluate, macro_f1, model_card, probabilities, rate
from llamacli.builtin.rating.grammar import grammar
from llamacli.builtin.rating.shapes import LABELS, LIST_TOKENS, level_of, listed
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
    assert scores["first/macro_f1"] >= 0.80
    assert scores["first/macro_f1/adversarial"] >= 0.75
    assert scores["second/macro_f1"] >= 0.80
    assert scores["second/macro_f1/adversarial"] >= 0.75
    assert max(scores["first/calibration_error"], scores["second/calibration_error"]) <= 0.12
    card = (CLASSIFIER_DIR / "README.md").read_text(encoding="utf-8")
    assert f"| macro f1 | {scores['first/macro_f1']:.2f} | {scores['second/macro_f1']:.2f} |" in card


def test_the_card_has_a_column_for_each_set_and_a_dash_where_a_set_lacks_the_group() -> None:
    first = {"first/prompts": 3, "first/macro_f1": 0.5, "first/accuracy": 0.6, "first/calibration_error": 0.01}
    second = {key.replace("first", "second"): 2 * value for key, value in first.items()}
    card = model_card({**first, **second, "second/macro_f1/shell": 0.75}, parameters=1000, seed=1, prompts=10)
    assert "| macro f1 | 0.50 | 1.00 |" in card
    assert "| shell | - | 0.75 |" in card


def test_a_batch_says_what_each_prompt_alone_says() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(CLASSIFIER_DIR).eval()
    tokenizer = AutoTokenizer.from_pretrained(CLASSIFIER_DIR)
    texts = ["hi", "write a long essay about the sea, with many examples", "why is the sky blue"]
    batch = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1)
    assert batch.detach().numpy() == pytest.approx(probabilities(CLASSIFIER_DIR, texts).numpy(), abs=1e-4)


def test_no_prompt_that_judges_the_model_is_among_the_training_prompts() -> None:
    judging = {normal(each.text) for name in JUDGED for each in read_prompts(CORPUS / name)}
    training = [each.text.casefold() for each in examples(SEED, 20_000)]
    assert not judging & {normal(text) for text in training}
    assert not any("comment fonctionne un four à micro-ondes" in text for text in training)


@pytest.mark.parametrize("text", ["How do vaccines work!", "hi, could you COUNT the words in MOBY-DICK"])
def test_what_judges_no_model_may_be_trained_on(text: str) -> None:
    assert not judged(text)


def test_a_judging_request_is_found_inside_a_prompt_too() -> None:
    assert judged("Merci, comment fonctionne un four à micro-ondes ? Je ne sais pas")
    assert judged("LATEX vs word for a thesis, please")


def test_no_judging_prompt_stands_in_two_sets() -> None:
    texts = [each.text for name in JUDGED for each in read_prompts(CORPUS / name)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("name", "least", "adversarial"), [(HELD_OUT[0], 300, 80), (HELD_OUT[1], 290, 50)])
def test_the_held_out_prompts_cover_what_they_must(name: str, least: int, adversarial: int) -> None:
    prompts = read_prompts(CORPUS / name)
    assert len(prompts) >= least
    assert sum(each.part == "adversarial" for each in prompts) >= adversarial
    assert sum(each.language == "ko" for each in prompts) >= 60
    assert {each.label for each in prompts if each.kind == "document"} == {0, 1, 2}


def test_processes_change_nothing_about_the_prompts() -> None:
    assert list(examples(5, CHUNK + 50, processes=2)) == list(examples(5, CHUNK + 50))


@pytest.mark.parametrize("language", ["en", "ko", "de", "fr", "es", "it", "pt"])
def test_a_list_has_the_number_that_its_level_stands_for(language: str) -> None:
    rng = random.Random(1)
    asks = {level: [listed(grammar(language), level, rng) for _ in range(40)] for level in LIST_TOKENS}
    assert not any("<" in ask for level in LIST_TOKENS for ask in asks[level])
    assert not any(re.search(r"\b(25|30|40|50|100)\b", ask) for ask in asks["low"] if "{" not in ask)


def test_requests_together_cost_what_each_costs() -> None:
    assert [level_of(tokens) for tokens in (100, 101, 250, 251)] == ["low", "medium", "medium", "high"]


def test_a_garbled_document_keeps_its_lines_and_numbers() -> None:
    garbage = garbled("total amount 4711\nsecond line of words", random.Random(2))
    assert "4711" in garbage
    assert garbage.count("\n") == 1
    assert garbage != "total amount 4711\nsecond line of words"


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
    scores = rate(tmp_path, easy)
    assert scores["accuracy"] > 0.45
    assert "| macro f1 |" in (tmp_path / "README.md").read_text(encoding="utf-8")
