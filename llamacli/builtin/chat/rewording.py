"""A question in other words: those of the same meaning, fewer of them, and something said around it."""

from random import Random

from llamacli.builtin.chat.patterns import Bindings, made_up_word
from llamacli.builtin.chat.topics import LONGEST, Corpus

WHOLE_QUESTIONS = {"fact"}
"""Slots that hold a whole question, whose words are as free as others unless they are in the answer."""
BEFORE_NAMES = {"llamacli", "history", "models", "git", "docker", "pip", "apt", "systemctl", "tmux", "called", "named"}
"""Words after which a name stands, which nothing else may stand for."""
RATES = (0.0, 0.0, 0.15, 0.3, 0.5)
"""Parts of the words and phrases of a question for which others of the same meaning are put."""


def fixed_words(answer: str, bound: Bindings) -> set[str]:
    """The words of a question that are no wording: what was put into its slots."""
    texts = [answer if name in WHOLE_QUESTIONS else item[0] for name, item in bound.items()]
    return {word.strip(".,:;?!`'\"") for text in texts for word in text.lower().replace("|", " ").split()}


def reworded(question: str, fixed: set[str], corpus: Corpus, rng: Random) -> str:
    """The question with other words of the same meaning, small words left out, and something said around it."""
    words = _with_others(question.split(), fixed, corpus, rng)
    if rng.random() < 0.25:
        small = {item[0] for item in corpus.lists["small"]}
        words = [word for word in words if word not in small or rng.random() < 0.6] or words
    if rng.random() < 0.06:
        words.insert(rng.randint(0, len(words)), rng.choice((corpus.word("common", rng), made_up_word(corpus, rng))))
    text = " ".join(words)
    if rng.random() < 0.15:
        text = corpus.pick("before", rng)[0] + " " + text
    if rng.random() < 0.12:
        text = followed(text, corpus.word("after", rng))
    return text


def _with_others(words: list[str], fixed: set[str], corpus: Corpus, rng: Random) -> list[str]:
    rate, alike = rng.choice(RATES), corpus.alike
    result: list[str] = []
    at = 0
    while at < len(words):
        size, said = 1, words[at]
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            if phrase in alike and rng.random() < rate and not _stays(words, at, length, fixed):
                size, said = length, rng.choice(alike[phrase])
                break
        result.append(said)
        at += size
    return result


def _stays(words: list[str], at: int, length: int, fixed: set[str]) -> bool:
    named = at > 0 and words[at - 1] in BEFORE_NAMES
    return named or any(word in fixed for word in words[at : at + length])


def shortened(question: str, answer: str, rng: Random) -> str:
    """A question of five words or more without one to three of them, so that no single word decides.

    What the answer says too stays: it may be copied from here.
    """
    words = question.split()
    said = answer.lower()
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        at = rng.randrange(len(words))
        if len(words) > 4 and words[at].lower() not in said:
            del words[at]
    return " ".join(words)


def followed(text: str, more: str) -> str:
    """Something more after a text; it brings its own comma."""
    return text + more if more.startswith(",") else f"{text} {more}"
