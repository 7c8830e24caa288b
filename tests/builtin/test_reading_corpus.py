"""The corpus of texts to look something up in, and of things said in passing."""

import re
from random import Random

import pytest

from llamacli.builtin.chat.documents import stated_question
from llamacli.builtin.chat.memory import Turn
from llamacli.builtin.chat.records import record
from llamacli.builtin.chat.said import said_in_passing
from llamacli.builtin.chat.topics import Corpus, load_corpus

SLOT = re.compile(r"<[a-z][a-z ]*>|[{}]")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def test_the_answer_to_a_question_about_a_list_stands_in_the_list(corpus: Corpus) -> None:
    rng = Random(1)
    for _ in range(3000):
        text, question, answer = record(corpus, rng)
        assert not SLOT.search(text + question), (text, question)
        said = re.fullmatch(r'The text says: "(.+)"\.|The .+ is (.+)\.', answer, re.DOTALL)
        assert said, answer
        assert text.count(said[1]) == 1 if said[1] else said[2] in text, (text, answer)


def test_a_question_after_a_text_comes_with_and_without_its_mark(corpus: Corpus) -> None:
    rng = Random(3)
    marks = [stated_question(corpus, rng)[0][-1:] == "?" for _ in range(1000)]
    assert 200 < sum(marks) < 700


def test_what_was_said_is_quoted_word_for_word(corpus: Corpus) -> None:
    rng = Random(4)

    def filler(_: Random) -> Turn:
        return "hello", "Hello! How can I help you?"

    for _ in range(500):
        turns = said_in_passing(corpus, rng, filler)
        _, answer = turns[-1]
        quote = re.fullmatch(r'You said: "(.+)"\.', answer)
        assert quote, answer
        assert any(quote[1] in said for said, _ in turns[:-1]), turns
        assert not SLOT.search(" ".join(said for said, _ in turns)), turns
