"""Prompts with their complexity, for training and for judging the built-in classifier.

The training prompts are drawn from the grammar files under `corpus/classifier/train`; the prompts that judge
the model are written by hand in `heldout.tsv`, `heldout_second.tsv` and `development.tsv`. The rule behind the labels
is in the README beside them.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

from llamacli.builtin.rating.grammar import grammar
from llamacli.builtin.rating.noise import roughen
from llamacli.builtin.rating.shapes import LABELS, NEEDS, SHAPES, prompt

POSITIONS = 512
HELD_OUT = ("heldout.tsv", "heldout_second.tsv")
JUDGED = (*HELD_OUT, "development.tsv")
CORPUS = Path(__file__).parent.parent / "corpus" / "classifier"
LANGUAGES = {"en": 50, "ko": 22, "de": 6, "fr": 6, "es": 6, "it": 4, "pt": 4, "nl": 3}
CHUNK = 6_000
TELLING = 15  # characters from which a held-out request is looked for inside the training prompts too


@dataclass(frozen=True)
class Example:
    """A prompt and the index of its level in `LABELS`; `part` and `kind` group the results."""

    text: str
    label: int
    language: str
    kind: str
    part: str = "train"


def cut(ids: Sequence[int], limit: int = POSITIONS) -> list[int]:
    """Keep the first quarter and the last three quarters of `limit` tokens: the question mostly stands last."""
    head = limit // 4
    return list(ids) if len(ids) <= limit else [*ids[:head], *ids[head - limit :]]


def examples(seed: int, number: int, *, processes: int = 1) -> Iterator[Example]:
    """`number` training prompts, the levels in equal shares; the same seed gives the same prompts.

    They are drawn in chunks, each with a seed of its own, so that the number of processes changes nothing. A prompt
    that the model is judged on is never among them: where one is drawn, another is drawn instead.
    """
    sizes = [min(CHUNK, number - start) for start in range(0, number, CHUNK)]
    draw = partial(_chunk, seed)
    if processes == 1 or len(sizes) == 1:
        chunks: Iterator[list[Example]] = map(draw, range(len(sizes)), sizes)
        yield from (each for chunk in chunks for each in chunk)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from (each for chunk in pool.map(draw, range(len(sizes)), sizes) for each in chunk)


def _chunk(seed: int, number: int, size: int) -> list[Example]:
    rng = random.Random(f"{seed}/{number}")
    return [_example(LABELS[index % len(LABELS)], rng) for index in range(size)]


def _example(level: str, rng: random.Random) -> Example:
    while True:
        language = rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        shape = rng.choices(list(SHAPES), list(SHAPES.values()))[0]
        words = grammar(language)
        shape = shape if words.has(NEEDS[shape]) else "plain"
        text = roughen(prompt(words, level, shape, rng), rng)
        if not judged(text):
            return Example(text, LABELS.index(level), language, shape)


def normal(text: str) -> str:
    """The text without what does not tell two prompts apart: case and the end's punctuation."""
    return text.casefold().rstrip("?!.~ ")


def judged(text: str) -> bool:
    """Whether `text` is a prompt that judges the model, or holds one that is long enough not to be there by chance."""
    whole, beginnings = _judging()
    folded = text.casefold()
    places = range(len(folded) - TELLING + 1)
    return normal(text) in whole or any(
        folded.startswith(beginnings.get(folded[place : place + TELLING], ()), place) for place in places
    )


@cache
def _judging() -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """Every judging request, and the long ones by how they begin."""
    asked = {normal(row[-1]) for name in JUDGED for row in _rows(CORPUS / name)}
    beginnings: dict[str, tuple[str, ...]] = {}
    for each in sorted(each for each in asked if len(each) >= TELLING):
        beginnings[each[:TELLING]] = (*beginnings.get(each[:TELLING], ()), each)
    return frozenset(asked), beginnings


def _rows(path: Path) -> Iterator[list[str]]:
    """The fields of each prompt of a `.tsv` file: level, part, kind, language, document, words."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            *fields, text = line.split("\t")
            yield [*fields, text.replace("\\n", "\n")]


def read_prompts(path: Path) -> list[Example]:
    """The hand-written prompts of a `.tsv` file, each behind the document that it names."""
    found = []
    for level, part, kind, language, source, text in _rows(path):
        if source != "-":
            before = (path.parent / "heldout" / source).read_text(encoding="utf-8").strip()
            text = f"{before}\n\n{text}"
        found.append(Example(text, LABELS.index(level), language, kind, part))
    return found
