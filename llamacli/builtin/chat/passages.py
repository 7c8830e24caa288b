"""Connected texts of several sentences or lines, and what a reader asks about them: `corpus/chat/passages`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from llamacli.builtin.chat.patterns import made_up_word
from llamacli.builtin.chat.records import quoted
from llamacli.builtin.chat.topics import CORPUS_DIR, Corpus
from llamacli.builtin.chat.values import value_of

PASSAGES_DIR = CORPUS_DIR / "passages"
SLOT = re.compile(r"<([a-z]+) ([A-Z])>")


@dataclass
class Line:
    """A sentence or line of a passage, and the questions that it answers."""

    text: str
    questions: list[str] = field(default_factory=list)


@dataclass
class Passage:
    """The lines of a text, whether it is prose, and questions that seem to belong to it and that it does not answer."""

    title: str
    prose: bool
    lines: list[Line] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


def read_passages(path: Path) -> list[Passage]:
    """The passages of a file; raises ValueError with the number of a line that is not of the form.

    `= prose: title` or `= lines: title` begins one, `| text` is a sentence or line, `? a | b` are questions that the
    line before answers, `! a | b` questions that nothing in the text answers. `<kind A>` is a value, drawn anew each
    time and the same throughout the passage; a question may name only values that stand in the text.
    """
    passages: list[Passage] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark, _, text = line.partition(" ")
        try:
            _add(passages, mark, text)
        except (IndexError, ValueError) as error:
            raise ValueError(f"{path.name}:{number}: {line!r}: {error}") from error
    for passage in passages:
        _check(passage, path)
    return passages


def _add(passages: list[Passage], mark: str, text: str) -> None:
    if mark == "=":
        form, _, title = text.partition(": ")
        if form not in ("prose", "lines"):
            raise ValueError("neither prose nor lines")
        passages.append(Passage(title, form == "prose"))
    elif mark == "|":
        passages[-1].lines.append(Line(text))
    elif mark == "?":
        passages[-1].lines[-1].questions += [question.strip() for question in text.split(" | ")]
    elif mark == "!":
        passages[-1].unanswered += [question.strip() for question in text.split(" | ")]
    elif mark and mark != "#":
        raise ValueError("unknown mark")
    for kind, _ in SLOT.findall(text):
        if kind not in KINDS:
            raise ValueError(f"unknown kind of value {kind}")


def _check(passage: Passage, path: Path) -> None:
    known = {slot for line in passage.lines for slot in SLOT.findall(line.text)}
    asked = [question for line in passage.lines for question in line.questions]
    if not asked:
        raise ValueError(f"{path.name}: {passage.title}: no questions")
    for question in asked:
        if unknown := set(SLOT.findall(question)) - known:
            raise ValueError(f"{path.name}: {passage.title}: {question!r} names {unknown}, which the text does not")


def _made_up_name(corpus: Corpus, rng: Random) -> str:
    return made_up_word(corpus, rng).capitalize()


def _of(kind: str) -> Callable[[Corpus, Random], str]:
    return lambda corpus, rng: value_of(kind, corpus, rng)


def _proper(corpus: Corpus, rng: Random) -> str:
    name = corpus.word("name", rng)
    return name if rng.random() < 0.6 else _made_up_name(corpus, rng)


KINDS: dict[str, Callable[[Corpus, Random], str]] = {
    "person": _proper,
    "company": _made_up_name,
    "word": made_up_word,
    "thing": _of("common"),
    "place": _of("common place"),
    "some": lambda _, rng: str(rng.randint(2, 60)),
    "number": lambda _, rng: str(rng.randint(2, 10 ** rng.randint(2, 5))),
    "clock": lambda _, rng: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
    "price": lambda _, rng: f"{rng.randint(1, 10 ** rng.randint(1, 3))}.{rng.choice(('50', '00', '99', '20', '80'))}",
    **{kind: _of(kind) for kind in ("hour", "phone", "code", "file", "date", "year", "version", "email")},
    **{kind: _of(kind) for kind in ("day", "month", "city", "country", "food", "animal", "colour", "hobby", "job")},
}


@cache
def _passages() -> list[Passage]:
    return [passage for path in sorted(PASSAGES_DIR.glob("*.txt")) for passage in read_passages(path)]


def passage_questions(corpus: Corpus, rng: Random, count: int = 1) -> tuple[str, list[tuple[str, str]]]:
    """A text, and questions about it with their answers: each quotes the line that answers, or says that none does."""
    passage = rng.choice(_passages())
    values = _values(passage, corpus, rng)

    def filled(text: str) -> str:
        return SLOT.sub(lambda match: values[match[1], match[2]], text)

    answering = [line for line in passage.lines if line.questions]
    asked = rng.sample(answering, min(count, len(answering)))
    pairs = [(filled(rng.choice(line.questions)), quoted(filled(line.text))) for line in asked]
    if passage.unanswered and rng.random() < 0.12:
        pairs[rng.randrange(len(pairs))] = filled(rng.choice(passage.unanswered)), corpus.word("absent", rng)
    left_out = rng.choice((0.0, 0.0, 0.15, 0.3))
    may_go = [line for line in answering if line not in asked and rng.random() < left_out]  # headings stay
    kept = [filled(line.text) for line in passage.lines if line not in may_go]
    return _joined(kept, passage.prose, rng), pairs


def _joined(lines: list[str], prose: bool, rng: Random) -> str:
    if not prose:
        return "\n".join(lines)
    if rng.random() < 0.6:
        return " ".join(lines)
    return "".join(line + rng.choice((" ", "\n", "\n", "\n\n")) for line in lines).rstrip()


def _values(passage: Passage, corpus: Corpus, rng: Random) -> dict[tuple[str, str], str]:
    """A value for each slot of a passage, no two alike where the kind has enough."""
    texts = [line.text for line in passage.lines] + passage.unanswered
    values: dict[tuple[str, str], str] = {}
    for slot in dict.fromkeys(slot for text in texts for slot in SLOT.findall(text)):
        for _ in range(8):
            values[slot] = KINDS[slot[0]](corpus, rng)
            if list(values.values()).count(values[slot]) == 1:
                break
    return values
