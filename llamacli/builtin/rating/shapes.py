"""The shapes of a training prompt: a request by itself, with a wish, a document, talk or other requests around it."""

import random
from collections.abc import Callable, Sequence

from llamacli.builtin.rating.documents import document
from llamacli.builtin.rating.grammar import Grammar

LABELS = ("low", "medium", "high")
SHAPES = {"plain": 44, "wish": 15, "document": 19, "ramble": 13, "several": 9}
# Tokens of a typical answer: what several requests in one prompt cost together decides their common level.
TYPICAL_TOKENS = {"low": 25, "medium": 170, "high": 450}
LIMIT_TOKENS = {"low": 100, "medium": 250}
# Tokens of a list's answer for each point, by what is listed and the remark that is wished for; and the totals that
# belong to a level, with gaps between them where people do not agree.
POINT_TOKENS = {
    "names": {"": 5, "bare": 4, "sentence": 34, "long": 95},
    "points": {"": 24, "short": 15, "sentence": 34, "long": 95},
}
LIST_TOKENS = {"low": (0, 70), "medium": (95, 240), "high": (290, 10_000)}
LIST_LENGTHS = (*range(2, 13), 5, 10, 15, 20, 25, 30, 40, 50, 100)


def level_of(tokens: float) -> str:
    """The level of an answer of that many tokens."""
    return next((name for name, limit in LIMIT_TOKENS.items() if tokens <= limit), "high")


def framed(words: Grammar, level: str, rng: random.Random, about: str = "") -> str:
    """A core that decides the level ("how an airbag works") in a frame that does not ("could you tell me ...")."""
    kind = rng.choice(("q", "do", "do", "np"))
    core = words.draw(f"{about}{kind} {level}", rng)
    return core if rng.random() < 0.1 else words.draw(f"frame {kind}", rng).replace("<core>", core)


def listed(words: Grammar, level: str, rng: random.Random) -> str:
    """A wish for a list whose length and remarks come to `level`."""
    least, most = LIST_TOKENS[level]
    while True:
        kind, number = rng.choice(("names", "points")), rng.choice(LIST_LENGTHS)
        remark, cost = rng.choice(list(POINT_TOKENS[kind].items()))
        if least <= number * cost <= most:
            break
    numerals = words.sections["word numeral"]
    count = numerals[number - 1] if number <= len(numerals) and rng.random() < 0.5 else str(number)
    ask = words.draw("list ask", rng).replace("<n>", count).replace("<things>", words.draw(f"list {kind}", rng))
    return ask + (words.draw(f"list remark {remark}", rng) if remark else "")


def request(words: Grammar, level: str, rng: random.Random) -> str:
    """One request of `level` with nothing around it."""
    form = rng.random()
    if form < 0.3 and words.has("frame q"):
        return framed(words, level, rng)
    if form < 0.38 and words.has("list ask"):
        return listed(words, level, rng)
    return words.draw(level, rng)


def wish(words: Grammar, level: str, rng: random.Random) -> str:
    """A task of any length with a wish that settles it."""
    task = words.draw("task", rng) if rng.random() < 0.6 else request(words, rng.choice(LABELS), rng)
    length = words.draw(f"wish {level}", rng)
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
    return rng.choice(forms).format(task, length)


def with_document(words: Grammar, level: str, rng: random.Random) -> str:
    """A document and what is asked about it, mostly behind it."""
    ask, place = _ask(words, level, rng), rng.random()
    if place < 0.12:
        return f"{ask}{rng.choice((':', '', '.', '?'))}{rng.choice((chr(10), chr(10) * 2))}{document(rng)}"
    if place < 0.24 and words.has("ramble"):
        ask = _lead(words, rng) + ask
    return (
        f"{document(rng)}{rng.choice((chr(10) * 2, chr(10) * 2, chr(10) * 2, chr(10), f'{chr(10)}---{chr(10)}'))}{ask}"
    )


def _ask(words: Grammar, level: str, rng: random.Random) -> str:
    form = rng.random()
    if form < 0.1:
        return request(words, level, rng)
    if form < 0.22 and words.has(f"wish {level}"):
        task = words.draw(f"ask {rng.choice(LABELS)}", rng).rstrip("?")
        return f"{task}{rng.choice((' ', ', '))}{words.draw(f'wish {level}', rng)}"
    if form < 0.6 and words.has("doc q low"):
        return framed(words, level, rng, "doc ")
    return words.draw(f"ask {level}", rng)


def _lead(words: Grammar, rng: random.Random) -> str:
    """One to six sentences that ask for nothing, run together as people do."""
    said = [words.draw("ramble", rng).rstrip(".") for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 6)))]
    joins = (
        rng.choice(((". ",), (", ",), (". ", ", ", " and ", "... ", "! ", "\n"))) if words.has("frame q") else (". ",)
    )
    lead = "".join(f"{each}{rng.choice(joins)}" for each in said[:-1]) + said[-1] + rng.choice((". ", ". ", ", ", "\n"))
    return f"{lead}{words.draw('turn', rng)} " if rng.random() < 0.55 else lead


def ramble(words: Grammar, level: str, rng: random.Random) -> str:
    """A request behind a talk, or before it."""
    inner = (wish if rng.random() < 0.12 and words.has("wish low") else request)(words, level, rng)
    if rng.random() < 0.12:
        return f"{inner}. {' '.join(words.draw('ramble', rng) for _ in range(rng.randint(1, 3)))}"
    return _lead(words, rng) + inner


def several(words: Grammar, level: str, rng: random.Random) -> str:
    """Two to four requests whose typical answers together come to `level`."""
    while True:
        levels = rng.choices(LABELS, (3, 4, 1) if level != "low" else (1, 0, 0), k=rng.choice((2, 2, 2, 3, 3, 4)))
        if level == level_of(sum(TYPICAL_TOKENS[each] for each in levels)):
            break
    asks = [words.draw(levels[0], rng).rstrip("."), *_more(words, levels[1:], rng)]
    style = rng.random()
    if style < 0.2:
        mark = rng.choice(("{}. ", "{}) ", "({}) ", "- "))
        return "\n".join(mark.format(number) + ask for number, ask in enumerate(asks, 1))
    if style < 0.55 or not words.has("append"):
        return rng.choice((" ", "? ", "? ", "\n", ", ", " and ")).join(asks)
    return " ".join([asks[0], *(f"{words.draw('append', rng)} {ask}" for ask in asks[1:])])


def _more(words: Grammar, levels: Sequence[str], rng: random.Random) -> list[str]:
    """Further requests: new ones, or ones that ask on about the same thing ("and how does it work")."""
    on = words.has("follow low") and rng.random() < 0.5
    return [words.draw(f"follow {each}" if on else each, rng).rstrip(".") for each in levels]


Maker = Callable[[Grammar, str, random.Random], str]
MAKERS: dict[str, Maker] = {
    "plain": request,
    "wish": wish,
    "document": with_document,
    "ramble": ramble,
    "several": several,
}
NEEDS = {"plain": "low", "wish": "wish low", "document": "ask low", "ramble": "ramble", "several": "low"}


def prompt(words: Grammar, level: str, shape: str, rng: random.Random) -> str:
    """A prompt of `level` in `shape`, with the courtesies that people put around it."""
    text = MAKERS[shape](words, level, rng)
    if words.has("before") and rng.random() < 0.25 and shape != "document":
        text = f"{words.draw('before', rng)} {text}"
    if words.has("after") and rng.random() < 0.2:
        text = f"{text}{rng.choice((' ', ', ', '. '))}{words.draw('after', rng)}"
    return text
