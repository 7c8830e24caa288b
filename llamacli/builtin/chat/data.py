"""The stream of training conversations: the mixture of kinds, and how people really type."""

import re
from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.arithmetic import sum_question
from llamacli.builtin.chat.documents import asked_about, passage_asked, stated_question
from llamacli.builtin.chat.hangul import typed
from llamacli.builtin.chat.keyboard import typo, with_capitals
from llamacli.builtin.chat.korean import korean_single, korean_turns
from llamacli.builtin.chat.memory import Turn, conversation, never_told, told_at_once, under_system_prompt
from llamacli.builtin.chat.patterns import drawn
from llamacli.builtin.chat.rewording import fixed_words, followed, reworded, shortened
from llamacli.builtin.chat.said import said_in_passing
from llamacli.builtin.chat.topics import Corpus, choose_topic

Message = dict[str, str]

SHARES = {"tool": 9.5, "talk": 1.8, "facts": 4.0, "shell": 5.0, "python": 2.6, "outside": 4.6, "care": 1.8}
KOREAN, KOREAN_CONVERSATIONS = 0.11, 0.06
"""Parts of the single questions, and of the conversations, that are in Korean."""
HANGUL = re.compile("[가-힣]")
LITERAL = {"repeat say", "made up", "gibberish", "marks alone", "repeated", "unknown option"}
LITERAL |= {f"repeat {count}" for count in ("twice", "three", "four", "five")}
"""Topics whose words are repeated, or stand for nothing: no other word may take their place."""


def as_typed(question: str, corpus: Corpus, rng: Random) -> str:
    """The question with the prefixes, capitals, marks and slips that people type."""
    if question[:1] in "<`{\"'/":
        return question
    if HANGUL.search(question):
        return typed(question, corpus, rng)
    if rng.random() < 0.12:
        question = f"{corpus.word('prefix', rng)} {question}"
    if rng.random() < 0.08:
        question = followed(question, corpus.word("suffix", rng))
    if rng.random() < 0.12:
        question = typo(question, rng)
    if rng.random() < 0.03:
        question = typo(question, rng)
    question = question.upper() if rng.random() < 0.02 else with_capitals(question, rng)
    if question[-1:].isalnum() or not question.isascii():
        question += rng.choices(("", "?", ".", "!", " ?"), weights=(45, 45, 6, 2, 2))[0]
    return question


def single(corpus: Corpus, rng: Random) -> Turn:
    """One question and its answer, of any kind but memory."""
    if rng.random() < KOREAN:
        return korean_single(corpus, rng)
    if rng.random() < 0.24:
        question, answer = sum_question(corpus, rng)
    else:
        topic = choose_topic(corpus, SHARES, rng)
        question, answer, bound = drawn(topic, corpus, rng)
        if rng.random() < 0.75 and question.isascii() and topic.name not in LITERAL:
            question = reworded(question, fixed_words(answer, bound), corpus, rng)
            if rng.random() < 0.25:
                question = shortened(question, answer, rng)
        if rng.random() < 0.3 and topic.name not in LITERAL and not _names_in_code(question, answer):
            question = question.lower()
    return as_typed(question, corpus, rng), answer


def _names_in_code(question: str, answer: str) -> bool:
    """Whether the answer's command repeats a word of the question with its capitals."""
    _, _, code = answer.partition("```")
    return any(word in code for word in question.split() if word != word.lower())


def _typed_statements(turns: list[Turn], rng: Random) -> list[Turn]:
    """Statements keep their values as they are, so only first letter and last mark change."""
    result: list[Turn] = []
    for said, answer in turns:
        if rng.random() < 0.1:
            said = re.sub(r"\b(I|i|it|that|he|she|what|who|where|don|can)'(m|s|ve|t|re)\b", r"\1\2", said)
        if said[:1].islower() and said.isascii():
            said = with_capitals(said, rng)
        if said[-1:].isalnum() and rng.random() < 0.4:
            said += "?" if said.lower().startswith(("what", "who", "how", "where", "which", "do ", "can ")) else "."
        result.append((said, answer))
    return result


Single = Callable[[Random], Turn]


def _told_or_not(corpus: Corpus, rng: Random, one: Single) -> list[Turn]:
    asked = never_told(corpus, rng, set())
    return _typed_statements([asked], rng) if asked else [one(rng)]


# What a conversation may be, and how often of a hundred it is.
_CONVERSATIONS: dict[Callable[[Corpus, Random, Single], list[Turn]], float] = {
    lambda _, rng, one: [one(rng)]: 36,
    _told_or_not: 1,
    lambda corpus, rng, _: [stated_question(corpus, rng)]: 14,
    lambda corpus, rng, _: passage_asked(corpus, rng): 30,
    lambda _, rng, one: [one(rng) for _ in range(rng.randint(2, 5))]: 6,
    lambda corpus, rng, one: _typed_statements(conversation(corpus, rng, one), rng): 20,
    said_in_passing: 7,
    lambda corpus, rng, _: _typed_statements([told_at_once(corpus, rng)], rng): 4,
    lambda corpus, rng, one: [asked_about(corpus, rng, int(10 ** rng.uniform(1.5, 3.05)), one)]: 10,
}


def turns_of(corpus: Corpus, rng: Random, *, long: bool) -> list[Turn]:
    """The turns of one training conversation. `long` draws documents up to the whole context window."""

    def one(source: Random) -> Turn:
        return single(corpus, source)

    if rng.random() < KOREAN_CONVERSATIONS:
        return korean_turns(corpus, rng)
    if long and rng.random() < 0.45:
        turns = [asked_about(corpus, rng, int(10 ** rng.uniform(3, 4.38)), one)]
        return turns + [one(rng) for _ in range(rng.choice((0, 0, 1)))]
    make = rng.choices(list(_CONVERSATIONS), list(_CONVERSATIONS.values()))[0]
    return make(corpus, rng, one)


def example(corpus: Corpus, rng: Random, *, long: bool = False) -> list[Message]:
    """One training conversation as chat messages."""
    messages: list[Message] = []
    chance = rng.random()
    if chance < 0.03:
        system, turns = under_system_prompt(corpus, rng, lambda source: single(corpus, source))
        turns = _typed_statements(turns, rng)
    else:
        system = corpus.word("system prompt", rng) if chance < 0.11 else ""
        turns = turns_of(corpus, rng, long=long)
    if system:
        messages.append({"role": "system", "content": system})
    for question, answer in turns:
        messages.append({"role": "user", "content": question.strip()})
        messages.append({"role": "assistant", "content": answer})
    return messages
