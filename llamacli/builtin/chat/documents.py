"""Texts with a question after them, which they answer or which has nothing to do with them."""

import re
from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.keyboard import asked_as_typed
from llamacli.builtin.chat.memory import Turn
from llamacli.builtin.chat.passages import passage_questions
from llamacli.builtin.chat.patterns import Bindings, fill, made_up_word
from llamacli.builtin.chat.records import quoted, record
from llamacli.builtin.chat.texts import document, listing, log_line, paragraph, sentence
from llamacli.builtin.chat.told import make_fact
from llamacli.builtin.chat.topics import Corpus
from llamacli.builtin.chat.values import value_of

TOO_HARD = (
    "I am too small a model to sum up or judge a text. A larger one can:\n```sh\nllamacli ask -m llama-3.1-8b\n```"
)


def wrapped(text: str, corpus: Corpus, rng: Random) -> str:
    """The text as standard input gives it, or as `--file` does, in a fenced block with its name."""
    if rng.random() < 0.5:
        return text
    fence = "````" if "```" in text else "```"
    block = f"{fence}{value_of('file', corpus, rng)}\n{text}\n{fence}"
    if rng.random() < 0.2:
        other = f"```{value_of('file', corpus, rng)}\n{paragraph(corpus, rng)}\n```"
        return f"{block}\n\n{other}" if rng.random() < 0.5 else f"{other}\n\n{block}"
    return block


def asked_about(corpus: Corpus, rng: Random, characters: int, turn: Callable[[Random], Turn]) -> Turn:
    """A document, a blank line and a question; often one that has nothing to do with the document."""
    text = document(corpus, rng, characters)
    chance = rng.random()
    if chance < 0.12:
        question, answer, text = _failure(corpus, rng, text)
    elif chance < 0.32:
        question, answer, text = _told_inside(corpus, rng, text)
    elif chance < 0.4:
        question, answer = corpus.word("too hard", rng), TOO_HARD
    elif chance < 0.44:
        question, answer, text = _open_task(corpus, rng)
    elif chance < 0.53:
        question, answer, text = _stated(corpus, rng, text)
    elif chance < 0.62:
        own, question, answer = record(corpus, rng)
        text = f"{text}\n\n{own}" if len(text) < 400 else own
    else:
        question, answer = turn(rng)
        return f"{wrapped(text, corpus, rng)}\n\n{question}", answer
    return f"{wrapped(text, corpus, rng)}\n\n{asked_as_typed(question, rng)}", answer


def stated_question(corpus: Corpus, rng: Random) -> Turn:
    """A short text of plain sentences and a question that one of them answers, or none."""
    lines = [
        sentence(corpus, rng) if rng.random() < 0.5 else _statement(corpus, rng)[0]
        for _ in range(rng.choice((0, 0, 1, 2, 3, 5)))
    ]
    if rng.random() < 0.5:
        text, question, answer = record(corpus, rng)
    else:
        find = rng.choice((_stated, _stated, _stated, _told_inside, _failure))
        question, answer, text = find(corpus, rng, rng.choice(("\n", " ")).join(lines))
    if rng.random() < 0.08:
        question, answer = corpus.word("too hard", rng), TOO_HARD
        text = text if rng.random() < 0.4 else listing(corpus, rng)
    return _framed(text, question, answer, corpus, rng)


def passage_asked(corpus: Corpus, rng: Random) -> list[Turn]:
    """A connected text, now and then beside another one, with a question; and others after it, on the same text."""
    text, pairs = passage_questions(corpus, rng, rng.choice((1, 1, 1, 2, 3)))
    if rng.random() < 0.05:
        pairs = [(corpus.word("too hard", rng), TOO_HARD), *pairs[1:]]
    if rng.random() < 0.15:
        other, _ = passage_questions(corpus, rng)
        text = f"{text}\n\n{other}" if rng.random() < 0.5 else f"{other}\n\n{text}"
    (question, answer), *later = pairs
    return [
        _framed(text, question, answer, corpus, rng),
        *((asked_as_typed(question, rng), answer) for question, answer in later),
    ]


def _framed(text: str, question: str, answer: str, corpus: Corpus, rng: Random) -> Turn:
    """Text and question as people put them together: behind one another, the question first, or the text in a fence."""
    question = asked_as_typed(question, rng)
    chance = rng.random()
    if chance < 0.3:
        return text.rstrip() + rng.choice((" ", "\n", "\n", ". ")) + question, answer
    if chance < 0.55:
        frame = corpus.word("question first", rng).replace("\\n", "\n")
        return frame.replace("{q}", question).replace("{t}", text.rstrip()), answer
    return f"{wrapped(text, corpus, rng)}\n\n{question}", answer


def _statement(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A sentence and one of the questions that it answers."""
    pattern, questions = corpus.pick("stated", rng)
    bound: Bindings = {}
    line = fill(pattern, corpus, rng, bound, choices=False)
    question = fill(rng.choice(questions.split("|")), corpus, rng, bound, choices=False)
    line = line[:1].upper() + line[1:] if rng.random() < 0.5 else line
    return line + ("." if rng.random() < 0.6 else ""), question


def _stated(corpus: Corpus, rng: Random, text: str) -> tuple[str, str, str]:
    """A sentence put into the text, and the question for it; the answer quotes it."""
    line, question = _statement(corpus, rng)
    if rng.random() < 0.08 and len(text) < 300:
        return _statement(corpus, rng)[1], corpus.word("absent", rng), f"{text}\n{line}".strip()
    return question, quoted(line), _inserted(text, line, rng).strip("\n")


def _inserted(text: str, line: str, rng: Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randint(0, len(lines)), line)
    return "\n".join(lines)


def _failure(corpus: Corpus, rng: Random, text: str) -> tuple[str, str, str]:
    line, message = _traceback(corpus, rng) if rng.random() < 0.2 else log_line(corpus, rng, fault=True)
    lines = [log_line(corpus, rng, fault=False)[0] for _ in range(max(1, min(len(text) // 40, 60)))]
    return corpus.word("what failed", rng), f"The error is: {message}", _inserted("\n".join(lines), line, rng)


def _traceback(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """An exception as Python prints it, and its last line."""
    word, ending = made_up_word(corpus, rng), corpus.word("ext", rng)
    message = corpus.word("exception", rng).format(w=word, e=ending, i=rng.randint(1, 999))
    calls = [
        f'  File "{made_up_word(corpus, rng)}.py", line {rng.randint(1, 400)}, in {made_up_word(corpus, rng)}\n'
        f"    {made_up_word(corpus, rng)}({made_up_word(corpus, rng)})"
        for _ in range(rng.randint(1, 3))
    ]
    return "\n".join(["Traceback (most recent call last):", *calls, message]), message


def _open_task(corpus: Corpus, rng: Random) -> tuple[str, str, str]:
    """A list of tasks of which one is not done."""
    done, undone = rng.choice((("- [x]", "- [ ]"), ("done:", "todo:"), ("[x]", "[ ]"), ("DONE", "TODO")))
    tasks = [
        f"{corpus.word('task', rng)} {made_up_word(corpus, rng) if rng.random() < 0.5 else corpus.word('word', rng)}"
        for _ in range(rng.randint(1, 7))
    ]
    lines = "\n".join(f"{done} {task}" for task in tasks[1:])
    return (
        corpus.word("what is left", rng),
        f"Still open: {tasks[0]}",
        _inserted(lines, f"{undone} {tasks[0]}", rng).strip("\n"),
    )


def _told_inside(corpus: Corpus, rng: Random, text: str) -> tuple[str, str, str]:
    """A line that gives something a value, and the question for it; sometimes for a value not given."""
    noun, kind = corpus.pick("field", rng)
    if rng.random() < 0.35:
        fact = make_fact(corpus, rng, "noun")
        noun, value = fact.key.partition(" ")[2], fact.value
    else:
        value = value_of(kind, corpus, rng)
    written = noun.upper() if rng.random() < 0.08 else noun
    line = corpus.word("field line", rng).replace("\\t", "\t").format(n=written, x=value)
    question = corpus.word("field asked", rng)
    if rng.random() < 0.1 and len(text) < 300:
        other = corpus.word("field", rng)
        if not re.search(rf"\b{other}\b", f"{line} {text}", re.IGNORECASE):
            return question.format(n=other), corpus.word("absent", rng), _inserted(text, line, rng)
    return question.format(n=noun), f"The {noun} is {value}.", _inserted(text, line, rng)
