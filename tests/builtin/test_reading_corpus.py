"""The corpus of texts to look something up in, and of things said in passing."""

import re
from pathlib import Path
from random import Random

import pytest

from llamacli.builtin.chat.documents import stated_question
from llamacli.builtin.chat.memory import Turn
from llamacli.builtin.chat.passages import SLOT as PASSAGE_SLOT
from llamacli.builtin.chat.passages import passage_questions, read_passages
from llamacli.builtin.chat.records import record
from llamacli.builtin.chat.said import said_in_passing
from llamacli.builtin.chat.topics import Corpus, load_corpus

ABSENT = ("The text does not say that.",)
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


def test_each_answer_about_a_passage_quotes_one_of_its_lines_or_says_that_none_answers(corpus: Corpus) -> None:
    rng = Random(5)
    for _ in range(3000):
        text, pairs = passage_questions(corpus, rng, 3)
        assert not PASSAGE_SLOT.search(text + " ".join(question for question, _ in pairs)), text
        for _, answer in pairs:
            said = re.fullmatch(r'The text says: "(.+)"\.', answer, re.DOTALL)
            assert said[1] in text if said else answer in ABSENT, (text, answer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("= verse: a\n| Hi.\n? who", "neither prose nor lines"),
        ("= prose: a\n| Hi <person A>.\n? who is <person B>", "names"),
        ("= prose: a\n| Hi <cat A>.\n? who", "unknown kind of value cat"),
        ("= prose: a\n| Hi.", "no questions"),
    ],
)
def test_a_passage_that_is_not_of_the_form_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "some.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=reason):
        read_passages(path)
