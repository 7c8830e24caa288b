"""Small sums in many wordings, with their answers."""

from random import Random

from llamacli.builtin.chat.patterns import Corpus

_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_NAMES = {"+": "plus", "-": "minus", "*": "times", "/": "over"}


HARD = 'I only do small sums. Python knows:\n```sh\npython3 -c "print({})"\n```'
HARD_STORY = (
    "I only do small sums, so I do not guess this one. A larger model may know:\n"
    "```sh\nllamacli ask -m llama-3.1-8b\n```"
)


def operands(operation: str, rng: Random) -> tuple[int, int, int]:
    """Two numbers and the result: up to 100 for sums, up to 12 for products; division is always exact."""
    if operation in "*/":
        a, b = rng.randint(0 if rng.random() < 0.1 else 1, 12), rng.randint(1, 12)
        return (a, b, a * b) if operation == "*" else (a * b, b, a)
    size = rng.choices((12, 20, 100), weights=(3, 3, 6))[0]
    a, b = rng.randint(0, size), rng.randint(0, size)
    if operation == "-":
        a, b = (a, b) if a >= b or rng.random() < 0.15 else (b, a)
        return a, b, a - b
    return a, b, a + b


def is_small(operation: str, a: int, b: int) -> bool:
    """Whether the model is to know the result itself."""
    if operation == "*":
        return a <= 12 and b <= 12
    if operation == "/":
        return b != 0 and a % b == 0 and b <= 12 and a // b <= 12
    return a <= 100 and b <= 100


def hard_question(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum that is too hard, and the Python that does it; for a story, a refusal."""
    chance = rng.random()
    numbers = _numbers(rng)
    if chance < 0.12:
        story = corpus.word("hard story", rng).format(**numbers, t=corpus.word("counted", rng))
        return story, HARD_STORY
    if chance < 0.2:
        n = numbers[rng.choice("am")]
        return corpus.word("prime", rng).format(a=n, m=n), HARD.format(f"all({n} % i for i in range(2, {n}))")
    other = chance < 0.55
    question, code = corpus.pick("hard other" if other else "hard sum", rng)
    while other and int(numbers["a"]) <= 100:
        numbers = _numbers(rng)
    while code[:3] == "{a}" and len(code) == 9 and is_small(code[4], int(numbers["a"]), int(numbers["b"])):
        numbers = _numbers(rng)
    frame = corpus.word("korean sum frame" if rng.random() < 0.08 else "sum frame", rng)
    return frame.format(question.format(**numbers)), HARD.format(code.format(**numbers))


def _numbers(rng: Random) -> dict[str, str]:
    """Values for the large {a}, {b} and {q}, the smaller {n}, {m}, {k} and {p}, and the decimals {d} and {e}."""
    a, b = (rng.randint(2, 10 ** rng.choice((2, 3, 3, 4, 4, 5, 6))) for _ in range(2))
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
    """A sum in words or signs, and its answer."""
    if rng.random() < 0.4:
        return hard_question(corpus, rng)
    chance = rng.random()
    if chance < 0.06:
        return _story(corpus, rng)
    if chance < 0.12:
        return _named(rng)
    operation = rng.choice("++-**/")
    a, b, result = operands(operation, rng)
    if chance < 0.2:
        frame, wording = corpus.word("korean sum frame", rng), corpus.word(f"korean {_NAMES[operation]}", rng)
    else:
        frame, wording = corpus.word("sum frame", rng), corpus.word(_NAMES[operation], rng)
    question = frame.format(wording.replace("\\n", "\n").format(a=a, b=b))
    if rng.random() < 0.05 and max(a, b) <= 12:
        question = question.replace(str(a), _WORDS[a], 1).replace(str(b), _WORDS[b], 1)
    return question, f"{a} {operation} {b} = {result}"


def _story(corpus: Corpus, rng: Random) -> tuple[str, str]:
    told, answer = corpus.pick("story", rng)
    operation, _, question = told.partition(" ")
    a, b, result = operands(operation, rng)
    if result < 0:
        a, b, result = b, a, -result
    thing = corpus.word("counted", rng)
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
