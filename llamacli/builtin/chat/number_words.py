"""Numbers as people write them in words."""

from random import Random

_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SMALL += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(number: int, joint: str = "-") -> str:
    """A whole number from 0 to 1000; `joint` stands between tens and ones."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (joint + _SMALL[ones] if ones else "")
    if number == 1000:
        return "a thousand"
    hundreds, rest = divmod(number, 100)
    return f"{_SMALL[hundreds]} hundred" + (f" and {in_words(rest, joint)}" if rest else "")


def as_written(numbers: tuple[int, ...], rng: Random, chance: float) -> tuple[str, ...]:
    """Numbers in digits, or with that chance, where none is negative or above 1000, in words."""
    if all(0 <= number <= 1000 for number in numbers) and rng.random() < chance:
        joint = rng.choice(("-", "-", " "))
        return tuple(in_words(number, joint) for number in numbers)
    return tuple(str(number) for number in numbers)
