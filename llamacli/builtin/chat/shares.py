"""Parts of numbers: percentages, fractions, decimals of fractions, and remainders."""

from collections.abc import Callable
from fractions import Fraction
from random import Random

Sum = tuple[tuple[int | str, ...], str]  # the numbers {a}, {b} and {c}, and the answer

_PERCENTS = (1, 5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90, 100)
_BASES = (*range(10, 101, 10), 120, 150, 160, *range(200, 1001, 100), 2000)
_EASY = [(50, n) for n in range(2, 101, 2)] + [(25, n) for n in range(4, 101, 4)]
_EASY += [(10, n) for n in range(110, 300, 10)]
PERCENTAGES = [(p, n, p * n // 100) for p in _PERCENTS for n in _BASES if p * n % 100 == 0]
PERCENTAGES += [(p, n, p * n // 100) for p, n in _EASY if n not in _BASES]
_PARTIAL = [(p, n, part) for p, n, part in PERCENTAGES if p < 100]
_FRACTIONS = sorted({Fraction(a, b) for b in (2, 3, 4, 5, 6, 8, 10) for a in range(1, b)})
_SUMMANDS = [fraction for fraction in _FRACTIONS if fraction.denominator in (2, 3, 4, 6, 8)]
_NAMED = {"1/2": "a half", "1/3": "a third", "2/3": "two thirds", "1/4": "a quarter", "3/4": "three quarters"}
_NAMED |= {"1/5": "a fifth", "1/8": "an eighth", "1/10": "a tenth"}
_EQUAL = [("0.5", "1/2"), ("0.25", "1/4"), ("0.75", "3/4"), ("0.2", "1/5"), ("0.4", "2/5"), ("0.6", "3/5")]
_EQUAL += [("0.8", "4/5"), ("0.1", "1/10"), ("0.3", "3/10"), ("0.7", "7/10"), ("0.9", "9/10"), ("0.125", "1/8")]
_PERCENT_OF = [(f"{float(text) * 100:g}%", fraction) for text, fraction in _EQUAL]
QUOTIENTS = [(a, b) for b in range(2, 11) for a in range(1, 26) if a % b]

KNOWN_SHARES = {f"{n} * {p} / 100" for p, n, _ in PERCENTAGES} | {
    f"{n} % {d}" for n in range(101) for d in range(2, 13)
}
KNOWN_SHARES |= {f"{n} * (100 {sign} {p}) / 100" for p, n, _ in _PARTIAL for sign in "+-"}
KNOWN_SHARES |= {f"{part} / {n} * 100" for _, n, part in PERCENTAGES} | {f"{a} / {b}" for a, b in QUOTIENTS}


def _percent(rng: Random) -> Sum:
    percent, number, result = rng.choice(PERCENTAGES)
    return (percent, number), f"{percent}% of {number} is {result}."


def _changed(sign: str) -> Callable[[Random], Sum]:
    """A number with a percentage of it taken off or added."""

    def make(rng: Random) -> Sum:
        percent, number, part = rng.choice(_PARTIAL)
        result = number + part if sign == "+" else number - part
        return (percent, number), f"{percent}% of {number} is {part}, and {number} {sign} {part} is {result}."

    return make


def _share(rng: Random) -> Sum:
    percent, number, part = rng.choice(PERCENTAGES)
    return (part, number), f"{part} is {percent}% of {number}."


def decimal(a: int, b: int) -> str:
    """The sentence that says what a fraction is as a decimal, exactly or with two places."""
    value = Fraction(a, b)
    exact = 1000 % value.denominator == 0
    return f"{a} / {b} is {float(value):g}." if exact else f"{a} / {b} is about {a / b:.2f}."


def _decimal(rng: Random) -> Sum:
    a, b = rng.choice(QUOTIENTS)
    return (a, b), decimal(a, b)


def _fraction_of(rng: Random) -> Sum:
    fraction = rng.choice([f for f in _FRACTIONS if f.numerator > 1 and f.denominator in (3, 4, 5, 10)])
    above, below = fraction.as_integer_ratio()
    share = rng.randint(1, 12)
    number, name = share * below, _NAMED.get(str(fraction), "") if rng.random() < 0.4 else ""
    return (
        name or str(fraction),
        number,
    ), f"1/{below} of {number} is {share}, and {above} * {share} is {above * share}."


def _simplified(rng: Random) -> Sum:
    fraction, times = rng.choice(_FRACTIONS), rng.randint(2, 10)
    whole = f"{fraction.numerator * times}/{fraction.denominator * times}"
    return (whole,), f"{whole} is {fraction}."


def _fractions(sign: str) -> Callable[[Random], Sum]:
    """Two fractions, now and then by name, and their sum or difference."""

    def make(rng: Random) -> Sum:
        a, b = rng.choice(_SUMMANDS), rng.choice(_SUMMANDS)
        if sign == "-" and a < b:
            a, b = b, a
        result = a + b if sign == "+" else a - b
        names = [_NAMED.get(str(fraction), "") for fraction in (a, b)]
        said = names if all(names) and rng.random() < 0.5 else [str(a), str(b)]
        return tuple(said), f"{a} {sign} {b} is {result}."

    return make


def _as_fraction(rng: Random) -> Sum:
    text, fraction = rng.choice(_EQUAL + _PERCENT_OF)
    return (text,), f"{text} is {fraction}."


def _as_percent(rng: Random) -> Sum:
    text, fraction = rng.choice(_EQUAL)
    said = fraction if rng.random() < 0.7 else text
    return (said,), f"{said} is {float(text) * 100:g}%."


def divided(number: int, divisor: int) -> str:
    """How often a divisor goes into a number, and what is left if anything is: `17 is 3 * 5 + 2`."""
    times, rest = divmod(number, divisor)
    return f"{number} is {times} * {divisor}" + (f" + {rest}" if rest else "")


def _remainder(rng: Random) -> Sum:
    divisor = rng.randint(2, 12)
    number = rng.randint(divisor, rng.choice((20, 50, 100)))
    return (number, divisor), f"{divided(number, divisor)}, so the remainder is {number % divisor}."


def _divisible(rng: Random) -> Sum:
    divisor = rng.randint(3, 12)
    number = divisor * rng.randint(1, 8) if rng.random() < 0.5 else rng.randint(divisor, 100)
    said = "No" if number % divisor else "Yes"
    return (number, divisor), f"{said}, {divided(number, divisor)}."


# For each list of wordings in sums.txt: how often it is drawn, and what makes its numbers and its answer.
SHARES: dict[str, tuple[float, Callable[[Random], Sum]]] = {
    "percent": (14, _percent),
    "percent off": (6, _changed("-")),
    "percent more": (4, _changed("+")),
    "percent share": (6, _share),
    "decimal": (8, _decimal),
    "fraction of": (6, _fraction_of),
    "simplified": (4, _simplified),
    "fractions plus": (5, _fractions("+")),
    "fractions minus": (3, _fractions("-")),
    "as fraction": (3, _as_fraction),
    "as percent": (3, _as_percent),
    "remainder": (7, _remainder),
    "divisible": (5, _divisible),
}
