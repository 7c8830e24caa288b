"""The topic files of the chat corpus: lists of things, and topics, which are questions that share an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random

CORPUS_DIR = Path(__file__).parent.parent / "corpus" / "chat"
QUESTION_FILES = (
    "development",
    "development_second",
    "development_third",
    "held_out",
    "held_out_second",
)  # questions for the evaluation, never for training

LONGEST = 5
"""Words of the longest phrase for which others may stand."""

FRAMES = {
    "o": "about",
    "v": "value",
    "s": "shell do",
    "k": "shell ask",
    "g": "git do",
    "p": "python do",
    "q": "python ask",
    "plain": "python plain",
}
"""The list of frames that each macro puts around a wording."""
MACROS = {"h", *FRAMES}

Item = tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """Questions that share one answer. A question is a pair: its macro ("" for none) and its pattern.

    The plainest wordings come first: `plain` tells how many, and all of them where there are no others.
    """

    name: str
    weight: float
    questions: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    plain: int | None = None


@dataclass
class Corpus:
    """Every list and topic; `files` maps a file's stem to its topics."""

    lists: dict[str, list[Item]] = field(default_factory=dict)
    files: dict[str, list[Topic]] = field(default_factory=dict)

    def pick(self, name: str, rng: Random) -> Item:
        """One item of a list; the first part is the thing, the second what belongs to it."""
        return rng.choice(self.lists[name])

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """For a word, or a phrase of up to `LONGEST` words, those that may stand in its place."""
        groups = [item[0].split("|") for item in self.lists["alike"]]
        return {word: [other for group in groups if word in group for other in group if other != word]
                for group in groups for word in group}  # fmt: skip

    def word(self, name: str, rng: Random) -> str:
        """The first part of an item of a list."""
        return self.pick(name, rng)[0]


def load_corpus(directory: Path = CORPUS_DIR) -> Corpus:
    """Reads every topic file of a directory; one called `NAME.PART.txt` adds wordings to the topics of `NAME.txt`."""
    corpus = Corpus()
    for path in sorted(directory.glob("*.txt"), key=lambda path: ("." in path.stem, path.name)):
        if path.stem not in QUESTION_FILES:
            _read(path, corpus)
    return corpus


def _with_wordings(topics: list[Topic], more: list[Topic]) -> list[Topic]:
    added = {topic.name: topic.questions for topic in more}
    if unknown := added.keys() - {topic.name for topic in topics}:
        raise ValueError(f"wordings for topics that do not exist: {sorted(unknown)}")
    return [
        replace(
            topic,
            questions=topic.questions + added.get(topic.name, ()),
            plain=len(topic.questions) if topic.plain is None else topic.plain,
        )
        for topic in topics
    ]


def _read(path: Path, corpus: Corpus) -> None:
    topics: list[Topic] = []
    listing = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  ") and listing:
            corpus.lists[listing].append(_item(line))
        elif line.startswith("@"):
            listing, _, items = line[1:].partition(":")
            corpus.lists[listing] = [_item(item) for item in items.split("; ") if item.strip()]
        elif line.startswith("["):
            name, _, weight = line[1:].partition("]")
            topics.append(Topic(name, float(weight.strip(" *") or 1), (), ()))
        elif line.startswith(("?", "!")):
            topics[-1] = _extended(topics[-1], line)
    base, _, part = path.stem.partition(".")
    corpus.files[base] = _with_wordings(corpus.files[base], topics) if part else topics


def _item(text: str) -> Item:
    return tuple(part.strip() for part in text.split(" = ", 1))


def _extended(topic: Topic, line: str) -> Topic:
    head, _, text = line.partition(" ")
    if head == "!":
        return replace(topic, answers=(*topic.answers, text))
    macro = head[1:]
    if macro and macro not in MACROS:
        raise ValueError(f"unknown macro in the corpus: {line}")
    return replace(topic, questions=(*topic.questions, (macro, text)))


def choose_topic(corpus: Corpus, shares: Mapping[str, float], rng: Random) -> Topic:
    """A topic of a file drawn by its share, and within the file by the topic's weight."""
    stem = rng.choices(list(shares), weights=list(shares.values()))[0]
    topics = corpus.files[stem]
    return rng.choices(topics, weights=[topic.weight for topic in topics])[0]
