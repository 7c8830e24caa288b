"""How people type: slips of the finger, capitals, and marks at the end."""

import re
from random import Random

_ALONE_I = re.compile(r"\bi(?=[ ',.?!]|$)(?!')|\bi(?='[mdvl])")


def typo(text: str, rng: Random) -> str:
    """One slip of the finger in one of the longer words."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.isascii()]
    if not long:
        return text
    i = rng.choice(long)
    word, at = words[i], rng.randint(1, len(words[i]) - 2)
    words[i] = rng.choice((
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + rng.choice("abcdefghijklmnoprstuvw") + word[at + 1 :],
    ))  # fmt: skip
    return " ".join(words)


def with_capitals(text: str, rng: Random) -> str:
    """Half of all people write "I" and begin with a capital."""
    if rng.random() < 0.5:
        text = _ALONE_I.sub("I", text)
    return text[:1].upper() + text[1:] if rng.random() < 0.4 else text


def asked_as_typed(question: str, rng: Random) -> str:
    """A question about a text or about what was said, with the capitals, marks and slips that people type."""
    if rng.random() < 0.06:
        question = typo(question, rng)
    question = with_capitals(question, rng)
    if question[-1:].isalnum():
        question += rng.choices(("", "?", ".", " pls", "??"), weights=(45, 48, 3, 2, 2))[0]
    return question
