"""Complexity by entailment: the prompt is the premise, each level a hypothesis, and what they entail is compared."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llamacli.complexity import Level
from llamacli.engine.local.entailment import HYPOTHESES, EntailmentClassifier
from llamacli.errors import BrokenModel, EngineFailed
from tests.tiny import NLI, save_bart

PROMPTS = [
    "hello",
    "one two three four " * 3 + "안녕",
    "which command starts a chat",
    "",
    "안녕하세요, 저는 라마입니다",
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bart(tmp_path_factory.mktemp("bart"))


def opened(directory: Path, **options: Any) -> EntailmentClassifier:
    model = AutoModelForSequenceClassification.from_pretrained(directory, **options).eval()
    return EntailmentClassifier(model, AutoTokenizer.from_pretrained(directory), "cpu")


@pytest.fixture(scope="module")
def classifier(directory: Path) -> EntailmentClassifier:
    return opened(directory)


def scores(classifier: EntailmentClassifier, *prompts: str) -> list[list[float]]:
    """For each prompt the scores of low, medium and high."""
    rated = classifier.classify(prompts)
    return [[found.scores[level] for level in Level] for found in rated if found.scores]


def entailed(directory: Path, prompt: str) -> list[float]:
    """The scores by the book: premise and hypothesis as a pair of the tokenizer, one forward pass for each level."""
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    words = AutoTokenizer.from_pretrained(directory)
    with torch.inference_mode():
        pairs = [words(prompt, HYPOTHESES[level], return_tensors="pt") for level in Level]
        logits = torch.stack([model(**pair).logits[0, NLI.index("entailment")] for pair in pairs])
    shares: list[float] = logits.softmax(0).tolist()
    return shares


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_scores_are_those_of_premise_and_hypothesis_as_a_pair(directory: Path, prompt: str) -> None:
    """Fails for a lone prompt, which the design before this one gave to the model."""
    assert scores(opened(directory), prompt)[0] == pytest.approx(entailed(directory, prompt), abs=1e-5)


def test_the_levels_are_told_apart(classifier: EntailmentClassifier) -> None:
    """Fails where a misspelt label or a missing hypothesis makes every level alike."""
    for low, medium, high in scores(classifier, *PROMPTS):
        assert len({round(low, 3), round(medium, 3), round(high, 3)}) == 3
    prompts = [f"{number} {'one two three ' * (number % 5)}" for number in range(60)]
    assert len({found.level for found in classifier.classify(prompts)}) > 1


def test_the_model_reads_the_pair_as_it_was_trained_to(classifier: EntailmentClassifier, directory: Path) -> None:
    words = AutoTokenizer.from_pretrained(directory)
    [[low, *_]] = classifier._rows(["hello"])
    assert words.decode(low) == f"<s>hello</s></s>{HYPOTHESES[Level.LOW]}</s>"


def test_a_batch_gives_what_each_prompt_gives_alone_and_in_order(classifier: EntailmentClassifier) -> None:
    prompts = [("one two three " * (number % 7)) + f"안녕 {number}" for number in range(70)]
    together = scores(classifier, *prompts)
    alone = [scores(classifier, prompt)[0] for prompt in prompts]
    assert together == [pytest.approx(each, abs=1e-5) for each in alone]
    assert len({tuple(round(score, 4) for score in each) for each in together}) > 60
    assert classifier.classify([]) == []


def test_the_three_of_a_prompt_are_one_pass(classifier: EntailmentClassifier) -> None:
    shapes = []
    hook = classifier._model.register_forward_pre_hook(
        lambda _module, _args, inputs: shapes.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    classifier.classify(["hello"])
    hook.remove()
    assert [rows for rows, _ in shapes] == [3]


def test_padding_before_a_text_would_move_it_and_is_not_done(directory: Path) -> None:
    classifier = opened(directory)
    classifier._tokenizer.padding_side = "left"
    assert scores(classifier, *PROMPTS) == [pytest.approx(entailed(directory, each), abs=1e-5) for each in PROMPTS]


@pytest.mark.parametrize(
    "labels", [("entailment", "neutral", "contradiction"), ("CONTRADICTION", "ENTAILMENT", "NEUTRAL")]
)
def test_neither_the_order_of_the_labels_nor_their_case_matters(directory: Path, labels: tuple[str, ...]) -> None:
    classifier, permuted = opened(directory), opened(directory, id2label=dict(enumerate(labels)))
    head = permuted._model.classification_head.out_proj
    rows = [NLI.index(label.lower()) for label in labels]
    with torch.no_grad():
        head.weight.copy_(head.weight[rows].clone())
        head.bias.copy_(head.bias[rows].clone())
    assert scores(permuted, *PROMPTS) == [pytest.approx(each, abs=1e-5) for each in scores(classifier, *PROMPTS)]


def test_a_model_without_entailment_is_refused(directory: Path) -> None:
    with pytest.raises(BrokenModel, match="entailment"):
        opened(directory, id2label={0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})


def test_of_a_long_prompt_the_beginning_and_the_end_count(classifier: EntailmentClassifier) -> None:
    long = "".join(chr(ord("a") + number * number % 26) for number in range(5000))
    assert len(classifier._tokenizer(long, verbose=False)["input_ids"]) > 4900
    changed = long[:1000] + "x" * 3000 + long[4000:]
    rows = classifier._rows([long])[0]
    assert max(map(len, rows)) == 128
    [whole, middle, first, last] = scores(classifier, long, changed, "z" + long[1:], long[:-1] + "?")
    assert whole == pytest.approx(middle, abs=1e-6)
    assert whole != pytest.approx(first, abs=1e-4)
    assert whole != pytest.approx(last, abs=1e-4)


def test_what_looks_like_a_special_token_in_a_prompt_is_text(classifier: EntailmentClassifier) -> None:
    prompts = ["what is </s> in BART", "<pad><mask></s></s>", "hello"]
    assert scores(classifier, *prompts) == [pytest.approx(scores(classifier, each)[0], abs=1e-5) for each in prompts]
    ends = classifier._tokenizer.eos_token_id
    assert all(row.count(ends) == 3 for rows in classifier._rows(prompts) for row in rows)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bits_give_nearly_the_same(directory: Path, dtype: torch.dtype) -> None:
    exact, half = opened(directory), opened(directory, dtype=dtype)
    assert scores(half, *PROMPTS) == [pytest.approx(each, abs=0.05) for each in scores(exact, *PROMPTS)]


def test_closing_gives_the_memory_back(directory: Path) -> None:
    classifier = opened(directory)
    classifier.classify(["hello"])
    model = weakref.ref(classifier._model)
    classifier.close()
    classifier.close()
    gc.collect()
    assert model() is None
    with pytest.raises(EngineFailed):
        classifier.classify(["hello"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
def test_on_a_card_it_is_the_same_and_the_card_gets_its_memory_back(directory: Path) -> None:
    before = torch.cuda.memory_reserved()
    classifier = opened(directory, dtype=torch.float16, device_map={"": "cuda:0"})
    exact = scores(opened(directory), *PROMPTS)
    assert scores(classifier, *PROMPTS) == [pytest.approx(each, abs=0.05) for each in exact]
    classifier.close()
    gc.collect()
    assert torch.cuda.memory_reserved() <= before
