"""Conversations in which something is said early and asked for later."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from string import Formatter

from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.told import Fact, asked_for, british, changed, framed, make_fact, random_kind, with_articles
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import value_of

Turn = tuple[str, str]
Filler = Callable[[Random], Turn]

_SEVERAL = {"noun", "pet", "count"}  # kinds of which one conversation may tell several


@dataclass
class Known:
    """What a conversation has told: the newest fact of each key, and the one told in the last turn, if just one."""

    facts: dict[str, Fact] = field(default_factory=dict)
    last: Fact | None = None

    def add(self, fact: Fact) -> None:
        """Takes a fact in; it replaces an older one of its key."""
        self.facts[fact.key] = fact

    def is_new(self, fact: Fact) -> bool:
        """Whether nothing told so far is of the same kind, or about the same thing."""
        kind, _, noun = fact.key.partition(" ")
        told = {key.partition(" ")[::2] for key in self.facts}
        if kind.startswith("their-"):
            return fact.key not in self.facts
        if kind not in _SEVERAL:
            return all(kind != other for other, _ in told)
        return not any(_same(noun, about) for other, about in told if about and not other.startswith("their-"))


def _same(one: str, other: str) -> bool:
    """Whether two things may be asked for with the same words, as a dog and a dog's name."""
    one, other = british(one), british(other)
    return one.startswith(other) or other.startswith(one)


def never_told(corpus: Corpus, rng: Random, known: set[str]) -> Turn | None:
    """A question about something that was not said, if the draw finds one."""
    key = random_kind(rng)
    fact = make_fact(corpus, rng, key)
    noun = british(fact.key.removeprefix(key).strip())
    told = {british(other).partition(" ") for other in known}
    if any(kind == key and (not noun or about == noun) for kind, _, about in told):
        return None
    if noun and any(noun in about or about in noun for _, _, about in told if about):
        return None
    if noun in ("name", "age", "city", "job", "word", "number", "surname", "nickname", "last name"):
        return None
    missing = corpus.word(f"{key} missing", rng).format(n=fact.key.partition(" ")[2])
    return framed(corpus, rng, "asking", fact.question, 0.25), missing


def _tell(corpus: Corpus, rng: Random, known: Known, filler: Filler) -> Turn:
    """A statement of one or more new facts, or the correction of an old one."""
    if known.facts and rng.random() < 0.4:
        return _correct(corpus, rng, known)
    if rng.random() < 0.2:
        together = _told_together(corpus, rng, known)
        if together:
            return together
    fact = make_fact(corpus, rng)
    if not known.is_new(fact):
        return _correct(corpus, rng, known)
    known.add(fact)
    known.last = fact
    said = framed(corpus, rng, "aside", fact.statement, 0.25)
    if rng.random() < 0.2 and said.isascii():
        return _with_more(corpus, rng, known, filler, said)
    return said, fact.acknowledgement


def _with_more(corpus: Corpus, rng: Random, known: Known, filler: Filler, said: str) -> Turn:
    """A statement with a second one, or with a question of another kind, which is then answered."""
    fact, known.last = known.last, None
    assert fact is not None
    other = make_fact(corpus, rng)
    if rng.random() < 0.35:
        question, answer = filler(rng)
        if question.isascii() and "\n" not in question:
            return said.rstrip(".!") + rng.choice((". ", ", ", ". ", "! ")) + question, answer
    elif known.is_new(other) and other.statement.isascii():
        known.add(other)
        joiner = rng.choice((" and ", " and ", ", ", ". ", ", and ", ", also "))
        return said + joiner + other.statement, f"{fact.acknowledgement} {other.acknowledgement}"
    known.last = fact
    return said, fact.acknowledgement


def _correct(corpus: Corpus, rng: Random, known: Known) -> Turn:
    """A new value for something told: the newest wins. What was just said may be corrected by its value alone."""
    just_said = known.last if rng.random() < 0.7 else None
    old = just_said or rng.choice(list(known.facts.values()))
    fact = changed(corpus, rng, old)
    korean = not fact.statement.isascii()
    if just_said and not korean and old.key != "task" and old.value != fact.value and rng.random() < 0.7:
        said = corpus.word("amended", rng).format(x=fact.value, o=old.value)
    else:
        said = corpus.word("다시" if korean else "again", rng).format(s=fact.statement)
    known.add(fact)
    known.last = fact
    return said, fact.acknowledgement


def _told_together(corpus: Corpus, rng: Random, known: Known) -> Turn | None:
    """Several facts in one sentence, whose places are named by their keys, if none of them was told before."""
    sentence = corpus.word("together", rng)
    keys = [name for _, name, _, _ in Formatter().parse(sentence) if name and not name.endswith(" noun")]
    facts = {key: make_fact(corpus, rng, key) for key in keys}
    if not all(known.is_new(fact) for fact in facts.values()):
        return None
    known.last = None
    values = {key: fact.value for key, fact in facts.items()}
    values |= {f"{key} noun": fact.key.partition(" ")[2] for key, fact in facts.items()}
    for fact in facts.values():
        known.add(fact)
    said = framed(corpus, rng, "aside", with_articles(sentence.format(**values)), 0.15)
    return said, " ".join(fact.acknowledgement for fact in facts.values())


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
    known = Known()
    turns: list[Turn] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        between = [filler(rng) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
        known.last = None if between else known.last
        turns += [*between, _tell(corpus, rng, known, filler)]
    turns += [filler(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5, longest)))]
    for _ in range(rng.choice((1, 1, 2, 3))):
        turns.append(_recall(corpus, rng, known.facts, turns))
    return turns


def _recall(corpus: Corpus, rng: Random, facts: dict[str, Fact], turns: list[Turn]) -> Turn:
    chance = rng.random()
    if 0.22 < chance < 0.42:
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
        if len(said) < 120 and "\n" not in said:
            return corpus.word("first message" if first else "last message", rng), f'You said: "{said}"'
    if chance > 0.89 and len(facts) < 4:
        return corpus.word("all asked", rng), " ".join(fact.answer for fact in facts.values())
    fact = rng.choice(list(facts.values()))
    return asked_for(corpus, rng, fact), fact.answer


def told_at_once(corpus: Corpus, rng: Random) -> Turn:
    """A statement and the question for it in one message."""
    told = [make_fact(corpus, rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    wanted = rng.choice(told)
    if sum(fact.key == wanted.key for fact in told) > 1:
        told = [wanted]
    joiner = rng.choice((". ", ", ", " and ", ".\n", "\n", "; "))
    return joiner.join([*(fact.statement for fact in told), wanted.question]), wanted.answer


def under_system_prompt(corpus: Corpus, rng: Random, filler: Filler) -> tuple[str, list[Turn]]:
    """A system prompt that is followed, and the turns after it: it names the model, or wants Korean."""
    if rng.random() < 0.3:
        english, korean = corpus.pick("answered in Korean", rng)
        topics = {topic.name: topic for file in corpus.files.values() for topic in file}
        said = ask(topics[english], corpus, rng)[0]
        return corpus.word("system korean", rng), [(said, ask(topics[korean], corpus, rng)[1])]
    name = value_of("name", corpus, rng)
    turns = [filler(rng) for _ in range(rng.choice((0, 0, 1, 2)))]
    turns.append((corpus.word("system name asked", rng), f"My name is {name}."))
    return corpus.word("system name", rng).format(x=name), turns
