"""Turns the patterns of a topic into a question and its answer."""

import re
import string
from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.topics import FRAMES, Corpus, Item, Topic

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([^<>.]+)(\.2)?>")
_BLOCK = re.compile(r"```\w+\n(.*?)\n```", re.DOTALL)

Bindings = dict[str, Item]


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
    if name in ("randword", "randword two"):
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
    "price": lambda rng: f"{rng.randint(0, 40)}.{rng.choice((0, 5, rng.randint(0, 9)))}{rng.choice((0, 0, 5, 9))}",
    "clock": lambda rng: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
    "phone": lambda rng: f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
    "some": lambda rng: str(rng.randint(2, 60)),
    "port": lambda rng: rng.choice(("80", "3000", "5000", "8000", "8080", str(rng.randint(1024, 65535)))),
    "commit": lambda rng: f"{rng.getrandbits(28):07x}",
    "serial": made_up_code,
    "mash": lambda rng: "".join(rng.choice("asdfghjklqwertyuiopzxcvbnm") for _ in range(rng.randint(4, 12))),
}


PLAIN = 0.3
"""How often the plainest wordings of a topic are drawn, however many others it has: people use them most."""


def ask(topic: Topic, corpus: Corpus, rng: Random) -> tuple[str, str]:
    """One question of a topic, in one of its wordings, and its answer."""
    question, answer, _ = drawn(topic, corpus, rng)
    return question, answer


def drawn(topic: Topic, corpus: Corpus, rng: Random) -> tuple[str, str, Bindings]:
    """As `ask`, and what was put into the slots."""
    bound: Bindings = {}
    questions = topic.questions[: topic.plain] if rng.random() < PLAIN else topic.questions
    macro, pattern = rng.choices(questions, weights=[_wordings(pattern) for _, pattern in questions])[0]
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
    if macro in FRAMES:
        return corpus.word(FRAMES[macro], rng).replace("%", text)
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
