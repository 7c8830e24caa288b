"""Single things that a person tells and asks back: the value, and how it is said, noted, asked for and answered."""

from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat.patterns import Corpus, made_up_word
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
WEIGHTS = {"name": 5, "age": 2, "home": 2, "origin": 1, "job": 1, "like": 1, "number": 2, "word": 2}
WEIGHTS |= {"pet": 3, "noun": 10, "count": 2, "이름": 3, "도시": 2, "나이": 1, "동물": 1}
_VALUES = {"name": "name", "home": "city", "origin": "city", "job": "job", "number": "int", "word": "word"}
_SPELLINGS = (("favourite", "favorite"), ("colour", "color"))


def british(text: str) -> str:
    """The text in British spelling and lower case, so that both spellings of a thing are one."""
    for here, there in _SPELLINGS:
        text = text.replace(there, here)
    return text.lower()


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
    return value_of(_VALUES[key], corpus, rng), ""


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
        _wording(corpus, rng, key, role, noun).format(x=value, n=noun) for role in ("told", "noted", "asked", "answer")
    )
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
