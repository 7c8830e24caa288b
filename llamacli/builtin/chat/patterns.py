"""Reads the topic files of the chat corpus and turns their patterns into questions and answers."""

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random

CORPUS_DIR = Path(__file__).parent.parent / "corpus" / "chat"
QUESTION_FILES = (
    "development",
    "development_second",
    "held_out",
    "held_out_second",
)  # questions for the evaluation, never for training

LONGEST = 5

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([^<>.]+)(\.2)?>")
_FRAMES = {
    "o": "about",
    "v": "value",
    "s": "shell do",
    "k": "shell ask",
    "g": "git do",
    "p": "python do",
    "q": "python ask",
    "plain": "python plain",
}
_MACROS = {"h", *_FRAMES}
_BLOCK = re.compile(r"```\w+\n(.*?)\n```", re.DOTALL)

Item = tuple[str, ...]
Bindings = dict[str, Item]


@dataclass(frozen=True)
class Topic:
    """Questions that share one answer. A question is a pair: its macro ("" for none) and its pattern."""

    name: str
    weight: float
    questions: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]


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


def made_up_word(corpus: Corpus, rng: Random) -> str:
    """A word that means nothing, so that only copying gets it right: of letters, of two halves, or of syllables."""
    chance = rng.random()
    if chance < 0.1:
        return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randint(3, 8)))
    if chance < 0.45:
        head, tail = (corpus.word(rng.choice(("name", "common", "city")), rng).lower() for _ in range(2))
        return head[: rng.randint(2, 5)].strip() + tail[-rng.randint(2, 4) :].strip()
    parts = [corpus.word("onset", rng) + corpus.word("vowel", rng) for _ in range(rng.choice((1, 2, 2, 2, 3)))]
    return "".join(parts) + (corpus.word("coda", rng) if rng.random() < 0.9 else "")


def made_up_code(rng: Random) -> str:
    """An order number, a serial number or a PIN: letters and digits that only copying gets right."""

    def some(characters: str, least: int, most: int) -> str:
        return "".join(rng.choice(characters) for _ in range(rng.randint(least, most)))

    letters = some(string.ascii_uppercase, 1, 3)
    digits = some(string.digits, 2, 6)
    form = rng.randrange(6)
    if form < 3:
        return letters + ("-", "", "-")[form] + digits
    if form == 3:
        return f"{letters}{digits[0]}{some(string.ascii_uppercase, 1, 2)}-{digits}"
    if form == 4:
        return f"{digits}-{letters}"
    return some(string.ascii_uppercase + string.digits, 5, 8)


def fill(pattern: str, corpus: Corpus, rng: Random, bound: Bindings, *, choices: bool) -> str:
    """Replaces every `<slot>` of a pattern, remembering it in `bound`; with `choices` also every `{a|b}`."""

    def choose(match: re.Match[str]) -> str:
        return str(rng.choice(match[1].split("|")))

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in bound:
            item = _draw(name, corpus, rng)
            if item is None:
                return match[0]
            bound[name] = item
        part = bound[name][1 if match[2] else 0]
        return str(rng.choice(part.split("|"))) if choices and "|" in part and not match[2] else part

    while choices and _CHOICE.search(pattern):
        pattern = _CHOICE.sub(choose, pattern)
    return _SLOT.sub(put, pattern)


def _draw(name: str, corpus: Corpus, rng: Random) -> Item | None:
    if name == "randword":
        return (made_up_word(corpus, rng),)
    if name == "randname":
        return (made_up_word(corpus, rng).capitalize(),)
    if name == "person name":
        return (corpus.word("name", rng) if rng.random() < 0.5 else made_up_word(corpus, rng).capitalize(),)
    if name == "stem":
        return (corpus.word("file stem", rng) if rng.random() < 0.5 else made_up_word(corpus, rng),)
    if name in _NUMBERS:
        return (_NUMBERS[name](rng),)
    return corpus.pick(name, rng) if name in corpus.lists else None


_NUMBERS: dict[str, Callable[[Random], str]] = {
    "bignum": lambda rng: str(rng.randint(200, 10 ** rng.randint(3, 6))),
    "number": lambda rng: str(rng.randint(1, 10 ** rng.randint(1, 4))),
    "hour": lambda rng: rng.choice(("{}", "{}:30", "{}:00", "{} am", "{} pm", "{}:15", "{} o'clock")).format(
        rng.randint(1, 12)
    ),
    "some": lambda rng: str(rng.randint(2, 60)),
    "port": lambda rng: rng.choice(("80", "3000", "5000", "8000", "8080", str(rng.randint(1024, 65535)))),
    "commit": lambda rng: f"{rng.getrandbits(28):07x}",
    "serial": made_up_code,
    "mash": lambda rng: "".join(rng.choice("asdfghjklqwertyuiopzxcvbnm") for _ in range(rng.randint(4, 12))),
}


def ask(topic: Topic, corpus: Corpus, rng: Random) -> tuple[str, str]:
    """One question of a topic, in one of its wordings, and its answer."""
    question, answer, _ = drawn(topic, corpus, rng)
    return question, answer


def drawn(topic: Topic, corpus: Corpus, rng: Random) -> tuple[str, str, Bindings]:
    """As `ask`, and what was put into the slots."""
    bound: Bindings = {}
    macro, pattern = rng.choices(topic.questions, weights=[_wordings(pattern) for _, pattern in topic.questions])[0]
    text = fill(pattern, corpus, rng, bound, choices=True)
    if macro in ("p", "q") and _goes_without_saying(topic, text, corpus) and rng.random() < 0.45:
        macro = "plain" if macro == "p" else ""
    text = _expand_macro(macro, text, corpus, rng)
    answer = fill(rng.choice(topic.answers), corpus, rng, bound, choices=False)
    return " ".join(text.split()), _layout(answer), bound


def _goes_without_saying(topic: Topic, text: str, corpus: Corpus) -> bool:
    """Whether people leave out the word Python, since only a programming language has such things."""
    return (topic.name,) in corpus.lists["python alone"] and text.count(" ") > 1


def _wordings(pattern: str) -> float:
    """How often a pattern is drawn: the more choices it holds, the more, but not in proportion."""
    return float((1 + pattern.count("|")) ** 0.5)


def _expand_macro(macro: str, text: str, corpus: Corpus, rng: Random) -> str:
    if macro == "h":
        if rng.random() < 0.25:
            return f"{corpus.word('which', rng)} {text.replace('~', 's') if '~' in text else 'lets me ' + text}"
        return f"{corpus.word('how', rng)} {text.replace('~', '')}"
    if macro in _FRAMES:
        return corpus.word(_FRAMES[macro], rng).replace("%", text)
    return text


def _layout(answer: str) -> str:
    """`text $$ command $$ text` puts the command into a fenced block; `%%` marks Python."""
    for mark, language in (("$$", "sh"), ("%%", "python")):
        if f" {mark} " in answer:
            before, code, *after = answer.split(f" {mark} ")
            answer = "\n".join([before, f"```{language}", code, "```", *after])
    return answer.replace("\\n", "\n")


def code_of(answer: str) -> str:
    """What stands in the fenced block of an answer; "" without one."""
    block = _BLOCK.search(answer)
    return block[1] if block else ""


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
    return [replace(topic, questions=topic.questions + added.get(topic.name, ())) for topic in topics]


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
        return Topic(topic.name, topic.weight, topic.questions, (*topic.answers, text))
    macro = head[1:]
    if macro and macro not in _MACROS:
        raise ValueError(f"unknown macro in the corpus: {line}")
    return Topic(topic.name, topic.weight, (*topic.questions, (macro, text)), topic.answers)


def choose_topic(corpus: Corpus, shares: Mapping[str, float], rng: Random) -> Topic:
    """A topic of a file drawn by its share, and within the file by the topic's weight."""
    stem = rng.choices(list(shares), weights=list(shares.values()))[0]
    topics = corpus.files[stem]
    return rng.choices(topics, weights=[topic.weight for topic in topics])[0]
