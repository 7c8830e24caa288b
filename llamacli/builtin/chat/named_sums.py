"""Sums that have a name: halves, squares, roots, shares and the like, as far as the model is to know them."""

import re
from collections.abc import Callable
from math import factorial, isqrt
from random import Random

from llamacli.builtin.chat.number_words import as_written, in_words
from llamacli.builtin.chat.shares import KNOWN_SHARES, SHARES, Sum
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import people

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_LARGER_ROMAN = {15: "XV", 20: "XX", 50: "L", 100: "C", 500: "D", 1000: "M"}
_BINARY = (*range(17), 20, 31, 32, 64, 100, 127, 128, 255, 256)
_SIGNS = re.compile(r"[^a-z{} ,:]|\{n\}")  # a wording with signs, or of a number that stays in digits
_PARTS = {"half": 2, "third": 3, "quarter": 4}

ROMAN = dict(enumerate(_ROMAN, 1)) | _LARGER_ROMAN
POWERS = [(2, k) for k in range(1, 17)] + [(10, k) for k in range(1, 10)] + [(n, 3) for n in range(1, 11)]
KNOWN_NAMED = KNOWN_SHARES | {f"{n} ** {k}" for n, k in POWERS}
KNOWN_NAMED |= {f"{n} ** 2" for n in range(21)} | {f"{n * n} ** 0.5" for n in range(21)}
KNOWN_NAMED |= {f"{n} / 2" for n in range(201)} | {f"2 * {n}" for n in range(101)} | {f"3 * {n}" for n in range(35)}
KNOWN_NAMED |= {f"{4 * n} / 4" for n in range(51)} | {f"{3 * n} / 3" for n in range(41)}


def named_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A named sum in one of its wordings, and its answer; numbers in words stand only among words."""
    name = rng.choices(list(_KINDS), [weight for weight, _ in _KINDS.values()])[0]
    numbers, answer = _KINDS[name][1](rng)
    wording = corpus.word(f"named {name}", rng)
    whole = tuple(number for number in numbers if isinstance(number, int))
    written = as_written(whole, rng, 0.0 if _SIGNS.search(wording) or len(whole) < len(numbers) else 0.12)
    slots = dict(zip("ab", numbers if len(whole) < len(numbers) else written, strict=False))
    return wording.format(n=numbers[0], t=corpus.word("counted", rng), **people(corpus, rng), **slots), answer


def part(name: str, number: int) -> str:
    """The sentence that says how much a half, a third or a quarter of a number is."""
    article = "" if name == "half" else "A "
    share = f"{number / _PARTS[name]:g}"
    return f"{article}{name.capitalize() if not article else name} of {number} is {share}."


def _part(name: str, largest: int) -> Callable[[Random], Sum]:
    def make(rng: Random) -> Sum:
        number = rng.randint(1, largest) * _PARTS[name]
        if name == "half" and rng.random() < 0.15:
            number = rng.randrange(1, 100, 2)
        return (number,), part(name, number)

    return make


def _multiple(times: int, largest: int) -> Callable[[Random], Sum]:
    def make(rng: Random) -> Sum:
        number = rng.randint(1, largest)
        return (number,), f"{times} * {number} = {times * number}"

    return make


def _square(rng: Random) -> Sum:
    number = rng.randint(1, 20)
    return (number,), f"{number} * {number} = {number * number}"


def _cube(rng: Random) -> Sum:
    number = rng.randint(1, 10)
    return (number,), f"{number} ** 3 = {number**3}"


def _power(rng: Random) -> Sum:
    number, exponent = rng.choice(POWERS)
    return (number, exponent), f"{number} ** {exponent} = {number**exponent}"


def _root(rng: Random) -> Sum:
    number = rng.randint(1, 20) ** 2
    return (number,), f"The square root of {number} is {isqrt(number)}."


def _after(rng: Random) -> Sum:
    number = rng.randint(0, rng.choice((20, 100, 1000)))
    return (number,), f"After {number} comes {number + 1}."


def _before(rng: Random) -> Sum:
    number = rng.randint(1, rng.choice((20, 100, 1000)))
    return (number,), f"Before {number} comes {number - 1}."


def _even(rng: Random) -> Sum:
    number = rng.randint(0, rng.choice((20, 100, 1000)))
    return (number,), f"{number} is {'odd' if number % 2 else 'even'}."


def prime(number: int) -> str:
    """The sentence that says whether a number from 1 to 50 is prime, and if not, a product that makes it."""
    if number == 1:
        return "No, 1 is not counted as a prime number."
    divisor = next((d for d in range(2, number) if number % d == 0), None)
    if divisor is None:
        return f"Yes, {number} is a prime number."
    return f"No, {number} is {divisor} * {number // divisor}, so it is not a prime number."


def _prime(rng: Random) -> Sum:
    number = rng.randint(1, 50)
    return (number,), prime(number)


def _pair(rng: Random) -> tuple[int, int]:
    """Two numbers that differ."""
    a, b = rng.sample(range(rng.choice((12, 100, 1000)) + 1), 2)
    return a, b


def _larger(rng: Random) -> Sum:
    a, b = _pair(rng)
    return (a, b), f"{max(a, b)} is larger than {min(a, b)}."


def _smaller(rng: Random) -> Sum:
    a, b = _pair(rng)
    return (a, b), f"{min(a, b)} is smaller than {max(a, b)}."


def _average(rng: Random) -> Sum:
    a = rng.randint(0, 50)
    b = a + 2 * rng.randint(1, 20)
    first, second = (a, b) if rng.random() < 0.7 else (b, a)
    return (first, second), f"The average of {first} and {second} is {(a + b) // 2}."


def _factorial(rng: Random) -> Sum:
    number = rng.randint(1, 8)
    return (number,), f"{number} factorial is {factorial(number)}."


def _binary(rng: Random) -> Sum:
    number = rng.choice(_BINARY)
    return (number,), f"{number} in binary is {number:b}."


def _roman(rng: Random) -> Sum:
    number = rng.choice(list(ROMAN))
    return (number,), f"{number} in Roman numerals is {ROMAN[number]}."


def _unroman(rng: Random) -> Sum:
    number = rng.choice(list(ROMAN))
    return (ROMAN[number],), f"The Roman numeral {ROMAN[number]} is {number}."


def _table(rng: Random) -> Sum:
    number = rng.randint(2, 12)
    row = ", ".join(str(number * times) for times in range(1, 11))
    return (number,), f"The table of {number}: {row}."


def _count(rng: Random) -> Sum:
    number = rng.choice((3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 12, 15, 20))
    return (number,), ", ".join(map(str, range(1, number + 1))) + "."


def _count_down(rng: Random) -> Sum:
    number = rng.choice((3, 5, 10, 10, 10))
    return (number,), ", ".join(map(str, range(number, 0, -1))) + "."


def _by_zero(rng: Random) -> Sum:
    return (rng.randint(0, 100),), "Nothing can be divided by zero."


def _spelled(rng: Random) -> Sum:
    number = rng.randint(0, 100)
    return (number,), f"{number} in words is {in_words(number)}."


# For each list of wordings in sums.txt: how often it is drawn, and what makes its numbers and its answer.
_KINDS: dict[str, tuple[float, Callable[[Random], Sum]]] = {
    "half": (10, _part("half", 100)),
    "third": (4, _part("third", 40)),
    "quarter": (4, _part("quarter", 50)),
    "double": (8, _multiple(2, 100)),
    "triple": (4, _multiple(3, 34)),
    "quadruple": (2, _multiple(4, 25)),
    "square": (8, _square),
    "cube": (3, _cube),
    "power": (5, _power),
    "root": (8, _root),
    **SHARES,
    "after": (3, _after),
    "before": (3, _before),
    "even": (6, _even),
    "prime": (5, _prime),
    "larger": (5, _larger),
    "smaller": (4, _smaller),
    "average": (6, _average),
    "factorial": (2, _factorial),
    "binary": (4, _binary),
    "roman": (3, _roman),
    "unroman": (2, _unroman),
    "table": (2, _table),
    "count": (3, _count),
    "count down": (1, _count_down),
    "by zero": (2, _by_zero),
    "spelled": (2, _spelled),
}
