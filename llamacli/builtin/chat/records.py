"""Lists, tables and blocks of settings, and a question for one of their lines."""

import re
from random import Random

from llamacli.builtin.chat.patterns import Bindings, fill
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import value_of

_FIELD_FORMS = ("{n}: {x}", "{n}: {x}", "{n}={x}", "{n} = {x}", "{n} {x}", "{n}\t{x}", "- {n}: {x}", "  {n}: {x}",
                '"{n}": "{x}",', "| {n} | {x} |", "{n} - {x}")  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{3,}")

Record = tuple[list[str], int, str, str]
"""The lines, the number of the one that is asked for, the question, and the answer."""


def quoted(line: str) -> str:
    """The answer that shows the line which answers."""
    return f'The text says: "{line.strip().rstrip(".,")}".'


def record(corpus: Corpus, rng: Random) -> tuple[str, str, str]:
    """A text of some like lines, a question for one of them, and its answer."""
    make = rng.choices((_rows, _odd_rows, _fields, _keyword), weights=(9, 4, 4, 8))[0]
    lines, _, question, answer = make(corpus, rng)
    joiner = "\n" if rng.random() < 0.8 else ". "  # what is quoted always ends with a line or a sentence
    text = joiner.join(lines)
    if joiner == "\n" and rng.random() < 0.3:
        heading = corpus.word("record heading", rng)
        text = rng.choice(("{}\n{}", "{}:\n{}", "# {}\n{}", "{}\n\n{}")).format(heading, text)
    return text, question, answer


def _drawn(pattern: str, corpus: Corpus, rng: Random) -> tuple[str, Bindings]:
    bound: Bindings = {}
    line = fill(pattern, corpus, rng, bound, choices=False)
    return line, bound


def _rows(corpus: Corpus, rng: Random) -> Record:
    """Lines of one pattern; the question names what stands in one of them only."""
    pattern, questions = corpus.pick("rows", rng)
    asked = rng.choice(questions.split("|"))
    line, bound = _drawn(pattern, corpus, rng)
    question = fill(asked, corpus, rng, bound, choices=False)
    lines = [line]
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 6, 8))):
        other, values = _drawn(pattern, corpus, rng)
        if all(values[name] != bound[name] for name in bound):  # no value twice, so that one line alone answers
            lines.append(other)
    return _shuffled(lines, question, quoted(line), rng)


def _odd_rows(corpus: Corpus, rng: Random) -> Record:
    """Lines of one pattern and one that differs, which is asked for."""
    patterns, questions = corpus.pick("odd rows", rng)
    usual, odd = patterns.split(" => ")
    line, bound = _drawn(odd, corpus, rng)
    question = fill(rng.choice(questions.split("|")), corpus, rng, bound, choices=False)
    lines = [line, *(_drawn(usual, corpus, rng)[0] for _ in range(rng.choice((2, 2, 3, 3, 4, 6))))]
    return _shuffled(lines, question, quoted(line), rng)


def _fields(corpus: Corpus, rng: Random) -> Record:
    """Things and their values, all written in one way; asked for by name, or by what they mean."""
    items = {item[0]: item[1] for item in rng.sample(corpus.lists["field"], rng.randint(2, 7))}
    form, style = rng.choice(_FIELD_FORMS), rng.choice((str, str, str.capitalize, str.upper))
    values = {name: value_of(kind, corpus, rng) for name, kind in items.items()}
    lines = [form.format(n=style(name), x=value) for name, value in values.items()]
    name = rng.choice(list(values))
    meanings = [item[1] for item in corpus.lists["field meaning"] if item[0] == name]
    question = corpus.word("field asked", rng).format(n=name)
    if meanings and rng.random() < 0.6:
        question = rng.choice(meanings[0].split("|"))
    return lines, list(values).index(name), question, f"The {name} is {values[name]}."


def _keyword(corpus: Corpus, rng: Random) -> Record:
    """Lines of several kinds, and a question that shares words with one of them only."""
    lines = [_any_line(corpus, rng) for _ in range(rng.randint(2, 7))]
    line = rng.choice(lines)
    others = {word for other in lines if other != line for word in _WORD.findall(other.lower())}
    words = [word for word in _WORD.findall(line) if word.lower() not in others]
    if not words:
        return _rows(corpus, rng)
    chosen = sorted(rng.sample(range(len(words)), min(len(words), rng.choice((1, 1, 2, 2, 3)))))
    named = " ".join(_inflected(words[number], rng) for number in chosen)
    named = named.lower() if rng.random() < 0.6 else named
    return lines, lines.index(line), corpus.word("keyword asked", rng).format(w=named), quoted(line)


def _any_line(corpus: Corpus, rng: Random) -> str:
    """A line of a list, something stated, something said, or a question that is about something else."""
    kind = rng.choice(("rows", "stated", "stated", "said", "said", "question"))
    if kind != "question":
        return _drawn(corpus.pick(kind, rng)[0], corpus, rng)[0]
    _, pattern = rng.choice(rng.choice(corpus.files["outside"]).questions)
    return fill(pattern, corpus, rng, {}, choices=True)


def _inflected(word: str, rng: Random) -> str:
    """The word, now and then with an s more or less, as it may stand in a question."""
    if rng.random() < 0.75:
        return word
    return word[:-1] if word.endswith("s") else f"{word}s"


def _shuffled(lines: list[str], question: str, answer: str, rng: Random) -> Record:
    line = lines[0]
    rng.shuffle(lines)
    return lines, lines.index(line), question, answer
