"""Texts to ask about: prose, manuals, tables, logs, listings, code and settings."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.patterns import ask, code_of, made_up_word
from llamacli.builtin.chat.topics import Corpus, choose_topic
from llamacli.builtin.chat.values import person, value_of

_PROSE = {"tool": 5.0, "facts": 2.0, "talk": 0.5}


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


def sentence(corpus: Corpus, rng: Random) -> str:
    """A sentence that says something of made-up things, or a row of words."""
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


def paragraph(corpus: Corpus, rng: Random) -> str:
    """One to five sentences."""
    return " ".join(sentence(corpus, rng) for _ in range(rng.randint(1, 5)))


def _manual(corpus: Corpus, rng: Random) -> str:
    """Prose about the tool, as a README has it."""
    answers = [ask(choose_topic(corpus, _PROSE, rng), corpus, rng)[1] for _ in range(rng.randint(1, 4))]
    return f"{'#' * rng.randint(1, 3)} {corpus.word('heading', rng)}\n\n" + rng.choice(("\n\n", " ", "\n- ")).join(
        answers
    )


def _table(corpus: Corpus, rng: Random) -> str:
    options, commands = ([item[0] for item in corpus.lists[name]] for name in ("tool option", "tool command"))
    names = options if rng.random() < 0.5 else [f"llamacli {command}" for command in commands]
    rows = [f"| `{name}` | {sentence(corpus, rng)} |" for name in rng.sample(names, rng.randint(2, 6))]
    return "\n".join(["| name | meaning |", "|---|---|", *rows])


def _code(corpus: Corpus, rng: Random) -> str:
    topics = corpus.files[rng.choice(("python", "shell"))]
    snippets = [code_of(ask(rng.choice(topics), corpus, rng)[1]) for _ in range(rng.randint(1, 4))]
    return "```\n" + "\n".join(snippets) + "\n```" if rng.random() < 0.5 else "\n".join(snippets)


def _settings(corpus: Corpus, rng: Random) -> str:
    keys = [
        f"{made_up_word(corpus, rng)}{rng.choice(('=', ': ', ' = '))}{made_up_word(corpus, rng)}"
        for _ in range(rng.randint(2, 6))
    ]
    return "\n".join(key.upper() if rng.random() < 0.3 else key for key in keys)


def listing(corpus: Corpus, rng: Random) -> str:
    """What `ls`, `ls -l`, `git log` or `git status` print."""
    kind, lines = rng.randrange(4), list[str]()
    for _ in range(rng.randint(1, 9)):
        name, day = value_of("file", corpus, rng), f"{corpus.word('month', rng)[:3]} {rng.randint(1, 28):2}"
        commit, task = f"{rng.getrandbits(28):07x}", corpus.word("task", rng).capitalize()
        size, hour = rng.randint(10, 99_999), f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        lines.append(
            (name, f"-rw-r--r-- 1 user user {size} {day} {hour} {name}",
             f"{commit} {task} {made_up_word(corpus, rng)}", f"\tmodified:   {name}")[kind]
        )  # fmt: skip
    return "\n".join(lines)


_PARTS: list[Callable[[Corpus, Random], str]] = [
    _log,
    paragraph,
    paragraph,
    _manual,
    _manual,
    _table,
    _code,
    _settings,
    listing,
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
