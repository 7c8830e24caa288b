from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llamacli.complexity import Level
from llamacli.engine.local.classifier import TOKENS, SequenceClassifier, batches, cut
from tests.tiny import save_bert


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> SequenceClassifier:
    directory: Path = save_bert(tmp_path_factory.mktemp("bert"))
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    return SequenceClassifier(model, AutoTokenizer.from_pretrained(directory), "cpu")


def test_a_long_prompt_keeps_its_beginning_and_more_of_its_end() -> None:
    assert cut(list(range(10)), 10) == list(range(10))
    assert cut(list(range(100)), 8) == [0, 1, 94, 95, 96, 97, 98, 99]


def test_texts_of_similar_length_are_read_together_as_far_as_memory_goes() -> None:
    assert list(batches([5, 1, 2, 6, 30], 12)) == [[1, 2], [0, 3], [4]]
    assert list(batches([])) == []


def test_a_batch_gives_what_each_prompt_gives_alone_and_in_order(classifier: SequenceClassifier) -> None:
    prompts = [("one two three " * (number % 7)) + f"안녕 {number}" for number in range(200)]
    assert len("".join(prompts)) > 2 * TOKENS  # which are several batches
    together = classifier.classify(prompts)
    for prompt, found in zip(prompts, together, strict=True):
        [alone] = classifier.classify([prompt])
        assert alone.scores is not None
        assert found.scores == pytest.approx(alone.scores, abs=1e-5)
    assert len({round(each.scores[Level.LOW], 4) for each in together if each.scores}) > 150


def test_scores_are_probabilities_and_the_level_is_the_likeliest(classifier: SequenceClassifier) -> None:
    assert classifier.classify([]) == []
    for found in classifier.classify(["hello", "write an essay " * 400]):
        assert found.scores is not None
        assert sum(found.scores.values()) == pytest.approx(1)
        assert found.scores[found.level] == max(found.scores.values())


def test_only_the_beginning_and_the_end_of_a_long_prompt_count(classifier: SequenceClassifier) -> None:
    first, last = "one two three four " * 30, "five six seven " * 60
    same = classifier.classify([first + "x" * 50 + last, first + "y" * 50 + last])
    assert same[0].scores == pytest.approx(same[1].scores)
