"""Prompts with their complexity, for training and for judging the built-in classifier.

The training prompts are drawn from the grammar files under ``corpus/classifier/train``; the prompts that judge the
model are written by hand in ``heldout.tsv`` and ``development.tsv``. The rule behind the labels is in the corpus README.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

LABELS = ("low", "medium", "high")
POSITIONS = 512
CORPUS = Path(__file__).parent / "corpus" / "classifier"

LANGUAGES = {"en": 50, "ko": 24, "de": 7, "fr": 7, "es": 7, "it": 4, "pt": 4, "nl": 2}
SHAPES = {"plain": 50, "wish": 14, "document": 16, "ramble": 11, "several": 9}
# Tokens of a typical answer: what several requests in one prompt cost together decides their common level.
TYPICAL_TOKENS = {"low": 25, "medium": 170, "high": 450}
LIMIT_TOKENS = {"low": 100, "medium": 250}

Expand = Callable[[random.Random], str]


@dataclass(frozen=True)
class Example:
    """A prompt and the index of its level in ``LABELS``; ``part`` and ``kind`` group the results."""

    text: str
    label: int
    language: str
    kind: str
    part: str = "train"


def cut(ids: Sequence[int], limit: int = POSITIONS) -> list[int]:
    """Keep the first quarter and the last three quarters of ``limit`` tokens: the question mostly stands last."""
    head = limit // 4
    return list(ids) if len(ids) <= limit else [*ids[:head], *ids[head - limit :]]


class Grammar:
    """Templates of one language, by section: ``(a|b)`` is a choice, ``{name}`` a filler, ``{2..9}`` a number."""

    NONCE_SHARE = 0.12  # topics that no vocabulary knows, lest a topic carries the level

    def __init__(self, folder: Path) -> None:
        self.sections: dict[str, list[str]] = {}
        for path in sorted(folder.glob("*.txt")):
            self._read(path)
        large = self.sections.get("word large", [])
        self.sections["word large_bare"] = [re.sub(r"^(an?|the) ", "", name) for name in large]
        self._compiled = lru_cache(maxsize=None)(self._compile)
        self._weights = {name: [self._weight(line) for line in lines] for name, lines in self.sections.items()}

    def _read(self, path: Path) -> None:
        lines: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if heading := re.fullmatch(r"\[([\w ]+)\]", line):
                lines = self.sections.setdefault(heading[1], [])
                splits = heading[1].startswith("word ")
            elif line.strip() and not line.startswith("# "):
                lines.extend(line.split(" | ") if splits else [line.replace("\\n", "\n").replace("\\t", "\t")])

    @staticmethod
    def _weight(line: str) -> float:
        """A line with many readings comes more often, but not in proportion, lest it drown the others."""
        return float(min(1 + line.count("|") + 3 * line.count("{"), 25) ** 0.5)

    def has(self, section: str) -> bool:
        return bool(self.sections.get(section))

    def draw(self, section: str, rng: random.Random) -> str:
        """One reading of one line of ``section``."""
        line = rng.choices(self.sections[section], self._weights[section])[0]
        return self.expand(line, rng)

    def expand(self, template: str, rng: random.Random) -> str:
        return "".join(part if isinstance(part, str) else part(rng) for part in self._compiled(template))

    def _compile(self, template: str) -> tuple[str | Expand, ...]:
        pieces = re.split(r"(\{[A-Za-z_]+\}|\{\d+\.\.\d+\})", template)
        if "|" in template and (group := _first_choice(template)):
            start, end, options = group
            choice: Expand = lambda rng: self.expand(rng.choice(options), rng)  # noqa: E731
            return (*self._compile(template[:start]), choice, *self._compile(template[end:]))
        return tuple(piece if index % 2 == 0 else self._slot(piece) for index, piece in enumerate(pieces))

    def _slot(self, piece: str) -> str | Expand:
        name = piece[1:-1]
        if ".." in name:
            first, last = map(int, name.split(".."))
            return lambda rng: str(rng.randint(first, last))
        if not self.has(f"word {name}"):
            return piece
        return lambda rng: self._filler(name, rng)

    def _filler(self, name: str, rng: random.Random) -> str:
        fillers = self.sections[f"word {name}"]
        if name == "topic" and rng.random() < self.NONCE_SHARE:
            return nonce(rng, hangul="가" <= fillers[0][0] <= "힣")
        return rng.choice(fillers)


def _first_choice(template: str) -> tuple[int, int, list[str]] | None:
    """The first group of round brackets that holds a bar of its own; others are plain text."""
    for start in (match.start() for match in re.finditer(r"\(", template)):
        depth, bars = 0, [start]
        for index in range(start, len(template)):
            depth += {"(": 1, ")": -1}.get(template[index], 0)
            if template[index] == "|" and depth == 1:
                bars.append(index)
            if depth == 0:
                if len(bars) > 1:
                    ends = [*bars[1:], index]
                    return start, index + 1, [template[a + 1 : b] for a, b in zip(bars, ends, strict=True)]
                break
    return None


def nonce(rng: random.Random, *, hangul: bool) -> str:
    """A word or two that mean nothing."""
    if hangul:
        return "".join(chr(0xAC00 + rng.randrange(11172)) for _ in range(rng.randint(2, 4)))
    syllables = [rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiouy") + rng.choice(["", "n", "r", "s", "l"]) for _ in range(5)]
    word = "".join(syllables[: rng.randint(2, 3)])
    return word if rng.random() < 0.5 else f"{word} {''.join(syllables[3:])}"


@cache
def grammar(name: str) -> Grammar:
    """The grammar in the folder ``name`` of the training corpus."""
    return Grammar(CORPUS / "train" / name)


def document(rng: random.Random) -> str:
    """A log, a table, code or prose, to stand beside a question."""
    words = grammar("documents")
    section = rng.choice([name for name in words.sections if name.startswith(("lines", "blocks"))])
    few = section.startswith("blocks")
    count = rng.randint(1, 5) if few else int(rng.choice((4, 8, 16, 40)) * rng.uniform(0.5, 1.5))
    source = grammar("ko" if section == "lines prose_ko" else "en")
    lines = [source.expand(words.draw(section, rng), rng) for _ in range(count)]
    if section == "lines prose":
        return " ".join(lines)
    text = ("\n\n" if few else "\n").join(lines)
    fence = rng.random()
    if fence < 0.25:
        return f"{'```' + section.split()[1] if fence < 0.12 else section.split()[1] + '.txt' + chr(10) + '```'}\n{text}\n```"
    return text


def _plain(words: Grammar, level: str, rng: random.Random) -> str:
    return words.draw(level, rng)


def _wish(words: Grammar, level: str, rng: random.Random) -> str:
    """A task of any length with a wish that settles it."""
    task = words.draw("task", rng) if rng.random() < 0.7 else words.draw(rng.choice(LABELS), rng)
    wish = words.draw(f"wish {level}", rng)
    task = task.rstrip("?.! ") if rng.random() < 0.6 else task
    forms = ("{0} {1}", "{0}, {1}", "{0}. {1}.", "{0} ({1})", "{0}? {1}", "{0} - {1}", "{1}: {0}", "{1}, {0}", "{0}\n{1}")
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
    """Two to four requests whose typical answers together come to ``level``."""
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


def examples(seed: int, count: int) -> Iterator[Example]:
    """``count`` training prompts, the levels in equal shares; the same seed gives the same prompts."""
    rng = random.Random(seed)
    for index in range(count):
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
    """The hand-written prompts of a ``.tsv`` file, each behind the document that it names."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            level, part, kind, language, source, prompt = line.split("\t")
            text = prompt.replace("\\n", "\n")
            if source != "-":
                text = f"{(path.parent / 'heldout' / source).read_text(encoding='utf-8').strip()}\n\n{text}"
            found.append(Example(text, LABELS.index(level), language, kind, part))
    return found
