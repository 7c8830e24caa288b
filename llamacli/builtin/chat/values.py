"""Values that can only be copied: names, numbers, codes, dates and made-up words."""

from collections.abc import Callable
from random import Random

from llamacli.builtin.chat.patterns import made_up_code, made_up_word
from llamacli.builtin.chat.topics import Corpus

_KOREAN_FAMILIES = "김이박최정강조윤장임한오서신권황안송류홍"


def person(corpus: Corpus, rng: Random) -> str:
    """A first name: from the list or made up, sometimes in lower case, sometimes with a surname."""
    name = corpus.word("name", rng) if rng.random() < 0.35 else made_up_word(corpus, rng).capitalize()
    if rng.random() < 0.1:
        name += " " + made_up_word(corpus, rng).capitalize()
    return name.lower() if rng.random() < 0.2 else name


def people(corpus: Corpus, rng: Random) -> dict[str, str]:
    """The names of two people of a story, {p} and {q}; often in lower case, as people type."""
    names = rng.sample([item[0] for item in corpus.lists["name"]], 2)
    return dict(zip("pq", map(str.lower, names) if rng.random() < 0.4 else names, strict=True))


def value_of(kind: str, corpus: Corpus, rng: Random) -> str:
    """A value of a kind such as `name`, `int`, `date`, `word` or any list of the corpus."""
    if kind in _MAKERS:
        return _MAKERS[kind](corpus, rng)
    if kind == "file":
        return f"{made_up_word(corpus, rng)}.{corpus.word('ext', rng)}"
    if kind == "word":
        joined = rng.choice(("", "-", "_")).join(made_up_word(corpus, rng) for _ in range(rng.choice((1, 1, 2))))
        return joined + (str(rng.randint(0, 99)) if rng.random() < 0.2 else "")
    if kind in ("city", "colour", "food", "animal", "hobby", "job") and rng.random() < 0.2:
        return made_up_word(corpus, rng).capitalize() if kind == "city" else made_up_word(corpus, rng)
    return corpus.word(kind, rng)


def _date(corpus: Corpus, rng: Random) -> str:
    """A day of the year, in one of the ways to write it."""
    day, month = rng.randint(1, 28), corpus.word("month", rng)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
    return rng.choice((f"{day} {month}", f"{day} {month}", f"{month} {day}", f"{month} {day}{ending}",
                       f"the {day}{ending} of {month}", f"{day} {month} {rng.randint(1940, 2015)}"))  # fmt: skip


def _phone(rng: Random) -> str:
    """Groups of digits, as a telephone number is written."""
    groups = ["".join(str(rng.randint(0, 9)) for _ in range(n)) for n in rng.choice(((3, 4), (3, 4, 4), (4, 6), (7,)))]
    return ("+" if rng.random() < 0.15 else "") + rng.choice(("-", " ", "")).join(groups)


def korean_name(corpus: Corpus, rng: Random) -> str:
    """A Korean name: from the list, of its syllables, or of any two Hangul syllables; sometimes with a family name."""
    chance = rng.random()
    if chance < 0.1:
        return person(corpus, rng)
    name = corpus.word("koname", rng)
    if chance < 0.5:
        name = name[0] + corpus.word("koname", rng)[-1]
    elif chance < 0.75:
        name = "".join(chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(2))
    return rng.choice(_KOREAN_FAMILIES) + name if rng.random() < 0.3 else name


def _hour(_corpus: Corpus, rng: Random) -> str:
    """A time of day."""
    form = rng.choice(("{}:{:02}", "{}:{:02}", "{} o'clock", "{} am", "{} pm", "half past {}", "noon"))
    return form.format(rng.randint(1, 12), rng.choice((0, 15, 30, 45)))


_MAKERS: dict[str, Callable[[Corpus, Random], str]] = {
    "name": person,
    "person": person,
    "int": lambda _, rng: str(rng.randint(0, 10 ** rng.randint(1, 6))),
    "code": lambda _, rng: made_up_code(rng),
    "pin": lambda _, rng: "".join(str(rng.randint(0, 9)) for _ in range(rng.randint(3, 6))),
    "phone": lambda _, rng: _phone(rng),
    "date": _date,
    "hour": _hour,
    "year": lambda _, rng: str(rng.randint(1930, 2030)),
    "version": lambda _, rng: ".".join(str(rng.randint(0, 30)) for _ in range(rng.choice((2, 3, 3)))),
    "amount": lambda _, rng: rng.choice(("{}", "{}.{:02}", "${}", "{} EUR")).format(
        rng.randint(1, 10 ** rng.randint(1, 5)), rng.randint(0, 99)
    ),
    "email": lambda corpus, rng: f"{made_up_word(corpus, rng)}@{made_up_word(corpus, rng)}.org",
}
