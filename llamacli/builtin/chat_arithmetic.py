"""Small sums in many wordings, with their answers."""

from __future__ import annotations

from random import Random

_WORDINGS = {
    "+": ["{a} + {b}", "{a}+{b}", "{a} plus {b}", "add {a} and {b}", "the sum of {a} and {b}", "{a} and {b} together",
          "add {b} to {a}", "sum of {a} and {b}", "{a} + {b} ="],
    "-": ["{a} - {b}", "{a}-{b}", "{a} minus {b}", "subtract {b} from {a}", "{a} less {b}", "take {b} from {a}",
          "the difference of {a} and {b}", "{a} - {b} ="],
    "*": ["{a} * {b}", "{a}*{b}", "{a} times {b}", "{a} x {b}", "multiply {a} by {b}", "the product of {a} and {b}",
          "{a} multiplied by {b}", "{a} × {b}", "multiply {a} and {b}", "{a} * {b} ="],
    "/": ["{a} / {b}", "{a}/{b}", "{a} divided by {b}", "divide {a} by {b}", "{a} over {b}", "{a} ÷ {b}",
          "the quotient of {a} and {b}", "{a} : {b}"],
}  # fmt: skip
_FRAMES = ["{}", "{}", "what is {}", "what is {}", "what's {}", "how much is {}", "calculate {}", "compute {}",
           "tell me {}", "can you work out {}", "what does {} make", "result of {}", "solve {}", "what do you get for {}",
           "please compute {}", "give me {}", "evaluate {}", "i need {}", "do you know what {} is"]  # fmt: skip
_KOREAN = {"+": ["{a} 더하기 {b}", "{a} + {b}"], "-": ["{a} 빼기 {b}", "{a} - {b}"],
           "*": ["{a} 곱하기 {b}", "{a} * {b}"], "/": ["{a} 나누기 {b}", "{a} / {b}"]}  # fmt: skip
_KOREAN_FRAMES = ["{}는?", "{}은 얼마야", "{}는 얼마예요?", "{} 계산해줘", "{}는 뭐야", "{}"]
_STORIES = [
    ("+", "i have {a} {t} and buy {b} more. how many {t} do i have", "You have {r} {t}."),
    ("+", "there are {a} {t} in one box and {b} in another, how many {t} are there", "There are {r} {t}."),
    ("-", "i have {a} {t} and give away {b}. how many {t} are left", "{r} {t} are left."),
    ("-", "i had {a} {t} and lost {b}, how many do i have now", "You have {r} {t}."),
    ("*", "{a} boxes hold {b} {t} each. how many {t} are there", "There are {r} {t}."),
    ("/", "{a} {t} are shared by {b} people. how many does each get", "Each gets {r} {t}."),
]
_THINGS = "apples pears books coins cards pens eggs balls cookies files stamps keys cups chairs".split()


def operands(operation: str, rng: Random) -> tuple[int, int, int]:
    """Two numbers and the result of the operation on them; division is always exact."""
    size = rng.choices((12, 20, 100, 999), weights=(3, 3, 5, 1.5))[0]
    if operation in "*/":
        a, b = rng.randint(1, 12), rng.randint(1, 12)
        if rng.random() < 0.15:
            a, b = rng.choice(((rng.randint(0, 30), rng.randint(0, 10)), (10, rng.randint(1, 100)), (2, rng.randint(1, 100))))
        b = max(b, 1) if operation == "/" else b
        return (a, b, a * b) if operation == "*" else (a * b, b, a)
    a, b = rng.randint(0, size), rng.randint(0, size)
    if operation == "-":
        a, b = (a, b) if a >= b or rng.random() < 0.15 else (b, a)
        return a, b, a - b
    return a, b, a + b


def sum_question(rng: Random) -> tuple[str, str]:
    """A sum in words or signs, and its answer."""
    chance = rng.random()
    if chance < 0.06:
        return _story(rng)
    if chance < 0.12:
        return _named(rng)
    operation = rng.choice("++-**/")
    a, b, result = operands(operation, rng)
    if chance < 0.2:
        frame, wording = rng.choice(_KOREAN_FRAMES), rng.choice(_KOREAN[operation])
    else:
        frame, wording = rng.choice(_FRAMES), rng.choice(_WORDINGS[operation])
    return frame.format(wording.format(a=a, b=b)), f"{a} {operation} {b} = {result}"


def _story(rng: Random) -> tuple[str, str]:
    operation, question, answer = rng.choice(_STORIES)
    a, b, result = operands(operation, rng)
    if result < 0:
        a, b, result = b, a, -result
    thing = rng.choice(_THINGS)
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
