"""Judges a saved complexity classifier by the held-out prompts, and writes its model card."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llamacli.builtin.rating.data import CORPUS, HELD_OUT, Example, cut, read_prompts
from llamacli.builtin.rating.shapes import LABELS

BINS = 10
SETS = ("first", "second")


@torch.inference_mode()
def probabilities(directory: Path, texts: Iterable[str]) -> Tensor:
    """The probability of each level for each text, [texts, 3], by the model saved in `directory`."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForSequenceClassification.from_pretrained(directory).float().eval()
    rows = [torch.tensor([cut(tokenizer(text, verbose=False)["input_ids"])]) for text in texts]
    return torch.cat([model(row).logits for row in rows]).softmax(-1)


def macro_f1(predicted: Sequence[int], expected: Sequence[int]) -> float:
    """The mean over the levels that occur of the F1 score of each."""
    scores = []
    for level in sorted(set(expected)):
        hits = sum(p == e == level for p, e in zip(predicted, expected, strict=True))
        scores.append(2 * hits / (predicted.count(level) + expected.count(level)))
    return sum(scores) / len(scores)


def calibration_error(chances: Tensor, expected: Sequence[int]) -> float:
    """The expected calibration error over ten equal bins of confidence (Guo et al. 2017, arXiv 1706.04599)."""
    confidence, predicted = chances.max(-1)
    right = (predicted == torch.tensor(expected)).float()
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = [(right[bins == each].sum() - confidence[bins == each].sum()).abs() for each in range(BINS)]
    return float(sum(gaps)) / len(expected)


def evaluate(directory: Path) -> Mapping[str, float]:
    """Scores of the classifier in `directory` on both held-out sets: `first/` or `second/` and a key of `rate`."""
    scores: dict[str, float] = {}
    for name, file in zip(SETS, HELD_OUT, strict=True):
        rated = rate(directory, read_prompts(CORPUS / file))
        scores |= {f"{name}/{key}": value for key, value in rated.items()}
    return scores


def rate(directory: Path, prompts: Sequence[Example]) -> Mapping[str, float]:
    """Scores of the classifier in `directory` on `prompts`.

    The keys: `prompts` (their number), `macro_f1`, `accuracy`, `calibration_error`, and `macro_f1/GROUP` for each part,
    language and kind.
    """
    chances = probabilities(directory, [each.text for each in prompts])
    predicted, expected = chances.argmax(-1).tolist(), [each.label for each in prompts]
    scores = {
        "prompts": float(len(prompts)),
        "macro_f1": macro_f1(predicted, expected),
        "accuracy": sum(p == e for p, e in zip(predicted, expected, strict=True)) / len(expected),
        "calibration_error": calibration_error(chances, expected),
    }
    for field in ("part", "language", "kind"):
        for group in sorted({str(getattr(each, field)) for each in prompts}):
            chosen = [index for index, each in enumerate(prompts) if getattr(each, field) == group]
            score = macro_f1([predicted[index] for index in chosen], [expected[index] for index in chosen])
            scores[f"macro_f1/{group}"] = score
    return scores


def model_card(scores: Mapping[str, float], *, parameters: int, seed: int, prompts: int) -> str:
    """The model card, in Markdown, from the scores of `evaluate`."""
    rows = ["macro_f1", "accuracy", "calibration_error", *_groups(scores)]
    return CARD.format(
        levels=", ".join(LABELS),
        parameters=parameters,
        seed=seed,
        prompts=prompts,
        first=round(scores["first/prompts"]),
        second=round(scores["second/prompts"]),
        table="\n".join(_row(scores, row) for row in rows),
    )


def _groups(scores: Mapping[str, float]) -> list[str]:
    """The groups of both sets: parts, languages and kinds, in the order in which they were scored."""
    keys = (key.split("/", 1)[1] for key in scores)
    return list(dict.fromkeys(key for key in keys if "/" in key))


def _row(scores: Mapping[str, float], key: str) -> str:
    cells = (f"{scores[f'{name}/{key}']:.2f}" if f"{name}/{key}" in scores else "-" for name in SETS)
    return f"| {key.removeprefix('macro_f1/').replace('_', ' ')} | {' | '.join(cells)} |"


CARD = """\
---
license: mit
pipeline_tag: text-classification
language: [en, ko, de, fr, es, it, pt, nl]
---
# The built-in complexity classifier of llamacli

A small encoder that reads a prompt and says how long a good, complete answer has to be ({levels}):
`low` up to 100 tokens, `medium` up to 250, `high` more. llamacli takes its token budget from the level.

## What it is for, and what not
For choosing a budget before the answer begins. Not for judging how difficult, important or permitted a request is, and
not for people: a level says nothing about who asks. It reads 512 tokens; of a longer prompt the first 128 and
the last 384, so a question in the middle of a long document is not seen.

## How it was made
{parameters:,} parameters, trained from random weights (seed {seed}) on {prompts:,} prompts drawn from templates that
were written for this project, in English and Korean, and fewer in German, French, Spanish, Italian, Portuguese and
Dutch. No sentence was taken from elsewhere. `python -m llamacli.builtin.train` makes it again.
The weights are stored as float16.

## How good it is
On two sets of prompts that were written by hand and never trained on: the first ({first} prompts) before the templates,
the second ({second}) by somebody who had not seen the templates then. A number without a name is the macro-F1 of that
group; the calibration error is the expected one.

| | first set | second set |
|---|---|---|
{table}

Requests that stand in these sets are kept out of the training prompts. Still they come from the same project as the
templates, so expect less on yours. A group of few prompts is a rough figure.

## Limits
It knows forms of requests, not the world: an unusual kind of text that needs much room may be taken for a short
one. The border between `medium` and its neighbours is soft: two people do not agree on it either. Languages other
than English and Korean were trained on little, others on nothing.
"""
