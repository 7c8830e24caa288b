"""Conversations in which something is said early and asked for later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat_patterns import Corpus, made_up_word

Turn = tuple[str, str]
Filler = Callable[[Random], Turn]


@dataclass(frozen=True)
class Fact:
    """Something told: the thing, how it is said and acknowledged, how it is asked for, and the answer."""

    key: str
    value: str
    statement: str
    acknowledgement: str
    question: str
    answer: str


# How often each kind is told; the sentences of a kind are lists of the corpus ("name told", "name asked", ...).
_WEIGHTS = {"name": 5, "age": 2, "home": 2, "origin": 1, "job": 1, "like": 1, "number": 2, "word": 2}
_WEIGHTS |= {"pet": 2, "noun": 8, "이름": 3, "도시": 1}
_KOREAN_FAMILIES = "김이박최정강조윤장임한오서신권황안송류홍"


def person(corpus: Corpus, rng: Random) -> str:
    """A first name: from the list or made up, sometimes in lower case, sometimes with a surname."""
    name = corpus.word("name", rng) if rng.random() < 0.35 else made_up_word(corpus, rng).capitalize()
    if rng.random() < 0.1:
        name += " " + made_up_word(corpus, rng).capitalize()
    return name.lower() if rng.random() < 0.2 else name


def value_of(kind: str, corpus: Corpus, rng: Random) -> str:
    """A value of a kind such as ``name``, ``int``, ``date``, ``word`` or any list of the corpus."""
    if kind == "name":
        return person(corpus, rng)
    if kind == "int":
        return str(rng.randint(0, 10 ** rng.randint(1, 6)))
    if kind == "date":
        return f"{rng.randint(1, 28)} {corpus.word('month', rng)}"
    if kind == "file":
        return f"{made_up_word(corpus, rng)}.{corpus.word('ext', rng)}"
    if kind == "word":
        joined = rng.choice(("", "-", "_")).join(made_up_word(corpus, rng) for _ in range(rng.choice((1, 1, 2))))
        return joined + (str(rng.randint(0, 99)) if rng.random() < 0.2 else "")
    if kind in ("city", "colour", "food", "animal", "hobby") and rng.random() < 0.2:
        return made_up_word(corpus, rng).capitalize() if kind == "city" else made_up_word(corpus, rng)
    return corpus.word(kind, rng)


def _korean_name(corpus: Corpus, rng: Random) -> str:
    """A Korean name: from the list, of its syllables, or of any two Hangul syllables; sometimes with a family name."""
    chance = rng.random()
    if chance < 0.1:
        return person(corpus, rng)
    name = corpus.word("koname", rng)
    if chance < 0.5:
        name = name[0] + corpus.word("koname", rng)[-1]
    elif chance < 0.75:
        name = "".join(chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(2))
    return rng.choice(_KOREAN_FAMILIES) + name if rng.random() < 0.3 else name


def _value_and_noun(key: str, corpus: Corpus, rng: Random) -> tuple[str, str]:
    if key == "noun":
        noun, kind = corpus.pick("noun", rng)
        if rng.random() < 0.12:
            noun, kind = made_up_word(corpus, rng), rng.choice(("word", "int", "colour", "name"))
        return value_of(kind, corpus, rng), noun
    if key == "pet":
        return person(corpus, rng), corpus.word(rng.choice(("animal", "animal", "colleague")), rng)
    if key == "이름":
        return _korean_name(corpus, rng), ""
    if key == "도시":
        return corpus.word("korean city", rng), ""
    if key == "age":
        return str(rng.randint(5, 99)), ""
    if key == "like":
        return value_of(rng.choice(("food", "hobby", "colour", "word")), corpus, rng), ""
    kinds = {"name": "name", "home": "city", "origin": "city", "job": "job", "number": "int", "word": "word"}
    return value_of(kinds[key], corpus, rng), ""


def make_fact(corpus: Corpus, rng: Random, key: str = "") -> Fact:
    """A fact of a kind, or of any."""
    key = key or _kind(rng)
    value, noun = _value_and_noun(key, corpus, rng)
    said, shown, asked, told = (
        corpus.word(f"{key} {role}", rng).format(x=value, n=noun) for role in ("told", "noted", "asked", "answer")
    )
    return Fact(f"{key} {noun}".strip(), value, said, shown, asked, told)


def _kind(rng: Random) -> str:
    return rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]


def never_told(corpus: Corpus, rng: Random, known: set[str]) -> Turn | None:
    """A question about something that was not said, if the draw finds one."""
    key = _kind(rng)
    fact = make_fact(corpus, rng, key)
    if fact.key in known or any(key in other.split() for other in known):
        return None
    noun = fact.key.removeprefix(key).strip()
    return fact.question, corpus.word(f"{key} missing", rng).format(n=noun)


def _tell(corpus: Corpus, rng: Random, facts: dict[str, Fact], used: set[str]) -> Turn:
    """A statement of one or two new facts, or the correction of an old one."""
    if facts and rng.random() < 0.2:
        key = rng.choice(list(facts))
        fact = make_fact(corpus, rng, key.split()[0])
        if fact.key == key:
            facts[key] = fact
            return corpus.word("again", rng).format(s=fact.statement), fact.acknowledgement
    fact = make_fact(corpus, rng)
    if (fact.key.split()[0] in used and not fact.key.startswith(("noun", "pet"))) or fact.key in facts:
        return fact.question, facts[fact.key].answer if fact.key in facts else fact.answer
    facts[fact.key] = fact
    used.add(fact.key.split()[0])
    if rng.random() < 0.2 and fact.statement.isascii():
        other = make_fact(corpus, rng)
        if other.key.split()[0] not in used and other.statement.isascii():
            facts[other.key] = other
            used.add(other.key.split()[0])
            joiner = rng.choice((" and ", " and ", ", ", ". ", ", and "))
            return fact.statement + joiner + other.statement, f"{fact.acknowledgement} {other.acknowledgement}"
    return fact.statement, fact.acknowledgement


def conversation(corpus: Corpus, rng: Random, filler: Filler, *, longest: int = 12) -> list[Turn]:
    """A conversation that tells things, talks of others, and asks for what was told and for what was not."""
    facts: dict[str, Fact] = {}
    used: set[str] = set()
    turns: list[Turn] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        turns += [filler(rng) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
        turns.append(_tell(corpus, rng, facts, used))
    turns += [filler(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5, longest)))]
    for _ in range(rng.choice((1, 1, 2, 3))):
        turns.append(_recall(corpus, rng, facts, turns))
    return turns


def _recall(corpus: Corpus, rng: Random, facts: dict[str, Fact], turns: list[Turn]) -> Turn:
    chance = rng.random()
    if chance < 0.15:
        missing = never_told(corpus, rng, set(facts))
        if missing:
            return missing
    if chance > 0.93 and turns:
        first = rng.random() < 0.5
        said = turns[0 if first else -1][0]
        if len(said) < 80 and "\n" not in said:
            return corpus.word("first message" if first else "last message", rng), f'You said: "{said}"'
    fact = rng.choice(list(facts.values()))
    kind, _, noun = fact.key.partition(" ")
    return corpus.word(f"{kind} asked", rng).format(n=noun), fact.answer


def told_at_once(corpus: Corpus, rng: Random) -> Turn:
    """A statement and the question for it in one message."""
    told = [make_fact(corpus, rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    wanted = rng.choice(told)
    if sum(fact.key == wanted.key for fact in told) > 1:
        told = [wanted]
    joiner = rng.choice((". ", ", ", " and ", ".\n", "\n", "; "))
    return joiner.join([*(fact.statement for fact in told), wanted.question]), wanted.answer
