"""Small sums in Korean, in figures and in words, with their answers."""

from random import Random

from llamacli.builtin.chat.arithmetic import KNOWN, operands
from llamacli.builtin.chat.hangul import in_words, particles
from llamacli.builtin.chat.topics import Corpus

HARD = '저는 작은 계산만 합니다. 파이썬이 계산합니다:\n```sh\npython3 -c "print({})"\n```'
_NAMES = {"+": "더하기", "-": "빼기", "*": "곱하기", "/": "나누기"}


def korean_sum(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum in Korean and its answer; a tenth are too large and get the line of Python that does them."""
    chance = rng.random()
    if chance < 0.1:
        return _hard(corpus, rng)
    if chance < 0.2:
        return _named(corpus, rng)
    operation = rng.choice("++-**/")
    a, b, result = operands(operation, rng)
    answer = f"{a} {operation} {b} = {result}"
    if chance < 0.3 and result >= 0:
        story = corpus.word(f"{_NAMES[operation]} 이야기", rng)
        return particles(story.format(a=a, b=b, t=corpus.word("세는 것", rng)), rng), answer
    in_figures = chance < 0.82
    first, second = (str(number) if in_figures else in_words(number) for number in (a, b))
    return _asked(operation, first, second, corpus, rng), answer


def _asked(operation: str, a: str, b: str, corpus: Corpus, rng: Random) -> str:
    form = corpus.word(f"{_NAMES[operation]} 꼴", rng).format(a=a, b=b)
    frame = corpus.word("셈 조건 틀" if form.endswith("면") else "셈 틀", rng)
    return particles(frame.format(form), rng)


def _hard(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sum that the model is not to know, and the Python that does it."""
    operation = rng.choice("+-*/")
    code = next(iter(KNOWN))
    while code in KNOWN:
        a, b = (rng.randint(13, 10 ** rng.choice((2, 3, 3, 4, 5))) for _ in range(2))
        code = f"{a} {operation} {b}"
    return _asked(operation, str(a), str(b), corpus, rng), HARD.format(code)


def _named(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """Doubles, halves, squares, and what comes before and after."""
    n, square = rng.randint(1, 50), rng.randint(1, 12)
    wording, answer = rng.choice((
        (f"{n}의 두 배", f"2 * {n} = {2 * n}"),
        (f"{n}의 2배", f"2 * {n} = {2 * n}"),
        (f"{2 * n}의 절반", f"{2 * n} / 2 = {n}"),
        (f"{2 * n}의 반", f"{2 * n} / 2 = {n}"),
        (f"{square}의 제곱", f"{square} * {square} = {square * square}"),
        (f"{square} 제곱", f"{square} * {square} = {square * square}"),
        (f"{n} 다음 수", f"{n} 다음은 {n + 1}입니다."),
        (f"{n} 바로 앞의 수", f"{n} 앞은 {n - 1}입니다."),
    ))  # fmt: skip
    return particles(corpus.word("셈 틀", rng).format(wording), rng), answer
