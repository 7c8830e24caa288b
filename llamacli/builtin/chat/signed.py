"""Sums with negative numbers and with decimals, as far as the model is to know them."""

from random import Random

from llamacli.builtin.chat.topics import Corpus

_TENTHS = (*range(1, 10), *range(15, 100, 10), *range(10, 101, 10))  # 0.1 to 0.9, and every half up to 10
_NAMES = {"+": "plus", "-": "minus", "*": "times"}


def _shown(tenths: int) -> str:
    return f"{tenths / 10:g}"


def decimal_sum(a: int, sign: str, b: int) -> str:
    """The sentence for a sum of two numbers given in tenths."""
    value = {"+": a + b, "-": a - b, "*": a * b / 10}[sign]
    return f"{_shown(a)} {sign} {_shown(b)} is {value / 10:g}."


DECIMALS = [
    (a, sign, b) for a in _TENTHS for b in _TENTHS for sign in "+-" if (a % 10 or b % 10) and (sign == "+" or a >= b)
]
DECIMALS += [(a, "*", b) for a in _TENTHS if a % 10 for b in range(20, 101, 10)]
NEGATIVE = [
    (a, sign, b)
    for sign, most in (("+", 20), ("-", 20), ("*", 10))
    for a in range(-most, most + 1)
    for b in range(-most, most + 1)
    if a < 0 or b < 0
]
KNOWN_SIGNED = {f"{_shown(a)} {sign} {_shown(b)}" for a, sign, b in DECIMALS} | {
    f"{a} {sign} {b}" for a, sign, b in NEGATIVE
}


def signed_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum with a negative number or a decimal, in words or signs, and its answer."""
    if rng.random() < 0.5:
        a, sign, b = rng.choice(DECIMALS)
        first, second, answer = _shown(a), _shown(b), decimal_sum(a, sign, b)
    else:
        a, sign, b = rng.choice(NEGATIVE)
        first, second = (_negative(number, rng) for number in (a, b))
        answer = f"{a} {sign} {b} = {result_of(a, sign, b)}"
    wording = corpus.word(f"signed {_NAMES[sign]}", rng)
    return corpus.word("sum frame", rng).format(wording.format(a=first, b=second)), answer


def result_of(a: int, sign: str, b: int) -> int:
    """The result of one of three operations."""
    return {"+": a + b, "-": a - b, "*": a * b}[sign]


def _negative(number: int, rng: Random) -> str:
    """A number as people write it where it is negative."""
    if number >= 0:
        return str(number)
    return rng.choice((f"{number}", f"{number}", f"({number})", f"minus {-number}", f"negative {-number}"))
