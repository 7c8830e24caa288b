"""Sums of two or three steps, each a sum that the model knows; the answer tells one step after the other."""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from random import Random

from llamacli.builtin.chat.number_words import as_written
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import people

_LETTERS = "abcd"
_SIGNS = re.compile(r"[-+*/×(]|\{a\}x")  # numbers in words stand only among words
_OPERATORS: dict[type[ast.operator], tuple[str, Callable[[int, int], int]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.floordiv),
}


@dataclass(frozen=True)
class Chain:
    """A form of sum as Python writes it, how often it is drawn, the largest of each number, and which numbers fit."""

    code: str
    weight: float
    largest: tuple[int, ...]
    fits: Callable[..., bool] = lambda *_: True

    def written(self, numbers: tuple[int, ...]) -> str:
        """The sum of these numbers, for Python."""
        return self.code.format(**dict(zip(_LETTERS, numbers, strict=False)))


# For each list of wordings in sums.txt ("chain added") its form; each step is known and none goes below zero.
CHAINS = {
    "added": Chain("{a} + {b} + {c}", 10, (30, 30, 30)),
    "four added": Chain("{a} + {b} + {c} + {d}", 3, (10, 10, 10, 10)),
    "added and taken": Chain("{a} + {b} - {c}", 4, (30, 30, 30), lambda a, b, c: a + b >= c),
    "taken and added": Chain("{a} - {b} + {c}", 3, (30, 30, 30), lambda a, b, _: a >= b),
    "taken twice": Chain("{a} - {b} - {c}", 4, (30, 30, 30), lambda a, b, c: a >= b + c),
    "product and added": Chain("{a} * {b} + {c}", 5, (10, 10, 20)),
    "product and taken": Chain("{a} * {b} - {c}", 4, (10, 10, 20), lambda a, b, c: a * b >= c),
    "added product": Chain("{a} + {b} * {c}", 5, (20, 10, 10)),
    "taken product": Chain("{a} - {b} * {c}", 3, (100, 10, 10), lambda a, b, c: a >= b * c),
    "sum times": Chain("({a} + {b}) * {c}", 4, (10, 10, 10)),
    "multiplied": Chain("{a} * {b} * {c}", 4, (10, 10, 10), lambda a, b, _: a * b <= 20 or a * b in (30, 40, 50, 100)),
    "average": Chain("({a} + {b} + {c}) / 3", 3, (20, 20, 20), lambda a, b, c: (a + b + c) % 3 == 0),
    "perimeter": Chain("2 * ({a} + {b})", 2, (20, 20)),
}


def _all_known() -> set[str]:
    ranges = {name: [range(1, most + 1) for most in chain.largest] for name, chain in CHAINS.items()}
    return {
        chain.written(numbers)
        for name, chain in CHAINS.items()
        for numbers in product(*ranges[name])
        if chain.fits(*numbers)
    }


KNOWN_CHAINS = _all_known()


def told(code: str) -> str:
    """The steps of a sum: `12 + 7 is 19, and 19 + 5 is 24.`"""
    steps: list[str] = []

    def value(node: ast.expr) -> int:
        if isinstance(node, ast.BinOp):
            sign, compute = _OPERATORS[type(node.op)]
            left, right = value(node.left), value(node.right)
            steps.append(f"{left} {sign} {right} is {compute(left, right)}")
            return compute(left, right)
        return int(ast.literal_eval(node))

    value(ast.parse(code, mode="eval").body)
    return ", ".join(steps[:-1]) + f", and {steps[-1]}."


def chain_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum of several steps, said as a thing, as an order or as a story, and its steps."""
    name = rng.choices(list(CHAINS), [chain.weight for chain in CHAINS.values()])[0]
    chain = CHAINS[name]
    kinds = [kind for kind in ("chain", "chain", "do chain", "chain story") if f"{kind} {name}" in corpus.lists]
    kind = rng.choice(kinds)
    numbers = _numbers(chain, 2 if kind == "chain story" else 1, rng)
    wording = corpus.word(f"{kind} {name}", rng)
    written = as_written(numbers, rng, 0.0 if _SIGNS.search(wording) else 0.12)
    thing = corpus.word("counted", rng)
    question = wording.format(t=thing, **people(corpus, rng), **dict(zip(_LETTERS, written, strict=False)))
    if kind != "chain story":
        question = corpus.word("sum frame" if kind == "chain" else "do frame", rng).format(question)
    return question, told(chain.written(numbers))


def _numbers(chain: Chain, least: int, rng: Random) -> tuple[int, ...]:
    """Numbers that fit, mostly small ones."""
    size = rng.choice((10, 10, 30, 100))
    while True:
        numbers = tuple(rng.randint(least, min(size, most)) for most in chain.largest)
        if chain.fits(*numbers):
            return numbers
