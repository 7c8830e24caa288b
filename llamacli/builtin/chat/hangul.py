"""Korean as it is written: particles that follow a sound, numbers in words, and the slips that people type."""

import re
from random import Random

from llamacli.builtin.chat.topics import Corpus

_FIRST = 0xAC00
_FINALS = 28
_VOWELS = 21
_RIEUL = 8
# The vowel on the key beside that of a vowel, by their numbers in a syllable.
_NEXT_VOWELS = {0: 4, 4: 0, 20: 0, 1: 5, 5: 1, 8: 4, 13: 18, 18: 13, 6: 2, 2: 6, 10: 11, 11: 10}
_DIGIT_FINALS = {"0": 21, "1": _RIEUL, "2": 0, "3": 16, "4": 0, "5": 0, "6": 1, "7": _RIEUL, "8": _RIEUL, "9": 0}
_PARTICLES = (
    *("이/가", "은/는", "을/를", "과/와", "이란/란", "으로/로"),
    *("이라고/라고", "이라는/라는", "이야/야", "이에요/예요", "이고/고"),
)
_SWAPPED = {"와/과": "과/와"}
_MARK = re.compile("(.)(" + "|".join((*_SWAPPED, *_PARTICLES)) + ")", re.DOTALL)
_MEANT = "내네제"  # mine and yours differ by a vowel
_DIGITS = "영일이삼사오육칠팔구"
_PLACES = (("천", 1000), ("백", 100), ("십", 10))
_MARKS = ("", "?", ".", "!", "??", " ?")


def _final(character: str) -> int | None:
    """The number of the final consonant of a syllable or a digit; 0 for none, nothing for other characters."""
    if "가" <= character <= "힣":
        return (ord(character) - _FIRST) % _FINALS
    return _DIGIT_FINALS.get(character)


def particles(text: str, rng: Random) -> str:
    """Each pair such as `을/를` becomes the one that follows what stands before it; after Latin letters, either."""

    def fitting(match: re.Match[str]) -> str:
        before, pair = match[1], _SWAPPED.get(match[2], match[2])
        closed, opened = pair.split("/")
        final = _final(before)
        if final is None:
            return before + rng.choice((closed, opened))
        return before + (closed if final and not (pair == "으로/로" and final == _RIEUL) else opened)

    return _MARK.sub(fitting, text)


def in_words(number: int) -> str:
    """A number below ten thousand as it is read: 25 is 이십오."""
    if number == 0:
        return _DIGITS[0]
    words = ""
    for name, size in _PLACES:
        count, number = divmod(number, size)
        words += ("" if count == 1 else _DIGITS[count]) + name if count else ""
    return words + (_DIGITS[number] if number else "")


def _slip(text: str, corpus: Corpus, rng: Random) -> str:
    """One slip: a common misspelling, or a syllable that lost its final consonant or got the vowel of the next key."""
    known = [pair for pair in corpus.lists["흔한 실수"] if pair[0] in text]
    if known and rng.random() < 0.6:
        right, wrong = rng.choice(known)
        return text.replace(right, wrong, 1)
    places = [i for i, character in enumerate(text) if "가" <= character <= "힣" and character not in _MEANT]
    if len(places) < 3:
        return text
    at = rng.choice(places)
    code = ord(text[at]) - _FIRST
    initial, vowel, final = code // (_VOWELS * _FINALS), code // _FINALS % _VOWELS, code % _FINALS
    if final and rng.random() < 0.5:
        final = 0
    else:
        vowel = _NEXT_VOWELS.get(vowel, vowel)
    return text[:at] + chr(_FIRST + (initial * _VOWELS + vowel) * _FINALS + final) + text[at + 1 :]


def _spaced(text: str, rng: Random) -> str:
    """The text with one space less, or none, or without an object particle."""
    chance = rng.random()
    if chance < 0.12:
        words = text.split(" ")
        at = rng.randrange(len(words))
        return " ".join([*words[:at], "".join(words[at : at + 2]), *words[at + 2 :]])
    if chance < 0.17 and len(text) < 20:
        return text.replace(" ", "")
    if chance < 0.3:
        return re.sub(r"(?<=[가-힣]{2})[을를] ", " ", text, count=1)
    return text


def typed(question: str, corpus: Corpus, rng: Random) -> str:
    """A Korean question as people type it: with or without its spaces, particles and marks, with slips and fillers."""
    text = _spaced(particles(question, rng), rng)
    if len(text) > 6 and rng.random() < 0.1:
        text = f"{corpus.word('앞에 붙는 말', rng)} {text}"
    if rng.random() < 0.1:
        text = _slip(text, corpus, rng)
    if rng.random() < 0.04 and text[-1:].isalnum():
        after = corpus.word("뒤에 붙는 말", rng)
        return f"{text}{after}" if after[0] in ".~" else f"{text} {after}"
    if text[-1:].isalnum():
        text += rng.choices(_MARKS, weights=(50, 38, 5, 3, 2, 2))[0]
    return text
