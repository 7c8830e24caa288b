"""Values that can only be copied: names, numbers, codes, dates and made-up words."""

from random import Random

from llamacli.builtin.chat.patterns import Corpus, made_up_code, made_up_word

_KOREAN_FAMILIES = "김이박최정강조윤장임한오서신권황안송류홍"


def person(corpus: Corpus, rng: Random) -> str:
    """A first name: from the list or made up, sometimes in lower case, sometimes with a surname."""
    name = corpus.word("name", rng) if rng.random() < 0.35 else made_up_word(corpus, rng).capitalize()
    if rng.random() < 0.1:
        name += " " + made_up_word(corpus, rng).capitalize()
    return name.lower() if rng.random() < 0.2 else name


def value_of(kind: str, corpus: Corpus, rng: Random) -> str:
    """A value of a kind such as `name`, `int`, `date`, `word` or any list of the corpus."""
    if kind == "name":
        return person(corpus, rng)
    if kind == "int":
        return str(rng.randint(0, 10 ** rng.randint(1, 6)))
    if kind == "code":
        return made_up_code(rng)
    if kind == "pin":
        return "".join(str(rng.randint(0, 9)) for _ in range(rng.randint(3, 6)))
    if kind == "phone":
        return _phone(rng)
    if kind == "date":
        return f"{rng.randint(1, 28)} {corpus.word('month', rng)}"
    if kind == "file":
        return f"{made_up_word(corpus, rng)}.{corpus.word('ext', rng)}"
    if kind == "word":
        joined = rng.choice(("", "-", "_")).join(made_up_word(corpus, rng) for _ in range(rng.choice((1, 1, 2))))
        return joined + (str(rng.randint(0, 99)) if rng.random() < 0.2 else "")
    if kind in ("city", "colour", "food", "animal", "hobby") and rng.random() < 0.2:
        return made_up_word(corpus, rng).capitalize() if kind == "city" else made_up_word(corpus, rng)
    return corpus.word(kind, rng)


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
