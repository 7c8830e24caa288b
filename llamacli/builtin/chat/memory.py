"""Conversations in which something is said early and asked for later."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat.patterns import Corpus, made_up_word
from llamacli.builtin.chat.values import korean_name, person, value_of

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
_WEIGHTS |= {"pet": 3, "noun": 9, "count": 2, "이름": 3, "도시": 2, "나이": 1, "동물": 1}
_TOGETHER = {"name": ("age", "home"), "이름": ("도시", "나이")}  # kinds that one sentence tells: list "name age"


def _noun(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A value and a thing of one's own that has it."""
    noun, kind = corpus.pick("noun", rng)
    chance = rng.random()
    if chance < 0.12:
        noun, kind = made_up_word(corpus, rng), rng.choice(("word", "int", "colour", "name"))
    elif chance < 0.2:
        noun = f"{corpus.word('common', rng)} {rng.choice(('number', 'code', 'name', 'colour'))}"
        kind = {"number": "int", "code": "code", "name": "name", "colour": "colour"}[noun.split()[-1]]
    return value_of(kind, corpus, rng), noun


def _value_and_noun(key: str, corpus: Corpus, rng: Random) -> tuple[str, str]:
    if key == "noun":
        return _noun(corpus, rng)
    if key == "pet":
        return person(corpus, rng), corpus.word(rng.choice(("animal", "animal", "colleague")), rng)
    if key == "이름":
        return korean_name(corpus, rng), ""
    if key == "도시":
        return corpus.word("korean city", rng), ""
    if key == "count":
        return corpus.word("few", rng), corpus.word("countable", rng)
    if key == "동물":
        return korean_name(corpus, rng), corpus.word("동물", rng)
    if key in ("age", "나이"):
        return str(rng.randint(5, 99)), ""
    if key == "like":
        return value_of(rng.choice(("food", "hobby", "colour", "word")), corpus, rng), ""
    kinds = {"name": "name", "home": "city", "origin": "city", "job": "job", "number": "int", "word": "word"}
    return value_of(kinds[key], corpus, rng), ""


def make_fact(corpus: Corpus, rng: Random, key: str = "") -> Fact:
    """A fact of a kind, or of any."""
    key = key or _kind(rng)
    value, noun = _value_and_noun(key, corpus, rng)
    return _fact(corpus, rng, key, value, noun)


def _fact(corpus: Corpus, rng: Random, key: str, value: str, noun: str) -> Fact:
    said, shown, asked, told = (
        corpus.word(f"{key} {role}", rng).format(x=value, n=noun) for role in ("told", "noted", "asked", "answer")
    )
    return Fact(f"{key} {noun}".strip(), value, said, shown, asked, told)


def _changed(corpus: Corpus, rng: Random, old: Fact) -> Fact:
    """The same thing with another value, of the same kind if that is known."""
    key, _, noun = old.key.partition(" ")
    kinds = dict(item for item in corpus.lists["noun"] if len(item) == 2)
    if key != "noun":
        value = _value_and_noun(key, corpus, rng)[0]
    elif noun in kinds:
        value = value_of(kinds[noun], corpus, rng)
    else:
        value = value_of("int" if old.value.isdigit() else "word", corpus, rng)
    return _fact(corpus, rng, key, value, noun)


def _kind(rng: Random) -> str:
    return rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]


def never_told(corpus: Corpus, rng: Random, known: set[str]) -> Turn | None:
    """A question about something that was not said, if the draw finds one."""
    key = _kind(rng)
    fact = make_fact(corpus, rng, key)
    noun = fact.key.removeprefix(key).strip()
    told = {other.partition(" ") for other in known}
    if any(kind == key and (not noun or about == noun) for kind, _, about in told):
        return None
    if noun and any(noun in about or about in noun for _, _, about in told if about):
        return None
    if noun in ("name", "age", "city", "job", "word", "number", "surname", "nickname", "last name"):
        return None
    return fact.question, corpus.word(f"{key} missing", rng).format(n=noun)


def _tell(corpus: Corpus, rng: Random, facts: dict[str, Fact], used: set[str]) -> Turn:
    """A statement of one or two new facts, or the correction of an old one."""
    if facts and rng.random() < 0.3:
        fact = _changed(corpus, rng, rng.choice(list(facts.values())))
        facts[fact.key] = fact
        return corpus.word("again", rng).format(s=fact.statement), fact.acknowledgement
    fact = make_fact(corpus, rng)
    if (fact.key.split()[0] in used and not fact.key.startswith(("noun", "pet", "count"))) or fact.key in facts:
        return fact.question, facts[fact.key].answer if fact.key in facts else fact.answer
    facts[fact.key] = fact
    used.add(fact.key.split()[0])
    if fact.key in _TOGETHER and rng.random() < 0.4:
        return _told_together(corpus, rng, fact, facts, used)
    if rng.random() < 0.25 and fact.statement.isascii():
        other = make_fact(corpus, rng)
        if other.key.split()[0] not in used and other.statement.isascii():
            facts[other.key] = other
            used.add(other.key.split()[0])
            joiner = rng.choice((" and ", " and ", ", ", ". ", ", and "))
            return fact.statement + joiner + other.statement, f"{fact.acknowledgement} {other.acknowledgement}"
    return fact.statement, fact.acknowledgement


def _told_together(corpus: Corpus, rng: Random, fact: Fact, facts: dict[str, Fact], used: set[str]) -> Turn:
    """A name with an age or a home in one sentence."""
    other = make_fact(corpus, rng, rng.choice(_TOGETHER[fact.key]))
    if other.key in used:
        return fact.statement, fact.acknowledgement
    facts[other.key] = other
    used.add(other.key)
    statement = corpus.word(f"{fact.key} {other.key}", rng).format(x=fact.value, y=other.value)
    return statement, f"{fact.acknowledgement} {other.acknowledgement}"


def _both(corpus: Corpus, rng: Random, facts: dict[str, Fact]) -> Turn | None:
    """Two facts asked for at once, if two are known that have a short name."""
    known = [key for key in facts if f"{key.split()[0]} thing" in corpus.lists]
    if len(known) < 2:
        return None
    keys = rng.sample(known, 2)
    names = [corpus.word(f"{key.split()[0]} thing", rng).format(n=key.partition(" ")[2]) for key in keys]
    question = corpus.word("two asked", rng).format(a=names[0], b=names[1])
    if rng.random() < 0.2:
        question = " and ".join(
            corpus.word(f"{key.split()[0]} asked", rng).format(n=key.partition(" ")[2]) for key in keys
        )
    return question, " ".join(facts[key].answer for key in keys)


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
    if 0.22 < chance < 0.45:
        both = _both(corpus, rng, facts)
        if both:
            return both
    if chance < 0.22:
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
