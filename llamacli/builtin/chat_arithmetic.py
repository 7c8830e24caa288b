"""Small sums in many wordings, with their answers."""

from __future__ import annotations

from random import Random

from llamacli.builtin.chat_patterns import Corpus

_NAMES = {"+": "plus", "-": "minus", "*": "times", "/": "over"}


def operands(operation: str, rng: Random) -> tuple[int, int, int]:
    """Two numbers and the result of the operation on them; division is always exact."""
    size = rng.choices((12, 20, 100, 999), weights=(3, 3, 5, 1.5))[0]
    if operation in "*/":
        a, b = rng.randint(1, 12), rng.randint(1, 12)
        if rng.random() < 0.15:
            a, b = rng.choice(
                ((rng.randint(0, 30), rng.randint(0, 10)), (10, rng.randint(1, 100)), (2, rng.randint(1, 100)))
            )
        b = max(b, 1) if operation == "/" else b
        return (a, b, a * b) if operation == "*" else (a * b, b, a)
    a, b = rng.randint(0, size), rng.randint(0, size)
    if operation == "-":
        a, b = (a, b) if a >= b or rng.random() < 0.15 else (b, a)
        return a, b, a - b
    return a, b, a + b


def sum_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum in words or signs, and its answer."""
    chance = rng.random()
    if chance < 0.06:
        return _story(corpus, rng)
    if chance < 0.12:
        return _named(rng)
    operation = rng.choice("++-**/")
    a, b, result = operands(operation, rng)
    if chance < 0.2:
        frame, wording = corpus.word("korean sum frame", rng), corpus.word(f"korean {_NAMES[operation]}", rng)
    else:
        frame, wording = corpus.word("sum frame", rng), corpus.word(_NAMES[operation], rng)
    return frame.format(wording.format(a=a, b=b)), f"{a} {operation} {b} = {result}"


def _story(corpus: Corpus, rng: Random) -> tuple[str, str]:
    told, answer = corpus.pick("story", rng)
    operation, _, question = told.partition(" ")
    a, b, result = operands(operation, rng)
    if result < 0:
        a, b, result = b, a, -result
    thing = corpus.word("counted", rng)
    return question.format(a=a, b=b, t=thing), answer.format(r=result, t=thing)


def _named(rng: Random) -> tuple[str, str]:
    n = rng.randint(1, 50)
    square = rng.randint(1, 12)
    question, answer = rng.choice((
        (f"double {n}", f"2 * {n} = {2 * n}"),
        (f"what is twice {n}", f"2 * {n} = {2 * n}"),
        (f"half of {2 * n}", f"{2 * n} / 2 = {n}"),
        (f"what is half of {2 * n}", f"{2 * n} / 2 = {n}"),
        (f"{square} squared", f"{square} * {square} = {square * square}"),
        (f"the square of {square}", f"{square} * {square} = {square * square}"),
        (f"what is the square root of {square * square}", f"The square root of {square * square} is {square}."),
        (f"what comes after {n}", f"After {n} comes {n + 1}."),
        (f"which number comes before {n}", f"Before {n} comes {n - 1}."),
        (f"is {n} even", f"{'Yes' if n % 2 == 0 else 'No'}, {n} is {'even' if n % 2 == 0 else 'odd'}."),
    ))  # fmt: skip
    return question, answer
