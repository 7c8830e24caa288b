"""Conversations in Korean in which something is said early and asked for later."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat.hangul import particles, typed
from llamacli.builtin.chat.patterns import made_up_code, made_up_word
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import korean_name, value_of

Turn = tuple[str, str]
Filler = Callable[[Random], Turn]

_NAME, _HOME, _AGE, _THING = "나의 이름", "사는 곳", "나의 나이", "나의 것"
_WEIGHTS = {_NAME: 6, "숫자": 4, _HOME: 3, _AGE: 2, "나의 직업": 1, _THING: 7}


@dataclass(frozen=True)
class Told:
    """A kind of thing, the thing, and the value that was told for it."""

    kind: str
    noun: str
    value: str

    @property
    def key(self) -> tuple[str, str]:
        """What is told, without its value: a later value replaces an earlier one."""
        return self.kind, self.noun

    def said(self, role: str, corpus: Corpus, rng: Random) -> str:
        """A sentence of a role: told, noted, asked, answer or missing."""
        return particles(corpus.word(f"{self.kind} {role}", rng).format(x=self.value, n=self.noun), rng)


def _number(rng: Random) -> str:
    return str(rng.randint(0, 10 ** rng.randint(1, 6)))


_VALUES: dict[str, Callable[[Corpus, Random], str]] = {
    "이름": korean_name,
    "수": lambda _, rng: _number(rng),
    "낱말": lambda corpus, rng: korean_name(corpus, rng) if rng.random() < 0.3 else made_up_word(corpus, rng),
    "전화": lambda _, rng: f"010-{rng.randint(0, 9999):04}-{rng.randint(0, 9999):04}",
    "부호": lambda _, rng: made_up_code(rng),
    "날짜": lambda _, rng: f"{rng.randint(1, 12)}월 {rng.randint(1, 28)}일",
    "시간": lambda _, rng: f"{rng.choice(('오전', '오후'))} {rng.randint(1, 12)}시",
}
_LISTS = {"색": "색깔들", "음식": "음식들", "과일": "과일들", "짐승": "짐승들", "계절": "계절들", "요일": "요일들"}
_LISTS |= {"취미": "취미들", "혈액형": "혈액형들", "도시": "도시들"}


def _value(sort: str, corpus: Corpus, rng: Random) -> str:
    return corpus.word(_LISTS[sort], rng) if sort in _LISTS else _VALUES[sort](corpus, rng)


def told(corpus: Corpus, rng: Random, kind: str = "", noun: str = "") -> Told:
    """Something to tell, of a kind and a noun or of any."""
    kind = kind or rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    if kind == _THING:
        nouns = dict(item for item in corpus.lists["것"] if len(item) == 2)
        noun = noun or rng.choice(list(nouns))
        return Told(kind, noun, _value(nouns[noun], corpus, rng))
    if kind == _HOME:
        return Told(kind, "", corpus.word("도시들", rng) if rng.random() < 0.8 else value_of("city", corpus, rng))
    if kind == _AGE:
        return Told(kind, "", str(rng.randint(5, 99)))
    if kind == _NAME:
        return Told(kind, "", korean_name(corpus, rng))
    return Told(kind, "", _number(rng) if kind == "숫자" else corpus.word("직업들", rng))


def missing(corpus: Corpus, rng: Random, known: dict[tuple[str, str], Told]) -> Turn | None:
    """A question about something that was not said, if the draw finds one."""
    wanted = told(corpus, rng)
    if any(_near(wanted.key, key) for key in known):
        return None
    return wanted.said("asked", corpus, rng), wanted.said("missing", corpus, rng)


def _near(*keys: tuple[str, str]) -> bool:
    """Whether two things might be taken for each other: of one kind and with one last word, or both a number."""
    (kind, noun), (other, about) = keys
    if "숫자" in (kind, other) and all(text.endswith(("숫자", "번호")) for text in (noun or kind, about or other)):
        return True
    return kind == other and noun.split()[-1:] == about.split()[-1:]


def _tell(corpus: Corpus, rng: Random, known: dict[tuple[str, str], Told]) -> Turn:
    if known and rng.random() < 0.25:
        kind, noun = rng.choice(list(known))
        new = told(corpus, rng, kind, noun)
        known[new.key] = new
        said = corpus.word("다시 말하기", rng).format(s=new.said("told", corpus, rng))
        return said, new.said("noted", corpus, rng)
    new = told(corpus, rng)
    known[new.key] = new
    if new.kind == _NAME and rng.random() < 0.25:
        other = told(corpus, rng, rng.choice((_HOME, _AGE)))
        known[other.key] = other
        said = corpus.word(f"{_NAME}과 {other.kind}", rng).format(x=new.value, y=other.value)
        noted = f"{new.said('noted', corpus, rng)} {other.said('noted', corpus, rng)}"
        return particles(said, rng), noted
    return new.said("told", corpus, rng), new.said("noted", corpus, rng)


def _recall(corpus: Corpus, rng: Random, known: dict[tuple[str, str], Told]) -> Turn:
    chance = rng.random()
    if chance < 0.2:
        turn = missing(corpus, rng, known)
        if turn:
            return _asked(turn, corpus, rng)
    if chance > 0.9 and len(known) > 1:
        first, second = rng.sample(list(known.values()), 2)
        questions = (each.said("asked", corpus, rng) for each in (first, second))
        question = corpus.word("둘 다", rng).format(**dict(zip("ab", questions, strict=True)))
        return question, f"{first.said('answer', corpus, rng)} {second.said('answer', corpus, rng)}"
    one = rng.choice(list(known.values()))
    return _asked((one.said("asked", corpus, rng), one.said("answer", corpus, rng)), corpus, rng)


def _asked(turn: Turn, corpus: Corpus, rng: Random) -> Turn:
    return typed(turn[0], corpus, rng), turn[1]


def korean_conversation(corpus: Corpus, rng: Random, filler: Filler) -> list[Turn]:
    """A conversation that tells things, talks of others, and asks for what was told and for what was not."""
    known: dict[tuple[str, str], Told] = {}
    turns: list[Turn] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        turns += [filler(rng) for _ in range(rng.choice((0, 0, 0, 1)))]
        turns.append(_tell(corpus, rng, known))
    turns += [filler(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5)))]
    return turns + [_recall(corpus, rng, known) for _ in range(rng.choice((1, 1, 2, 3)))]


def korean_told_at_once(corpus: Corpus, rng: Random) -> Turn:
    """A statement and the question for it in one message."""
    one = told(corpus, rng)
    joiner = rng.choice((". ", ", ", ".\n", "\n", "! "))
    return one.said("told", corpus, rng) + joiner + one.said("asked", corpus, rng), one.said("answer", corpus, rng)
