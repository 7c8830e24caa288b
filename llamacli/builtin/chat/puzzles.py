"""Small questions about numbers: a missing one, a sum that may be wrong, the next of a row, the largest of some."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.number_words import in_words
from llamacli.builtin.chat.topics import Corpus

Puzzle = tuple[dict[str, str], str]  # what stands in the wording, and the answer


def _missing(sign: str) -> Callable[[Random], Puzzle]:
    """A sum whose second number ("times" and "plus": either) is asked for; answered by how to find it, and the sum."""

    def make(rng: Random) -> Puzzle:
        most = 12 if sign == "*" else rng.choice((12, 20, 50))
        a, b = rng.randint(1, most), rng.randint(1, most)
        if sign == "-":
            a, b = max(a, b), min(a, b)
        result = {"+": a + b, "-": a - b, "*": a * b}[sign]
        step = {"+": f"{result} - {a}", "-": f"{a} - {result}", "*": f"{result} / {a}"}[sign]
        return {"a": str(a), "r": str(result)}, f"{step} = {b}: {a} {sign} {b} = {result}"

    return make


def claim(a: int, sign: str, b: int, said: int) -> str:
    """Whether a sum is as somebody says."""
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    return f"{'Yes' if result == said else 'No'}, {a} {sign} {b} is {result}."


def _claim(rng: Random) -> Puzzle:
    sign = rng.choice("++-*")
    most = 10 if sign == "*" else rng.choice((5, 10, 20))
    a, b = rng.randint(1, most), rng.randint(1, most)
    a, b = (max(a, b), min(a, b)) if sign == "-" else (a, b)
    right = {"+": a + b, "-": a - b, "*": a * b}[sign]
    said = right if rng.random() < 0.5 else max(0, right + rng.choice((-2, -1, 1, 1, 2, 10)))
    shown = rng.choice((sign, sign, {"+": "plus", "-": "minus", "*": "times"}[sign]))
    return {"x": f"{a} {shown} {b}", "r": str(said)}, claim(a, sign, b, said)


def _row(rng: Random) -> Puzzle:
    """A row that goes up or down by the same number, or doubles."""
    length, step = rng.randint(3, 5), rng.choice((*range(1, 11), 2, 5, 10, 20, 25, 50, 100))
    if rng.random() < 0.15:
        row = [rng.choice((1, 2, 3, 5)) * 2**place for place in range(length + 1)]
        rule = "Always doubled"
    elif rng.random() < 0.2:
        row = [step * (length + rng.randint(0, 5))]
        row += [row[0] - step * place for place in range(1, length + 1)]
        rule = f"Always {step} less"
    else:
        start = rng.choice((step, 1, rng.randint(0, 20)))
        row = [start + step * place for place in range(length + 1)]
        rule = f"Always {step} more"
    return {"x": ", ".join(map(str, row[:-1]))}, f"{rule}: next comes {row[-1]}."


def _some(rng: Random) -> list[int]:
    return rng.sample(range(rng.choice((12, 100, 100, 1000)) + 1), rng.choice((3, 3, 4, 5)))


def _listed(numbers: list[int], rng: Random) -> str:
    if max(numbers) <= 20 and rng.random() < 0.1:
        return ", ".join(map(in_words, numbers))
    joint = rng.choice((" and ", ", ", " or "))
    return ", ".join(map(str, numbers[:-1])) + joint + str(numbers[-1])


def _largest(rng: Random) -> Puzzle:
    numbers = _some(rng)
    return {"x": _listed(numbers, rng)}, f"The largest is {max(numbers)}."


def _smallest(rng: Random) -> Puzzle:
    numbers = _some(rng)
    return {"x": _listed(numbers, rng)}, f"The smallest is {min(numbers)}."


def _sorted(rng: Random) -> Puzzle:
    numbers = _some(rng)
    shown = rng.choice((", ", " ")).join(map(str, numbers))
    return {"x": shown}, ", ".join(map(str, sorted(numbers))) + "."


def _dozens(rng: Random) -> Puzzle:
    number = rng.randint(1, 12)
    said = rng.choice((str(number), in_words(number))) if number > 1 else rng.choice(("a", "one"))
    return {"a": said}, f"{number} * 12 = {number * 12}"


# For each list of wordings in sums.txt: how often it is drawn, and what fills it.
_KINDS: dict[str, tuple[float, Callable[[Random], Puzzle]]] = {
    "missing plus": (5, _missing("+")),
    "missing minus": (3, _missing("-")),
    "missing times": (4, _missing("*")),
    "claim": (6, _claim),
    "row": (5, _row),
    "largest": (4, _largest),
    "smallest": (3, _smallest),
    "sorted": (3, _sorted),
    "dozens": (3, _dozens),
}


def puzzle_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A small question about numbers in one of its wordings, and its answer."""
    name = rng.choices(list(_KINDS), [weight for weight, _ in _KINDS.values()])[0]
    slots, answer = _KINDS[name][1](rng)
    wording = corpus.word(f"puzzle {name}", rng)
    equals = rng.choice((" = ", "=", " = "))
    return wording.format(t=corpus.word("counted", rng), e=equals, **slots), answer
