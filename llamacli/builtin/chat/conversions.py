"""Conversions of units: round numbers by table, for others the factor and the Python that does it."""

from dataclasses import dataclass
from random import Random

from llamacli.builtin.chat.topics import Corpus

LINE = '{told}\n```sh\npython3 -c "print({code})"\n```'
_ROUND = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 150, 200, 500, 1000)
_UP_TO_TWELVE = tuple(range(1, 13))
_HALVES = (0.5, 1.5, 2.5)
_SINGULAR = {"feet": "foot", "inches": "inch", "centuries": "century", "square feet": "square foot"}
_SINGULAR |= {"square metres": "square metre", "stone": "stone"}
_ABBREVIATED = ("km", "m", "cm", "mm", "kg", "g", "mg", "ml", "km/h", "mph", "MB/s", "Mbit/s")


@dataclass(frozen=True)
class Conversion:
    """From one unit to another: times `factor`, or divided by it. `numbers` are those that the model knows."""

    source: str
    target: str
    factor: str
    divide: bool = False
    exact: bool = False
    numbers: tuple[float, ...] = _ROUND

    def result(self, number: float) -> str:
        """The converted number: exact, or with three digits."""
        value = number / float(self.factor) if self.divide else number * float(self.factor)
        if self.exact or value >= 100:
            return f"{round(value, 6 if self.exact else 0):.10g}"
        return f"{value:.3g}"

    def answer(self, number: float) -> str:
        """The sentence with the result."""
        about = "" if self.exact else "about "
        result = self.result(number)
        return f"{counted(f'{number:g}', self.source)} is {about}{counted(result, self.target)}."

    def line(self, number: str) -> str:
        """The factor, and Python for that number."""
        one, many = (self.target, self.source) if self.divide else (self.source, self.target)
        about = "" if self.exact or self.factor in _EXACT_FACTORS else "about "
        told = f"{counted('1', one)} is {about}{counted(self.factor, many)}:"
        return LINE.format(told=told, code=f"{number} {'/' if self.divide else '*'} {self.factor}")


_EXACT_FACTORS = {"2.54", "0.3048", "0.9144"}


def counted(number: str, unit: str) -> str:
    """A number of units, one in the singular."""
    if number != "1" or unit in _ABBREVIATED:
        return f"{number} {unit}"
    return f"1 {_SINGULAR.get(unit, unit.removesuffix('s'))}"


def _both(source: str, target: str, factor: str, numbers: tuple[float, ...]) -> list[Conversion]:
    """An exact whole factor: down by `numbers`, and by halves if that comes out whole, and back from what comes out."""
    numbers = numbers if int(factor) % 2 else (*_HALVES, *numbers)
    back = tuple(int(int(factor) * number) for number in numbers)
    return [
        Conversion(source, target, factor, exact=True, numbers=numbers),
        Conversion(target, source, factor, divide=True, exact=True, numbers=back),
    ]


MEASURED = [
    Conversion("miles", "km", "1.6093"),
    Conversion("km", "miles", "0.6214", numbers=(*_ROUND, 21, 42)),
    Conversion("feet", "m", "0.3048"),
    Conversion("m", "feet", "3.2808"),
    Conversion("inches", "cm", "2.54", numbers=(*_ROUND, 7, 9, 13, 24, 27, 32)),
    Conversion("cm", "inches", "2.54", divide=True, numbers=(*_ROUND, 160, 170, 175, 180, 190)),
    Conversion("yards", "m", "0.9144"),
    Conversion("m", "yards", "0.9144", divide=True),
    Conversion("pounds", "kg", "0.4536"),
    Conversion("kg", "pounds", "2.2046", numbers=(*_ROUND, 55, 65, 75)),
    Conversion("ounces", "g", "28.35"),
    Conversion("g", "ounces", "28.35", divide=True, numbers=(*_ROUND, 250, 300, 400)),
    Conversion("stone", "kg", "6.35", numbers=(*_UP_TO_TWELVE, 13, 14, 15, 20)),
    Conversion("gallons", "litres", "3.785"),
    Conversion("litres", "gallons", "3.785", divide=True),
    Conversion("mph", "km/h", "1.6093", numbers=(1, *range(10, 101, 10), 55, 65, 75, 120)),
    Conversion("km/h", "mph", "0.6214", numbers=(1, *range(10, 131, 10), 200)),
    Conversion("inches", "mm", "25.4", numbers=(*_UP_TO_TWELVE, 20)),
    Conversion("mm", "inches", "25.4", divide=True),
    Conversion("cm", "feet", "30.48", divide=True, numbers=(30, 50, 100, 150, 160, 170, 175, 180, 190, 200)),
    Conversion("feet", "cm", "30.48", numbers=(*_UP_TO_TWELVE, 20)),
    Conversion("m", "inches", "39.37", numbers=_UP_TO_TWELVE),
    Conversion("cups", "ml", "236.6", numbers=_UP_TO_TWELVE),
    Conversion("acres", "hectares", "0.4047"),
    Conversion("hectares", "acres", "2.4711"),
    Conversion("square metres", "square feet", "10.764"),
    Conversion("square feet", "square metres", "0.0929"),
    Conversion("knots", "km/h", "1.852"),
    Conversion("litres", "cups", "4.2268", numbers=(*_UP_TO_TWELVE, 20)),
]
_DECIMAL = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 50, 100)
EXACT = [
    *_both("km", "m", "1000", _DECIMAL),
    *_both("m", "cm", "100", _DECIMAL),
    *_both("cm", "mm", "10", _DECIMAL),
    *_both("m", "mm", "1000", (1, 2, 3, 5, 10)),
    *_both("kg", "g", "1000", _DECIMAL),
    *_both("g", "mg", "1000", _DECIMAL),
    *_both("litres", "ml", "1000", _DECIMAL),
    *_both("tons", "kg", "1000", (1, 2, 3, 5, 10)),
    *_both("feet", "inches", "12", (*_UP_TO_TWELVE, 20)),
    *_both("yards", "feet", "3", (*_UP_TO_TWELVE, 20, 100)),
    *_both("pounds", "ounces", "16", (1, 2, 3, 4, 5, 10)),
    *_both("stone", "pounds", "14", _UP_TO_TWELVE),
    *_both("miles", "feet", "5280", (1, 2, 3, 5, 10)),
    *_both("tablespoons", "teaspoons", "3", _UP_TO_TWELVE),
    *_both("hours", "minutes", "60", (*_UP_TO_TWELVE, 15, 20, 24, 48, 100)),
    *_both("minutes", "seconds", "60", (*_UP_TO_TWELVE, 15, 20, 30, 45, 60, 90)),
    *_both("hours", "seconds", "3600", (1, 2, 3, 4, 5, 10)),
    *_both("days", "hours", "24", (*_UP_TO_TWELVE, 14, 30)),
    *_both("days", "minutes", "1440", (1, 2, 3, 7)),
    *_both("days", "seconds", "86400", (1, 2, 7)),
    *_both("weeks", "days", "7", (*_UP_TO_TWELVE, 20, 52)),
    *_both("weeks", "hours", "168", (1, 2, 3, 4)),
    *_both("years", "months", "12", (*_UP_TO_TWELVE, 20, 100)),
    *_both("years", "days", "365", (1, 2, 3, 4, 5, 10)),
    *_both("centuries", "years", "100", (2, 3, 4, 5, 10)),
    *_both("decades", "years", "10", (1, 2, 3, 4, 5)),
    *_both("bytes", "bits", "8", (*_UP_TO_TWELVE, 16, 32, 64)),
    *_both("MB/s", "Mbit/s", "8", (1, 2, 5, 10, 25, 50, 100, 125)),
]
CELSIUS: tuple[int, ...] = (-40, -20, -18, -10, -5, *range(0, 51, 5), 8, 12, 18, 22, 24, 28, 32, 36, 37, 38, 39)
CELSIUS += (60, 70, 80, 90, 100, 120, 150, 160, 180, 200, 220, 250)
FAHRENHEIT: tuple[int, ...] = (-40, *range(0, 121, 10), 32, 55, 65, 68, 72, 75, 77, 85, 86, 95, 98, 102, 104)
FAHRENHEIT += (150, 200, 212, 250, 300, 325, 350, 375, 400, 425, 450, 500)
BYTES = [("KB", "bytes"), ("MB", "KB"), ("GB", "MB"), ("TB", "GB")]
_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 50, 64, 100)


def conversion_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A conversion in one of its wordings, and its answer."""
    chance = rng.random()
    if chance < 0.15:
        number, source, target, answer = _temperature(rng)
    elif chance < 0.3:
        number, source, target, answer = _bytes(rng)
    else:
        conversion = rng.choice(MEASURED if chance < 0.7 else EXACT)
        source, target = conversion.source, conversion.target
        number, answer = _drawn(conversion, rng)
    frame = corpus.word("convert frame", rng)
    return frame.format(n=number, s=named(corpus, source, rng), t=named(corpus, target, rng)), answer


def named(corpus: Corpus, unit: str, rng: Random) -> str:
    """A unit by one of its names."""
    names = {item[0]: item[1] for item in corpus.lists["unit name"]}
    return rng.choice(names[unit].split("|"))


def _drawn(conversion: Conversion, rng: Random) -> tuple[str, str]:
    """A number that the model knows, or in a third of the cases another."""
    if rng.random() < 0.68:
        known = rng.choice(conversion.numbers)
        return f"{known:g}", conversion.answer(known)
    number = _other(conversion.numbers, rng)
    return number, conversion.line(number)


def _other(known: tuple[float, ...], rng: Random) -> str:
    """A number, at times with decimals, that is not among those."""
    number = rng.randint(2, 10 ** rng.choice((2, 3, 3, 4)))
    if rng.random() < 0.2:
        return f"{number % 100 + 3}.{rng.randint(1, 9)}"
    return str(number) if number not in known else _other(known, rng)


def fahrenheit(degrees: int) -> str:
    """The sentence for a temperature in Celsius; all of the table but a few come out whole."""
    value = degrees * 9 / 5 + 32
    return f"{degrees} °C is {'' if value == int(value) else 'about '}{round(value)} °F."


def celsius(degrees: int) -> str:
    """The sentence for a temperature in Fahrenheit."""
    value = (degrees - 32) * 5 / 9
    return f"{degrees} °F is {'' if value == int(value) else 'about '}{round(value)} °C."


def _temperature(rng: Random) -> tuple[str, str, str, str]:
    to_fahrenheit = rng.random() < 0.5
    source, target = ("celsius", "fahrenheit") if to_fahrenheit else ("fahrenheit", "celsius")
    known = CELSIUS if to_fahrenheit else FAHRENHEIT
    if rng.random() < 0.75:
        degrees = rng.choice(known)
        return str(degrees), source, target, fahrenheit(degrees) if to_fahrenheit else celsius(degrees)
    number = _other(known, rng)
    if to_fahrenheit:
        return number, source, target, LINE.format(told=TO_FAHRENHEIT, code=f"{number} * 9 / 5 + 32")
    return number, source, target, LINE.format(told=TO_CELSIUS, code=f"({number} - 32) * 5 / 9")


TO_FAHRENHEIT = "Multiply by 9, divide by 5 and add 32:"
TO_CELSIUS = "Subtract 32, multiply by 5 and divide by 9:"


def _bytes(rng: Random) -> tuple[str, str, str, str]:
    """Bytes count in steps of 1000 or of 1024; both are told."""
    large, small = rng.choice(BYTES)
    number = rng.choice(_SIZES)
    chance = rng.random()
    if chance < 0.5:
        answer = f"{number} {large} is {number * 1000} {small}, or {number * 1024} in steps of 1024."
        return str(number), large, small, answer
    if chance < 0.65:
        return str(number * 1000), small, large, f"{number * 1000} {small} is {number} {large}."
    if chance < 0.75:
        return str(number * 1024), small, large, f"{number * 1024} {small} is {number} {large} in steps of 1024."
    other = str(rng.randint(101, 9999))
    told = f"1 {large} is 1000 {small}, or 1024 in steps of 1024:"
    if chance < 0.87:
        return other, large, small, LINE.format(told=told, code=f"{other} * 1000, {other} * 1024")
    return other, small, large, LINE.format(told=told, code=f"{other} / 1000, {other} / 1024")
