"""Prompts with their complexity, for training and for judging the built-in classifier.

The training prompts are drawn from the grammar files under `corpus/classifier/train`; the prompts that judge
the model are written by hand in `heldout.tsv` and `development.tsv`. The rule behind the labels is in the README
beside them.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from llamacli.builtin.rating.grammar import Grammar, grammar

LABELS = ("low", "medium", "high")
POSITIONS = 512
JUDGED = ("heldout.tsv", "development.tsv")
CORPUS = Path(__file__).parent.parent / "corpus" / "classifier"

LANGUAGES = {"en": 50, "ko": 24, "de": 7, "fr": 7, "es": 7, "it": 4, "pt": 4, "nl": 2}
SHAPES = {"plain": 44, "wish": 17, "document": 17, "ramble": 12, "several": 9}
# Tokens of a typical answer: what several requests in one prompt cost together decides their common level.
TYPICAL_TOKENS = {"low": 25, "medium": 170, "high": 450}
LIMIT_TOKENS = {"low": 100, "medium": 250}


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


def document(rng: random.Random) -> str:
    """A log, a table, code or prose, to stand beside a question."""
    words = grammar("documents")
    section = rng.choice([name for name in words.sections if name.startswith(("lines", "blocks"))])
    few = section.startswith("blocks")
    count = rng.randint(1, 2) if few else round(rng.choice((2, 3, 4, 6, 24)) * rng.uniform(0.6, 1.4))
    source = grammar("ko" if section == "lines prose_ko" else "en")
    lines = [source.expand(words.draw(section, rng), rng) for _ in range(count)]
    if section == "lines prose":
        return " ".join(lines)
    text = ("\n\n" if few else "\n").join(lines)
    name, fence = section.split()[1], rng.random()
    if fence < 0.12:
        return f"```{name}\n{text}\n```"
    if fence < 0.25:
        return f"{name}.txt\n```\n{text}\n```"
    return text


def _plain(words: Grammar, level: str, rng: random.Random) -> str:
    return words.draw(level, rng)


def _wish(words: Grammar, level: str, rng: random.Random) -> str:
    """A task of any length with a wish that settles it."""
    task = words.draw("task", rng) if rng.random() < 0.7 else words.draw(rng.choice(LABELS), rng)
    wish = words.draw(f"wish {level}", rng)
    task = task.rstrip("?.! ") if rng.random() < 0.6 else task
    forms = (
        "{0} {1}",
        "{0}, {1}",
        "{0}. {1}.",
        "{0} ({1})",
        "{0}? {1}",
        "{0} - {1}",
        "{1}: {0}",
        "{1}, {0}",
        "{0}\n{1}",
    )
    return rng.choice(forms).format(task, wish)


def _document(words: Grammar, level: str, rng: random.Random) -> str:
    kind = rng.random()
    ask = words.draw(level if kind < 0.12 else f"ask {level}", rng)
    if kind > 0.9 and words.has(f"wish {level}"):
        ask = f"{words.draw(f'ask {rng.choice(LABELS)}', rng).rstrip('?')}, {words.draw(f'wish {level}', rng)}"
    place = rng.random()
    if place < 0.08:
        return f"{ask}:\n\n{document(rng)}"
    if place < 0.2 and words.has("ramble"):
        ask = _lead(words, rng) + ask
    return f"{document(rng)}\n\n{ask}"


def _lead(words: Grammar, rng: random.Random) -> str:
    lead = " ".join(words.draw("ramble", rng) for _ in range(rng.randint(1, 4)))
    return f"{lead} {words.draw('turn', rng)} " if rng.random() < 0.7 else f"{lead} "


def _ramble(words: Grammar, level: str, rng: random.Random) -> str:
    inner = _wish if rng.random() < 0.15 else _plain
    if rng.random() < 0.12:  # the request first, the talk behind it
        return f"{inner(words, level, rng)}. {' '.join(words.draw('ramble', rng) for _ in range(rng.randint(1, 2)))}"
    return _lead(words, rng) + inner(words, level, rng)


def _several(words: Grammar, level: str, rng: random.Random) -> str:
    """Two to four requests whose typical answers together come to `level`."""
    while True:
        levels = rng.choices(LABELS, (3, 4, 1) if level != "low" else (1, 0, 0), k=rng.randint(2, 4))
        total = sum(TYPICAL_TOKENS[each] for each in levels)
        if level == next((name for name, limit in LIMIT_TOKENS.items() if total <= limit), "high"):
            break
    asks = [words.draw(each, rng).rstrip(".") for each in levels]
    style = rng.random()
    if style < 0.2:
        return "\n".join(f"{number}. {ask}" for number, ask in enumerate(asks, 1))
    if style < 0.5 or not words.has("append"):
        return rng.choice((" ", "? ", "\n", ", ")).join(asks)
    return " ".join([asks[0], *(f"{words.draw('append', rng)} {ask}" for ask in asks[1:])])


MAKERS = {"plain": _plain, "wish": _wish, "document": _document, "ramble": _ramble, "several": _several}
NEEDS = {"plain": "low", "wish": "wish low", "document": "ask low", "ramble": "ramble", "several": "low"}


def roughen(text: str, rng: random.Random) -> str:
    """What hasty fingers do: no capitals, no full stop, letters lost, doubled or swapped."""
    text = re.sub(r" +([?.,!]) ", r"\1 ", re.sub(r"(?<=\S)  +", " ", text)).strip()
    text = text.replace(" ?", "?") if rng.random() < 0.7 else text
    text = text[:1].upper() + text[1:] if rng.random() < 0.45 else text
    text = text.rstrip("?.!") or text if rng.random() < 0.3 else text
    text += rng.choice("?.!") if text[-1:].isalnum() and rng.random() < 0.25 else ""
    if rng.random() < 0.15:
        rate = rng.uniform(0.01, 0.06)
        text = "".join(_slip(letter, rng) if letter.isalnum() and rng.random() < rate else letter for letter in text)
        text = re.sub(r"(\w)(\w)\b", r"\2\1", text, count=1) if rng.random() < 0.3 else text
    elif rng.random() < 0.06:
        text = text.replace(" ", "") if re.search("[가-힣]", text) and len(text) < 60 else text.upper()
    return text


def _slip(letter: str, rng: random.Random) -> str:
    return rng.choice(("", letter * 2, rng.choice("aeioustnrl"), letter + rng.choice("aeioustnrl")))


def examples(seed: int, number: int) -> Iterator[Example]:
    """`number` training prompts, the levels in equal shares; the same seed gives the same prompts.

    A prompt that the model is judged on is never among them: where one is drawn, another is drawn instead.
    """
    judged = {normal(each.text) for name in JUDGED for each in read_prompts(CORPUS / name)}
    drawn = (each for each in _drawn(random.Random(seed)) if normal(each.text) not in judged)
    yield from islice(drawn, number)


def normal(text: str) -> str:
    """The text without what does not tell two prompts apart: case and the end's punctuation."""
    return text.casefold().rstrip("?!.~ ")


def _drawn(rng: random.Random) -> Iterator[Example]:
    for index in count():
        level = LABELS[index % 3]
        language = rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        words = grammar(language)
        shape = rng.choices(list(SHAPES), list(SHAPES.values()))[0]
        shape = shape if words.has(NEEDS[shape]) else "plain"
        text = MAKERS[shape](words, level, rng)
        if words.has("before") and rng.random() < 0.25 and shape != "document":
            text = f"{words.draw('before', rng)} {text}"
        if words.has("after") and rng.random() < 0.18:
            text = f"{text}{rng.choice((' ', ', ', '. '))}{words.draw('after', rng)}"
        yield Example(roughen(text, rng), LABELS.index(level), language, shape)


def read_prompts(path: Path) -> list[Example]:
    """The hand-written prompts of a `.tsv` file, each behind the document that it names."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            level, part, kind, language, source, prompt = line.split("\t")
            text = prompt.replace("\\n", "\n")
            if source != "-":
                text = f"{(path.parent / 'heldout' / source).read_text(encoding='utf-8').strip()}\n\n{text}"
            found.append(Example(text, LABELS.index(level), language, kind, part))
    return found
