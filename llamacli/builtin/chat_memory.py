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


_KINDS: dict[str, tuple[list[str], list[str], list[str], str, str]] = {
    # key: statements, acknowledgements, questions, answer, answer if it was never told
    "name": (
        ["my name is {x}", "i am {x}", "i'm {x}", "call me {x}", "hi, i am {x}", "hello, my name is {x}", "{x} is my name",
         "you can call me {x}", "hello i'm {x}", "this is {x}", "name's {x}", "my first name is {x}", "they call me {x}",
         "i am called {x}", "people call me {x}", "hey, it's {x}", "hi! {x} here", "remember my name, it is {x}"],
        ["Nice to meet you, {x}!", "Hello {x}, nice to meet you!"],
        ["what is my name", "who am i", "what's my name", "do you remember my name", "tell me my name", "say my name",
         "do you know my name", "what was my name", "what am i called", "how am i called", "my name?",
         "what is my name again", "can you remember who i am", "which name did i give you", "do you still know my name",
         "what did i say my name was", "what do you call me", "how do you call me", "what should you call me",
         "by what name do you know me", "what is the name i gave you", "who is talking to you"],
        "Your name is {x}.", "You have not told me your name."),
    "age": (
        ["i am {x} years old", "i'm {x} years old", "my age is {x}", "i am {x}", "i turned {x}", "i'm {x} now"],
        ["Noted: you are {x} years old."],
        ["how old am i", "what is my age", "do you remember how old i am", "my age?", "tell me my age", "what age am i"],
        "You are {x} years old.", "You have not told me your age."),
    "home": (
        ["i live in {x}", "i am living in {x}", "my home is in {x}", "i moved to {x}", "i'm based in {x}"],
        ["Noted: you live in {x}."],
        ["where do i live", "which city do i live in", "what city do i live in", "do you remember where i live",
         "where is my home", "in which town do i live", "where am i living", "where do i live?", "what is my city",
         "where did i say i live", "my city?", "tell me where i live", "which place do i live in"],
        "You live in {x}.", "You have not told me where you live."),
    "origin": (
        ["i am from {x}", "i come from {x}", "i'm from {x}", "i was born in {x}", "i grew up in {x}"],
        ["Noted: you are from {x}."],
        ["where am i from", "where do i come from", "which city am i from", "do you know where i am from",
         "where was i born"],
        "You are from {x}.", "You have not told me where you are from."),
    "job": (
        ["i am a {x}", "i work as a {x}", "my job is {x}", "i'm a {x}", "i work as {x}", "by profession i am a {x}"],
        ["Noted: you work as a {x}."],
        ["what is my job", "what do i do", "what do i work as", "what is my profession", "do you remember my job",
         "what do i do for a living"],
        "You work as a {x}.", "You have not told me your job."),
    "like": (
        ["i like {x}", "i love {x}", "i really like {x}", "i enjoy {x}", "i am fond of {x}"],
        ["Noted: you like {x}."],
        ["what do i like", "what did i say i like", "do you remember what i like", "tell me what i like", "what do i love",
         "what do i enjoy"],
        "You like {x}.", "You have not told me what you like."),
    "number": (
        ["remember the number {x}", "the number is {x}", "please remember {x}", "keep the number {x} in mind",
         "my number is {x}", "note the number {x}", "remember this number: {x}", "store {x}"],
        ["I will remember the number {x}."],
        ["what was the number", "which number did i tell you", "what is the number", "what number should you remember",
         "tell me the number", "what is my number", "do you remember the number", "the number?", "which number was it",
         "what number did i give you", "say the number", "which number do you keep in mind"],
        "The number is {x}.", "You have not told me a number."),
    "word": (
        ["remember the word {x}", "the word is {x}", "the secret word is {x}", "keep the word {x} in mind",
         "please remember the word {x}", "note this word: {x}", "the magic word is {x}"],
        ["I will remember the word {x}."],
        ["what was the word", "which word did i tell you", "what is the word", "what word should you remember",
         "tell me the word", "do you remember the word", "what is the secret word", "the word?", "which word was it",
         "which word did you have to remember", "what word did i give you", "say the word", "which word do you keep in mind"],
        "The word is {x}.", "You have not told me a word."),
    "pet": (
        ["i have a {n} called {x}", "i have a {n} named {x}", "my {n} is called {x}", "my {n} is named {x}",
         "i own a {n}, it is called {x}", "we have a {n} and its name is {x}", "my {n}'s name is {x}"],
        ["What a nice name: {x}!"],
        ["what is my {n} called", "what is the name of my {n}", "how is my {n} called", "what's my {n}'s name",
         "do you remember the name of my {n}", "what is my {n}'s name", "my {n} is called what"],
        "Your {n} is called {x}.", "You have not told me the name of your {n}."),
    "noun": (
        ["my {n} is {x}", "my {n} is {x}", "the {n} is {x}", "remember that my {n} is {x}", "note: my {n} is {x}",
         "{x} is my {n}", "please remember my {n}: {x}", "by the way, my {n} is {x}", "my {n} happens to be {x}"],
        ["Noted: your {n} is {x}."],
        ["what is my {n}", "what's my {n}", "what was my {n}", "tell me my {n}", "do you remember my {n}", "my {n}?",
         "which {n} did i tell you", "what is the name of my {n}", "what did i tell you about my {n}", "say my {n}", "do you know my {n}", "what did i say about my {n}", "can you tell me my {n}",
         "remind me of my {n}", "who is my {n}", "what is the {n}", "which one is my {n}"],
        "Your {n} is {x}.", "You have not told me your {n}."),
    "이름": (
        ["내 이름은 {x}이야", "제 이름은 {x}입니다", "나는 {x}이야", "저는 {x}입니다", "나는 {x}야", "저는 {x}예요", "내 이름은 {x}야",
         "제 이름은 {x}이에요", "안녕하세요, {x}입니다", "안녕, 나는 {x}라고 해"],
        ["반가워요, {x}님!"],
        ["내 이름이 뭐야", "제 이름이 뭐예요", "내 이름 기억해", "내가 누구야", "내 이름은", "제 이름을 기억하나요", "내 이름이 뭐였지",
         "제가 누구죠", "내 이름 뭐라고 했지"],
        "이름은 {x}입니다.", "아직 이름을 말하지 않았어요."),
    "도시": (
        ["나는 {x}에 살아", "저는 {x}에 살아요", "저는 {x}에 삽니다", "나 {x}에 살고 있어"],
        ["네, {x}에 사시는군요."],
        ["내가 어디에 살지", "저는 어디에 살아요", "내가 사는 곳은 어디야", "내가 어디 산다고 했지", "제가 사는 곳이 어디예요"],
        "{x}에 살고 있어요.", "아직 어디에 사는지 말하지 않았어요."),
}  # fmt: skip
_WEIGHTS = {"name": 5, "noun": 8, "pet": 2, "number": 2, "word": 2, "age": 2, "home": 2, "이름": 3, "도시": 1}
_AGAIN = ["actually {s}", "no, {s}", "sorry, {s}", "correction: {s}", "i was wrong, {s}", "wait, {s}", "now {s}", "update: {s}"]
_KOREAN_CITIES = "서울 부산 대구 인천 광주 대전 울산 수원 제주 강릉 전주 춘천 포항 창원 경주 여수".split()
_KOREAN_FAMILIES = "김이박최정강조윤장임한오서신권황안송류홍"
_FIRST = ["what did i ask first", "what was my first question", "what was my first message", "what did i say first",
          "repeat my first message", "how did our conversation begin", "what did i write at the beginning"]  # fmt: skip
_LAST = ["what did i just say", "what was my last message", "repeat what i said", "what did i say before this",
         "what was my previous message", "what did i just ask", "what was my previous question"]  # fmt: skip


def person(corpus: Corpus, rng: Random) -> str:
    """A first name: from the list or made up, sometimes in lower case, sometimes with a surname."""
    name = corpus.word("name", rng) if rng.random() < 0.4 else made_up_word(rng).capitalize()
    if rng.random() < 0.1:
        name += " " + made_up_word(rng).capitalize()
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
        return f"{made_up_word(rng)}.{corpus.word('ext', rng)}"
    if kind == "word":
        joined = rng.choice(("", "-", "_")).join(made_up_word(rng) for _ in range(rng.choice((1, 1, 2))))
        return joined + (str(rng.randint(0, 99)) if rng.random() < 0.2 else "")
    if kind in ("city", "colour", "food", "animal", "hobby") and rng.random() < 0.2:
        return made_up_word(rng).capitalize() if kind == "city" else made_up_word(rng)
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
            noun, kind = made_up_word(rng), rng.choice(("word", "int", "colour", "name"))
        return value_of(kind, corpus, rng), noun
    if key == "pet":
        return person(corpus, rng), corpus.word(rng.choice(("animal", "animal", "colleague")), rng)
    if key == "이름":
        return _korean_name(corpus, rng), ""
    if key == "도시":
        return rng.choice(_KOREAN_CITIES), ""
    if key == "age":
        return str(rng.randint(5, 99)), ""
    if key == "like":
        return value_of(rng.choice(("food", "hobby", "colour", "word")), corpus, rng), ""
    kinds = {"name": "name", "home": "city", "origin": "city", "job": "job", "number": "int", "word": "word"}
    return value_of(kinds[key], corpus, rng), ""


def make_fact(corpus: Corpus, rng: Random, key: str = "") -> Fact:
    """A fact of a kind, or of any."""
    kinds = list(_KINDS)
    key = key or rng.choices(kinds, weights=[_WEIGHTS.get(kind, 1) for kind in kinds])[0]
    value, noun = _value_and_noun(key, corpus, rng)
    statements, acknowledgements, questions, answer, _ = _KINDS[key]
    said, shown, asked, told = (
        rng.choice(texts).format(x=value, n=noun) for texts in (statements, acknowledgements, questions, [answer])
    )
    return Fact(f"{key} {noun}".strip(), value, said, shown, asked, told)


def never_told(corpus: Corpus, rng: Random, known: set[str]) -> Turn | None:
    """A question about something that was not said, if the draw finds one."""
    key = rng.choices(list(_KINDS), weights=[_WEIGHTS.get(kind, 1) for kind in _KINDS])[0]
    fact = make_fact(corpus, rng, key)
    if fact.key in known or any(key in other.split() for other in known):
        return None
    noun = fact.key.removeprefix(key).strip()
    return fact.question, _KINDS[key][4].format(n=noun)


def _tell(corpus: Corpus, rng: Random, facts: dict[str, Fact], used: set[str]) -> Turn:
    """A statement of one or two new facts, or the correction of an old one."""
    if facts and rng.random() < 0.2:
        key = rng.choice(list(facts))
        fact = make_fact(corpus, rng, key.split()[0])
        if fact.key == key:
            facts[key] = fact
            return rng.choice(_AGAIN).format(s=fact.statement), fact.acknowledgement
    fact = make_fact(corpus, rng)
    if fact.key.split()[0] in used and not fact.key.startswith(("noun", "pet")) or fact.key in facts:
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
            return rng.choice(_FIRST if first else _LAST), f'You said: "{said}"'
    fact = rng.choice(list(facts.values()))
    kind, _, noun = fact.key.partition(" ")
    return rng.choice(_KINDS[kind][2]).format(n=noun), fact.answer


def told_at_once(corpus: Corpus, rng: Random) -> Turn:
    """A statement and the question for it in one message."""
    told = [make_fact(corpus, rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    wanted = rng.choice(told)
    if sum(fact.key == wanted.key for fact in told) > 1:
        told = [wanted]
    joiner = rng.choice((". ", ", ", " and ", ".\n", "\n", "; "))
    return joiner.join([*(fact.statement for fact in told), wanted.question]), wanted.answer
