"""Conversations in Korean: single questions of every kind, and what is told and asked back."""

from random import Random

from llamacli.builtin.chat.hangul import typed
from llamacli.builtin.chat.korean_memory import Turn, korean_conversation, korean_told_at_once
from llamacli.builtin.chat.korean_sums import korean_sum
from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.topics import Corpus, choose_topic

KOREAN_SHARES = {"korean": 2.2, "korean_tool": 5.0, "korean_outside": 1.8}


def korean_single(corpus: Corpus, rng: Random) -> Turn:
    """One question in Korean and its answer, as people type it; of any kind but memory."""
    if rng.random() < 0.13:
        return korean_sum(corpus, rng)
    question, answer = ask(choose_topic(corpus, KOREAN_SHARES, rng), corpus, rng)
    return typed(question, corpus, rng), answer


def korean_turns(corpus: Corpus, rng: Random) -> list[Turn]:
    """The turns of one conversation in Korean."""

    def one(source: Random) -> Turn:
        return korean_single(corpus, source)

    chance = rng.random()
    if chance < 0.4:
        return [one(rng)]
    if chance < 0.5:
        return [one(rng) for _ in range(rng.randint(2, 5))]
    if chance < 0.92:
        return korean_conversation(corpus, rng, one)
    return [korean_told_at_once(corpus, rng)]
