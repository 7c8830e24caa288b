"""The templates that the classifier's training prompts are drawn from, and how they are filled."""

import random
import re
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

TEMPLATES = Path(__file__).parent.parent / "corpus" / "classifier" / "train"

Expand = Callable[[random.Random], str]


class Grammar:
    """Templates of one language, by section: `(a|b)` is a choice, `{name}` a filler, `{2..9}` a number.

    A filler may hold choices and fillers itself.
    """

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
        """Whether there is anything in `section`."""
        return bool(self.sections.get(section))

    def draw(self, section: str, rng: random.Random) -> str:
        """One reading of one line of `section`."""
        line = rng.choices(self.sections[section], self._weights[section])[0]
        return self.expand(line, rng)

    def expand(self, template: str, rng: random.Random) -> str:
        """One reading of `template`."""
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
        return self.expand(rng.choice(fillers), rng)


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
    syllables = [
        rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiouy") + rng.choice(["", "n", "r", "s", "l"]) for _ in range(5)
    ]
    word = "".join(syllables[: rng.randint(2, 3)])
    return word if rng.random() < 0.5 else f"{word} {''.join(syllables[3:])}"


@cache
def grammar(name: str) -> Grammar:
    """The grammar in the folder `name` of the training corpus."""
    return Grammar(TEMPLATES / name)
