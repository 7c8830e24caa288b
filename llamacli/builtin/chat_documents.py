"""Texts that stand before a question: documents, logs, code and files in fenced blocks."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat_memory import Turn, make_fact, person, value_of
from llamacli.builtin.chat_patterns import Corpus, ask, choose_topic, made_up_word

_PROSE = {"tool": 5.0, "facts": 2.0, "talk": 0.5}
TOO_HARD = "I am too small a model to judge a text. A larger one can:\n```sh\nllamacli ask -m llama-3.1-8b\n```"


def log_line(corpus: Corpus, rng: Random, *, fault: bool) -> tuple[str, str]:
    """A line of a log and its message."""
    level = (
        rng.choice(("ERROR", "ERROR", "FATAL", "error", "CRITICAL"))
        if fault
        else rng.choice(("INFO", "INFO", "DEBUG", "info", "WARN"))
    )
    text = corpus.word("fault" if fault else "calm", rng)
    message = text.format(w=made_up_word(corpus, rng), e=corpus.word("ext", rng), i=rng.randint(1, 9999))
    stamp = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    day = f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    lines = (f"{day} {stamp} {level} {message}", f"{stamp} [{level}] {message}",
             f"{level}: {message}", f"[{stamp}] {level} {made_up_word(corpus, rng)}: {message}")  # fmt: skip
    return rng.choice(lines), message


def _log(corpus: Corpus, rng: Random) -> str:
    return "\n".join(log_line(corpus, rng, fault=False)[0] for _ in range(rng.randint(2, 8)))


def _sentence(corpus: Corpus, rng: Random) -> str:
    kind = rng.randrange(4)
    word, other = made_up_word(corpus, rng), made_up_word(corpus, rng)
    if kind == 0:
        city, day = corpus.word("city", rng), corpus.word("day", rng)
        return f"The {word} of {city} {corpus.word('past verb', rng)} the {other} on {day}."
    if kind == 1:
        verb, month = corpus.word("past verb", rng), corpus.word("month", rng)
        return f"{person(corpus, rng)} {verb} {rng.randint(2, 900)} {word}s in {month}."
    if kind == 2:
        return f"A {word} is {corpus.word('colour', rng)} when the {other} is {corpus.word('colour', rng)}."
    words = [
        corpus.word(rng.choice(("word", "food", "hobby", "animal", "job", "noun")), rng)
        for _ in range(rng.randint(4, 14))
    ]
    return " ".join(words).capitalize() + "."


def _paragraph(corpus: Corpus, rng: Random) -> str:
    return " ".join(_sentence(corpus, rng) for _ in range(rng.randint(1, 5)))


def _manual(corpus: Corpus, rng: Random) -> str:
    """Prose about the tool, as a README has it."""
    answers = [ask(choose_topic(corpus, _PROSE, rng), corpus, rng)[1] for _ in range(rng.randint(1, 4))]
    return f"{'#' * rng.randint(1, 3)} {corpus.word('heading', rng)}\n\n" + rng.choice(("\n\n", " ", "\n- ")).join(
        answers
    )


def _table(corpus: Corpus, rng: Random) -> str:
    options, commands = ([item[0] for item in corpus.lists[name]] for name in ("tool option", "tool command"))
    names = options if rng.random() < 0.5 else [f"llamacli {command}" for command in commands]
    rows = [f"| `{name}` | {_sentence(corpus, rng)} |" for name in rng.sample(names, rng.randint(2, 6))]
    return "\n".join(["| name | meaning |", "|---|---|", *rows])


def _code(corpus: Corpus, rng: Random) -> str:
    stem = rng.choice(("python", "shell", "git"))
    snippets = [corpus.pick(stem, rng)[1].replace("\\n", "\n") for _ in range(rng.randint(1, 4))]
    return "```\n" + "\n".join(snippets) + "\n```" if rng.random() < 0.5 else "\n".join(snippets)


def _settings(corpus: Corpus, rng: Random) -> str:
    keys = [
        f"{made_up_word(corpus, rng)}{rng.choice(('=', ': ', ' = '))}{made_up_word(corpus, rng)}"
        for _ in range(rng.randint(2, 6))
    ]
    return "\n".join(key.upper() if rng.random() < 0.3 else key for key in keys)


_PARTS: list[Callable[[Corpus, Random], str]] = [
    _log,
    _paragraph,
    _paragraph,
    _manual,
    _manual,
    _table,
    _code,
    _settings,
]


def document(corpus: Corpus, rng: Random, characters: int) -> str:
    """A text of about that many characters: prose, manuals, tables, logs, code and settings."""
    parts: list[str] = []
    choice = rng.sample(_PARTS, rng.randint(1, len(_PARTS)))
    size = 0
    while size < characters:
        parts.append(rng.choice(choice)(corpus, rng))
        size += len(parts[-1]) + 2
    return "\n\n".join(parts)[: max(characters, 40)].rstrip("\n")


def wrapped(text: str, corpus: Corpus, rng: Random) -> str:
    """The text as standard input gives it, or as ``--file`` does, in a fenced block with its name."""
    if rng.random() < 0.5:
        return text
    fence = "````" if "```" in text else "```"
    block = f"{fence}{value_of('file', corpus, rng)}\n{text}\n{fence}"
    if rng.random() < 0.2:
        other = f"```{value_of('file', corpus, rng)}\n{_paragraph(corpus, rng)}\n```"
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
    else:
        question, answer = turn(rng)
    return f"{wrapped(text, corpus, rng)}\n\n{question}", answer


def _inserted(text: str, line: str, rng: Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randint(0, len(lines)), line)
    return "\n".join(lines)


def _failure(corpus: Corpus, rng: Random, text: str) -> tuple[str, str, str]:
    line, message = log_line(corpus, rng, fault=True)
    lines = [log_line(corpus, rng, fault=False)[0] for _ in range(max(1, min(len(text) // 40, 60)))]
    return corpus.word("what failed", rng), f"The error is: {message}", _inserted("\n".join(lines), line, rng)


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
    """A plain statement in the text, asked for by its own words."""
    if rng.random() < 0.25:
        noun = rng.choice(
            ("author", "name", "owner", "version", "title", "port", "host", "user", "date", "city", "email", "color")
        )
        value = value_of(rng.choice(("word", "int", "name", "city")), corpus, rng)
        line, question = (
            f"{noun}: {value}",
            rng.choice((f"what is the {noun}", f"which {noun} is given", f"{noun}?", f"tell me the {noun}")),
        )
        return question, f"The {noun} is {value}.", _inserted(text, line, rng)
    while True:
        fact = make_fact(corpus, rng, rng.choice(("noun", "number", "word", "name")))
        if fact.key.startswith(("noun", "number", "word")):
            break
    noun = fact.key.partition(" ")[2] or fact.key
    line = rng.choice(("The {} is {}.", "the {} is {}", "Note that the {} is {}.", "Remember: the {} is {}.")).format(
        noun, fact.value
    )
    question = rng.choice(
        ("what is the {}", "what's the {}", "tell me the {}", "which {} is it", "the {}?", "find the {}")
    ).format(noun)
    return question, f"The {noun} is {fact.value}.", _inserted(text, line, rng)
