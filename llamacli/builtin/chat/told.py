"""Single things that a person tells and asks back: the value, and how it is said, noted, asked for and answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat.patterns import made_up_word
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import korean_name, person, value_of


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
WEIGHTS: dict[str, float] = {"name": 5, "age": 2, "home": 2, "origin": 1, "job": 1, "like": 1, "number": 2, "word": 2}
WEIGHTS |= {"pet": 3, "noun": 12, "count": 2, "task": 2, "their-home": 1, "their-age": 1, "their-job": 1}
WEIGHTS |= {"이름": 3, "도시": 2, "나이": 1, "동물": 1}
WEIGHTS |= dict.fromkeys(("visit", "event", "place", "places", "shopping", "undertaking", "trip", "dislike"), 1)
WEIGHTS |= dict.fromkeys(("depart", "price", "venue", "duty", "port", "closing", "address", "learning", "reading"), 0.5)
WEIGHTS |= dict.fromkeys(("fear", "vehicle", "broken", "lost", "bought", "wake", "diet", "speak", "wish"), 0.5)
WEIGHTS |= dict.fromkeys(("their-back", "their-town", "their-like", "their-birthday", "their-company"), 0.6)
WEIGHTS |= dict.fromkeys(("their-pet", "their-visit", "their-debt", "their-allergy", "their-subject"), 0.5)
_VALUES = {"name": "name", "home": "city", "origin": "city", "job": "job", "number": "int", "word": "word"}
_VALUES |= {"trip": "city", "reading": "book", "fear": "fright", "vehicle": "car make", "broken": "appliance"}
_VALUES |= {"lost": "belonging", "bought": "purchase", "wake": "hour", "diet": "diet", "wish": "ambition"}
# Kinds of something that somebody else has or does: the list of who or what it is, and the kind of the value.
_OF_OTHERS = {
    "their-home": ("relative", "city"),
    "their-job": ("relative", "job"),
    "their-birthday": ("relative", "date"),
    "their-company": ("relative", "word"),
    "their-pet": ("relative", "animal"),
    "their-visit": ("relative", "day"),
    "their-allergy": ("relative", "allergen"),
    "their-subject": ("relative", "subject studied"),
    "their-town": ("name", "city"),
    "their-debt": ("name", "amount"),
    "depart": ("ride", "hour"),
    "price": ("ware", "amount"),
    "venue": ("gathering", "venue"),
    "duty": ("responsibility", "person"),
    "closing": ("shop", "hour"),
}
_SPELLINGS = (("favourite", "favorite"), ("colour", "color"))


def british(text: str) -> str:
    """The text in British spelling and lower case, so that both spellings of a thing are one."""
    for here, there in _SPELLINGS:
        text = text.replace(there, here)
    return text.lower()


def with_articles(text: str) -> str:
    """The text with `an` before vowels: of what is filled in."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def as_yours(value: str) -> str:
    """The value as the model says it: what is in "my bag" is in "your bag"."""
    return re.sub(r"(?<![\w-])my (?=\w)", "your ", value)


def _american(text: str) -> str:
    for here, there in _SPELLINGS:
        text = text.replace(here, there)
    return text


def _noun(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A value and a thing of one's own that has it."""
    noun, kind = corpus.pick("noun", rng)
    chance = rng.random()
    if chance < 0.1:
        noun, kind = made_up_word(corpus, rng), rng.choice(("word", "int", "colour", "name"))
    elif chance < 0.18:
        noun = f"{corpus.word('common', rng)} {rng.choice(('number', 'code', 'name', 'colour'))}"
        kind = {"number": "int", "code": "code", "name": "name", "colour": "colour"}[noun.split()[-1]]
    return value_of(kind, corpus, rng), noun


def _task(corpus: Corpus, rng: Random) -> str:
    """Something that a person has to do: `water the plants`, or with a value, `call Anna`."""
    task, *kind = corpus.pick("errand", rng)
    return f"{task} {value_of(kind[0], corpus, rng)}" if kind else task


def _liked(corpus: Corpus, rng: Random) -> str:
    return value_of(rng.choice(("food", "food", "hobby", "drink")), corpus, rng)


def _moment(corpus: Corpus, rng: Random) -> str:
    """A day and an hour, as people say them."""
    form = rng.choice(("on {d} at {h}", "on {d} at {h}", "{d} at {h}", "{d} {h}", "tomorrow at {h}", "on {d}",
                       "next {d} at {h}", "on {t}", "on {t} at {h}", "today at {h}", "this {d} at {h}"))  # fmt: skip
    values = {key: value_of(kind, corpus, rng) for key, kind in (("d", "day"), ("h", "hour"), ("t", "date"))}
    return form.format(**values)


def _spot(corpus: Corpus, rng: Random) -> str:
    """Where a thing lies; sometimes where nobody would put it, so that only copying gets it right."""
    if rng.random() < 0.65:
        return corpus.word("spot", rng)
    where = rng.choice(("in", "on", "under", "behind", "next to", "inside", "on top of"))
    return f"{where} the {corpus.word(rng.choice(('common', 'belonging', 'appliance')), rng)}"


def _groceries(corpus: Corpus, rng: Random) -> str:
    """Two to four things to buy, each once."""
    bought = [corpus.word(rng.choice(("grocery", "grocery", "food")), rng) for _ in range(rng.choice((2, 3, 3, 4)))]
    return _listed(list(dict.fromkeys(bought)))


def _undertaking(corpus: Corpus, rng: Random) -> str:
    if rng.random() < 0.6:
        return corpus.word("undertaking", rng)
    made = rng.choice(("a game", "an app", "a website", "a tool", "a book", "a program", "a report", "a paper"))
    return f"{made} {rng.choice(('about', 'about', 'for'))} {corpus.word(rng.choice(('common', 'hobby', 'food')), rng)}"


def _listed(things: list[str]) -> str:
    """`milk, eggs and bread`."""
    *most, last = things
    return f"{', '.join(most)} and {last}" if most else last


# A value and what has it ("" for the person who talks), for the kinds that are no list of their own.
_MAKERS: dict[str, Callable[[Corpus, Random], tuple[str, str]]] = {
    "noun": _noun,
    "pet": lambda corpus, rng: (
        person(corpus, rng),
        corpus.word(rng.choice(("animal", "animal", "colleague")), rng),
    ),
    "count": lambda corpus, rng: (corpus.word("few", rng), corpus.word("countable", rng)),
    "age": lambda _, rng: (str(rng.randint(5, 99)), ""),
    "like": lambda corpus, rng: (value_of(rng.choice(("food", "hobby", "colour", "word")), corpus, rng), ""),
    "task": lambda corpus, rng: (_task(corpus, rng), ""),
    "their-age": lambda corpus, rng: (str(rng.randint(1, 95)), corpus.word("relative", rng)),
    "their-like": lambda corpus, rng: (_liked(corpus, rng), corpus.word("relative", rng)),
    "their-back": lambda corpus, rng: (value_of(rng.choice(("day", "day", "date")), corpus, rng), person(corpus, rng)),
    "dislike": lambda corpus, rng: (_liked(corpus, rng), ""),
    "visit": lambda corpus, rng: (_moment(corpus, rng), corpus.word("visited", rng)),
    "event": lambda corpus, rng: (_moment(corpus, rng), corpus.word("occasion", rng)),
    "place": lambda corpus, rng: (_spot(corpus, rng), corpus.word("belonging", rng)),
    "places": lambda corpus, rng: (_spot(corpus, rng), corpus.word("belongings", rng)),
    "shopping": lambda corpus, rng: (_groceries(corpus, rng), ""),
    "undertaking": lambda corpus, rng: (_undertaking(corpus, rng), ""),
    "learning": lambda corpus, rng: (value_of(rng.choice(("tongue", "hobby", "language")), corpus, rng), ""),
    "port": lambda corpus, rng: (
        str(rng.choice((80, 443, 3000, 8080, rng.randint(1024, 65535)))),
        corpus.word("daemon", rng),
    ),
    "address": lambda corpus, rng: (f"{rng.randint(1, 250)} {corpus.word('road', rng)}", ""),
    "speak": lambda corpus, rng: (_listed([corpus.word("tongue", rng) for _ in range(rng.choice((2, 2, 3)))]), ""),
    "이름": lambda corpus, rng: (korean_name(corpus, rng), ""),
    "도시": lambda corpus, rng: (corpus.word("korean city", rng), ""),
    "나이": lambda _, rng: (str(rng.randint(5, 99)), ""),
    "동물": lambda corpus, rng: (korean_name(corpus, rng), corpus.word("동물", rng)),
}


def _value_and_noun(key: str, corpus: Corpus, rng: Random) -> tuple[str, str]:
    if key in _OF_OTHERS:
        who, kind = _OF_OTHERS[key]
        return value_of(kind, corpus, rng), value_of(who, corpus, rng)
    return _MAKERS[key](corpus, rng) if key in _MAKERS else (value_of(_VALUES[key], corpus, rng), "")


def make_fact(corpus: Corpus, rng: Random, key: str = "") -> Fact:
    """A fact of a kind, or of any; a key that is no kind names the thing itself, such as `birthday`."""
    key = key or random_kind(rng)
    if key not in WEIGHTS:
        return _fact(corpus, rng, "noun", value_of(_kinds(corpus)[key], corpus, rng), key)
    value, noun = _value_and_noun(key, corpus, rng)
    return _fact(corpus, rng, key, value, noun)


def random_kind(rng: Random) -> str:
    """A kind of fact, as often as its weight says."""
    return rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]


def _kinds(corpus: Corpus) -> dict[str, str]:
    return {item[0]: item[1] for item in corpus.lists["noun"]}


def _wording(corpus: Corpus, rng: Random, key: str, role: str, noun: str) -> str:
    """A sentence for the kind; a thing may have lists of its own ("my birthday told"), or those of its values."""
    lists = [f"{key} {role}"]
    if key == "noun":
        own = (f"my {british(noun)} {role}", f"any {_kinds(corpus).get(noun)} {role}")
        lists += [name for name in own if name in corpus.lists]
    return corpus.word(rng.choice(lists), rng)


def _fact(corpus: Corpus, rng: Random, key: str, value: str, noun: str) -> Fact:
    said, shown, asked, told = (
        _wording(corpus, rng, key, role, noun).format(x=shown_as, n=noun)
        for role, shown_as in (
            ("told", value),
            ("noted", as_yours(value)),
            ("asked", value),
            ("answer", as_yours(value)),
        )
    )
    said, shown, asked, told = map(with_articles, (said, shown, asked, told))
    if rng.random() < 0.15:
        asked = _american(asked)
    return Fact(f"{key} {noun}".strip(), value, said, shown, asked, told)


def changed(corpus: Corpus, rng: Random, old: Fact) -> Fact:
    """The same thing with another value, of the same kind if that is known."""
    key, _, noun = old.key.partition(" ")
    if key != "noun":
        value = _value_and_noun(key, corpus, rng)[0]
    elif noun in _kinds(corpus):
        value = value_of(_kinds(corpus)[noun], corpus, rng)
    else:
        value = value_of("int" if old.value.isdigit() else "word", corpus, rng)
    return _fact(corpus, rng, key, value, noun)


def asked_for(corpus: Corpus, rng: Random, fact: Fact) -> str:
    """A question for the fact, in any of its wordings."""
    key, _, noun = fact.key.partition(" ")
    question = _wording(corpus, rng, key, "asked", noun).format(n=noun)
    return framed(corpus, rng, "asking", question, 0.25)


def framed(corpus: Corpus, rng: Random, frames: str, text: str, chance: float) -> str:
    """English text with something said before or after it, sometimes."""
    if rng.random() >= chance or not text.isascii():
        return text
    return corpus.word(frames, rng).format(s=text.rstrip("?"))
