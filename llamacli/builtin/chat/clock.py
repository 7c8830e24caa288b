"""Sums with days of the week, months, hours and minutes."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.number_words import as_written
from llamacli.builtin.chat.topics import Corpus

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July", "August", "September")
MONTHS += ("October", "November", "December")
Time = tuple[dict[str, str], str]  # what stands in the wording, and the answer


def counted(number: int, unit: str) -> str:
    """A number of units: `1 hour`, `2 hours`."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def hour(number: int) -> str:
    """An hour of the day, of 24, on the clock of 12."""
    return f"{number % 12 or 12} {'pm' if number % 24 >= 12 else 'am'}"


def _named(names: tuple[str, ...], unit: str, sign: int, largest: int) -> Callable[[Random], Time]:
    """Some days or months after or before another."""

    def make(rng: Random) -> Time:
        start, step = rng.randrange(len(names)), rng.randint(2, largest)
        said = names[start] if rng.random() < 0.4 else names[start].lower()
        found = names[(start + sign * step) % len(names)]
        answer = f"{counted(step, unit)} {'after' if sign > 0 else 'before'} {names[start]} is {found}."
        return {"a": as_written((step,), rng, 0.3)[0], "x": said}, answer

    return make


def _hours(sign: int) -> Callable[[Random], Time]:
    """Some hours after or before a full hour."""

    def make(rng: Random) -> Time:
        start, step = rng.randrange(24), rng.randint(1, 12)
        answer = (
            f"{counted(step, 'hour')} {'after' if sign > 0 else 'before'} {hour(start)} is {hour(start + sign * step)}."
        )
        said = hour(start) if rng.random() < 0.7 else hour(start).replace(" ", "")
        written = as_written((step,), rng, 0.3)[0]
        return {"a": f"{written} hour{'' if step == 1 else 's'}", "x": said}, answer

    return make


def _between(rng: Random) -> Time:
    start = rng.randrange(23)
    end = rng.randint(start + 1, 23)
    answer = f"From {hour(start)} to {hour(end)} it is {counted(end - start, 'hour')}."
    return {"x": hour(start), "y": hour(end)}, answer


def _split(rng: Random) -> Time:
    minutes = rng.choice((rng.randint(61, 300), rng.randrange(65, 240, 5)))
    hours, rest = divmod(minutes, 60)
    told = counted(hours, "hour") + (f" and {counted(rest, 'minute')}" if rest else "")
    return {"a": str(minutes)}, f"{minutes} minutes is {told}."


def _joined(rng: Random) -> Time:
    hours, minutes = rng.randint(1, 6), rng.choice((rng.randint(1, 59), rng.randrange(5, 60, 5)))
    said = rng.choice(("{} {}", "{} and {}")).format(counted(hours, "hour"), counted(minutes, "minute"))
    return {"x": said}, f"{hours} * 60 is {hours * 60}, and {hours * 60} + {minutes} is {hours * 60 + minutes} minutes."


# For each list of wordings in sums.txt: how often it is drawn, and what fills it.
_KINDS: dict[str, tuple[float, Callable[[Random], Time]]] = {
    "days after": (5, _named(DAYS, "day", 1, 10)),
    "days before": (3, _named(DAYS, "day", -1, 7)),
    "months after": (2, _named(MONTHS, "month", 1, 12)),
    "hours after": (5, _hours(1)),
    "hours before": (3, _hours(-1)),
    "hours between": (4, _between),
    "minutes split": (3, _split),
    "minutes joined": (3, _joined),
}


def clock_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum with times in one of its wordings, and its answer."""
    name = rng.choices(list(_KINDS), [weight for weight, _ in _KINDS.values()])[0]
    slots, answer = _KINDS[name][1](rng)
    return corpus.word(f"clock {name}", rng).format(**slots), answer
