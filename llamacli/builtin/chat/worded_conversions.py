"""Conversions of numbers in words and of heights."""

from random import Random

from llamacli.builtin.chat.conversions import EXACT, MEASURED, counted, named
from llamacli.builtin.chat.number_words import in_words
from llamacli.builtin.chat.topics import Corpus


def worded_conversion(corpus: Corpus, rng: Random) -> tuple[str, str]:
    """A conversion whose number is written in words, such as `half an hour` or `two weeks`, or a height."""
    if rng.random() < 0.15:
        return _height(corpus, rng)
    conversion = rng.choice([c for c in (EXACT if rng.random() < 0.7 else MEASURED) if min(c.numbers) <= 100])
    number = rng.choice([number for number in conversion.numbers if number <= 100])
    frame, source = corpus.word("convert frame", rng), conversion.source
    if number in (0.5, 1):
        word = counted("1", source).removeprefix("1 ")
        article = "an" if word[0] in "aeio" or word == "hour" else "a"
        said = f"half {article} {word}" if number == 0.5 else f"{rng.choice((article, 'one'))} {word}"
    else:
        half = " and a half" if number % 1 else ""
        said = f"{in_words(int(number))}{half} {named(corpus, source, rng)}"
    question = frame.replace("{n} {s}", "{n}").format(n=said, t=named(corpus, conversion.target, rng))
    return question, conversion.answer(number)


def height(feet: int, inches: int) -> str:
    """The sentence that says a height in centimetres."""
    return f"{feet} feet {counted(str(inches), 'inches')} is about {round((feet * 12 + inches) * 2.54)} cm."


def _height(corpus: Corpus, rng: Random) -> tuple[str, str]:
    feet, inches = rng.randint(4, 6), rng.randint(1, 11)
    form = rng.choice(("{} feet {} inches", "{} ft {} in", "{}'{}\"", "{} foot {}", "{} feet and {} inches", "{}'{}"))
    frame = corpus.word("convert frame", rng).replace("{n} {s}", "{n}")
    return frame.format(n=form.format(feet, inches), t=named(corpus, "cm", rng)), height(feet, inches)
