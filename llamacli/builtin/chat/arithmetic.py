"""Small sums in many wordings, with their answers; larger ones are left to Python."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.chains import KNOWN_CHAINS, chain_question
from llamacli.builtin.chat.clock import clock_question
from llamacli.builtin.chat.conversions import conversion_question
from llamacli.builtin.chat.named_sums import KNOWN_NAMED, named_question
from llamacli.builtin.chat.number_words import as_written
from llamacli.builtin.chat.puzzles import puzzle_question
from llamacli.builtin.chat.signed import KNOWN_SIGNED, signed_question
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import people
from llamacli.builtin.chat.worded_conversions import worded_conversion

_NAMES = {"+": "plus", "-": "minus", "*": "times", "/": "over"}
_ORDERS = {"add", "subtract", "take", "multiply", "divide", "double"}
_ROUND = (100, 120, 150, 160, 180, 200, 240, 250, 300, 320, 360, 400, 450, 480, 500, 600, 700, 720, 750, 800, 900, 1000)
_ROUND_DIVISORS = (2, 3, 4, 5, 6, 8, 9, 10, 20, 25, 50, 100)

HARD = 'I only do small sums. Python knows:\n```sh\npython3 -c "print({})"\n```'
HARD_STORY = (
    "I only do small sums, so I do not guess this one. A larger model may know:\n"
    "```sh\nllamacli ask -m llama-3.1-8b\n```"
)


def _products() -> set[tuple[int, int]]:
    """Factors whose product the model knows: up to 12 by 12, 20 by 10, and tens up to 100 by 12."""
    table = {(a, b) for a in range(13) for b in range(13)} | {(a, b) for a in range(21) for b in range(11)}
    table |= {(a, b) for a in range(10, 101, 10) for b in range(13)} | {(a, 10) for a in range(101)}
    return table | {(b, a) for a, b in table}


def _quotients() -> set[tuple[int, int]]:
    """Dividends and divisors, all exact: the products backwards, and round numbers by round numbers."""
    table = {(a * b, b) for a, b in PRODUCTS if b and a * b <= 1000}
    return table | {(a, b) for a in _ROUND for b in _ROUND_DIVISORS if a % b == 0}


PRODUCTS = _products()
QUOTIENTS = _quotients()
_SOME_PRODUCTS, _SOME_QUOTIENTS = sorted(PRODUCTS), sorted(QUOTIENTS)
_HUNDREDS = range(100, 1001, 50)
_HEIGHTS, _STEPS = (100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000, 5000), range(1, 11)
"""Round numbers, and how far from them the model is to count: 1000 - 1."""
# Every sum that the model is to know itself, as Python writes it.
KNOWN = KNOWN_NAMED | KNOWN_CHAINS | KNOWN_SIGNED
KNOWN |= {f"{a} {sign} {b}" for a in range(101) for b in range(101) for sign in "+-"}
KNOWN |= {f"{a} {sign} {b}" for a in _HUNDREDS for b in _HUNDREDS for sign in "+-"}
KNOWN |= {f"{a} {sign} {b}" for a in _HEIGHTS for b in _STEPS for sign in "+-"}
KNOWN |= {f"({a} + {b}) / 2" for a in range(91) for b in range(91) if a != b and abs(a - b) <= 40 and (a - b) % 2 == 0}
KNOWN |= {f"{a} * {b}" for a, b in PRODUCTS} | {f"{a} / {b}" for a, b in QUOTIENTS}


def operands(operation: str, rng: Random) -> tuple[int, int, int]:
    """Two numbers and the result, of a sum that the model is to know; division is always exact."""
    if operation in "*/":
        return _factors(operation, rng)
    chance = rng.random()
    if chance < 0.07:
        a, b = rng.choice(_HUNDREDS), rng.choice(_HUNDREDS)
    elif chance < 0.11:
        a, b = rng.choice(_HEIGHTS), rng.choice(_STEPS)
    else:
        size = rng.choices((12, 20, 100), weights=(3, 3, 6))[0]
        a, b = rng.randint(0, size), rng.randint(0, size)
    if operation == "-":
        a, b = (a, b) if a >= b or rng.random() < 0.15 else (b, a)
        return a, b, a - b
    return a, b, a + b


def _factors(operation: str, rng: Random) -> tuple[int, int, int]:
    """As `operands`: mostly up to 12 by 12, at times any of the table."""
    if rng.random() < 0.35:
        a, b = rng.choice(_SOME_PRODUCTS if operation == "*" else _SOME_QUOTIENTS)
        return (a, b, a * b) if operation == "*" else (a, b, a // b)
    a, b = rng.randint(0 if rng.random() < 0.1 else 1, 12), rng.randint(1, 12)
    return (a, b, a * b) if operation == "*" else (a * b, b, a)


def hard_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum that is too hard, and the Python that does it; for a story, a refusal."""
    chance = rng.random()
    numbers = _numbers(rng)
    if chance < 0.12:
        story = corpus.word("hard story", rng).format(**numbers, t=corpus.word("counted", rng))
        return story, HARD_STORY
    if chance < 0.18:
        n = rng.randint(51, 10 ** rng.randint(2, 5))
        return corpus.word("named prime", rng).format(n=n), HARD.format(f"all({n} % i for i in range(2, {n}))")
    question, code = corpus.pick("hard other" if chance < 0.52 else "hard sum", rng)
    while code.format(**numbers) in KNOWN:
        numbers = _numbers(rng)
    kind = "do frame" if question.split()[0] in _ORDERS else "sum frame"
    frame = corpus.word("korean sum frame" if rng.random() < 0.06 else kind, rng)
    return frame.format(question.format(**numbers)), HARD.format(code.format(**numbers))


def _numbers(rng: Random) -> dict[str, str]:
    """Values for the large {a}, {b} and {q}, the smaller {n}, {m}, {k} and {p}, and the decimals {d} and {e}."""
    a, b = (rng.randint(2, 10 ** rng.choice((1, 2, 3, 3, 4, 4, 5, 6))) for _ in range(2))
    root = rng.randint(145, 10 ** rng.randint(3, 5))
    small = {"n": rng.randint(2, 99), "m": rng.randint(13, 99), "k": rng.randint(2, 30), "p": rng.randint(1, 100)}
    d, e = (f"{rng.randint(0, 99)}.{rng.randint(1, 99)}" for _ in range(2))
    return {key: str(value) for key, value in small.items()} | {
        "a": f"{a}",
        "b": f"{b}",
        "q": f"{root}",
        "d": d,
        "e": e,
    }


def sum_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum or a conversion, in words or signs, and its answer."""
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    return kind(corpus, rng)


def _plain(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """One of the four operations on two numbers."""
    operation = rng.choice("++---**//")
    a, b, result = operands(operation, rng)
    name = _NAMES[operation]
    chance = rng.random()
    if chance < 0.1:
        frame, wording = corpus.word("korean sum frame", rng), corpus.word(f"korean {name}", rng)
    elif chance < 0.35:
        frame, wording = corpus.word("do frame", rng), corpus.word(f"do {name}", rng)
    else:
        frame, wording = corpus.word("sum frame", rng), corpus.word(name, rng)
    first, second = as_written((a, b), rng, 0.0 if chance < 0.1 else 0.12)
    question = frame.format(wording.replace("\\n", "\n").format(a=first, b=second))
    return question, f"{a} {operation} {b} = {result}"


def _story(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum of one step told as a small story about at least two things; the answer says the sum first."""
    told, answer = corpus.pick("story", rng)
    operation, _, question = told.partition(" ")
    a, b, result = operands(operation, rng)
    while min(a, b, abs(result)) < 2:
        a, b, result = operands(operation, rng)
    if result < 0:
        a, b, result = b, a, -result
    thing = corpus.word("counted", rng)
    first, second = as_written((a, b), rng, 0.15)
    told = answer.format(r=result, t=thing)
    return question.format(a=first, b=second, t=thing, **people(corpus, rng)), f"{a} {operation} {b} = {result}. {told}"


# What asks for a sum, and how often it is drawn.
_KINDS: dict[Callable[[Corpus, Random], tuple[str, str]], float] = {
    _plain: 36,
    _story: 20,
    named_question: 22,
    chain_question: 9,
    signed_question: 4,
    clock_question: 6,
    puzzle_question: 8,
    conversion_question: 13,
    worded_conversion: 4,
    hard_question: 22,
}
