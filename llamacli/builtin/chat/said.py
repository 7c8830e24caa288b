"""Conversations in which something is said in passing, and asked for later; the answer quotes it."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.keyboard import asked_as_typed, with_capitals
from llamacli.builtin.chat.patterns import Bindings, fill
from llamacli.builtin.chat.topics import Corpus

Turn = tuple[str, str]


def said_in_passing(corpus: Corpus, rng: Random, filler: Callable[[Random], Turn]) -> list[Turn]:
    """One to four things said, other turns between, and questions for one or two of them."""
    told: list[tuple[str, list[str]]] = []
    turns: list[Turn] = []
    for pattern, questions in rng.sample(corpus.lists["said"], rng.choice((1, 1, 1, 2, 2, 3, 4))):
        bound: Bindings = {}
        line = fill(pattern, corpus, rng, bound, choices=False)
        line = with_capitals(line, rng)
        told.append((line, [fill(asked, corpus, rng, bound, choices=False) for asked in questions.split("|")]))
        if turns and rng.random() < 0.3:
            turns[-1] = (turns[-1][0].rstrip(".!") + rng.choice((". ", ". ", ", ", "\n", " and ")) + line, turns[-1][1])
            continue
        turns += [filler(rng) for _ in range(rng.choice((0, 0, 0, 1)))]
        turns.append((corpus.word("said frame", rng).format(s=line), corpus.word("said noted", rng)))
    turns += [filler(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 4)))]
    for line, asked in rng.sample(told, min(len(told), rng.choice((1, 1, 2)))):
        turns.append((asked_as_typed(rng.choice(asked), rng), f'You said: "{line}".'))
    return turns
