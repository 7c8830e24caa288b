"""The Korean part of the chat corpus: particles, sums, what is recalled, and the whole interface."""

import re
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import typer

from llamacli.builtin.chat.hangul import in_words, particles, typed
from llamacli.builtin.chat.korean import KOREAN_SHARES, korean_turns
from llamacli.builtin.chat.korean_memory import korean_conversation, korean_told_at_once
from llamacli.builtin.chat.korean_sums import korean_sum
from llamacli.builtin.chat.patterns import ask
from llamacli.builtin.chat.topics import Corpus, load_corpus
from llamacli.cli.main import program
from llamacli.errors import ExitStatus
from llamacli.terminal.commands import COMMANDS

REFUSAL = "llamacli ask -m llama-3.1-8b\n"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("민수이야/야", "민수야"),
        ("지은이야/야", "지은이야"),
        ("파일을/를 본다", "파일을 본다"),
        ("코드을/를 본다", "코드를 본다"),
        ("서울으로/로", "서울로"),
        ("부산으로/로", "부산으로"),
        ("3과/와 6은/는", "3과 6은"),
        ("5와/과 9을/를", "5와 9를"),
        ("10으로/로", "10으로"),
    ],
)
def test_a_particle_follows_the_sound_before_it(text: str, written: str) -> None:
    assert particles(text, Random(1)) == written


@pytest.mark.parametrize(
    ("number", "read"),
    [(0, "영"), (7, "칠"), (10, "십"), (12, "십이"), (25, "이십오"), (100, "백"), (1144, "천백사십사")],
)
def test_numbers_are_read_as_koreans_read_them(number: int, read: str) -> None:
    assert in_words(number) == read


def test_sums_are_right_and_about_the_numbers_in_the_question(corpus: Corpus) -> None:
    rng = Random(2)
    for _ in range(600):
        question, answer = korean_sum(corpus, rng)
        if " = " in answer:
            left, result = answer.split(" = ")
            assert eval(left) == int(result), answer
        code = re.search(r"print\((.+)\)", answer)
        assert code is None or all(number in question for number in re.findall(r"\d+", code[1])), (question, answer)


def test_what_is_recalled_is_what_was_told_last(corpus: Corpus) -> None:
    rng = Random(3)
    recalled = 0
    for _ in range(400):
        told: dict[str, str] = {}
        for question, answer in korean_conversation(corpus, rng, lambda _: ("안녕", "안녕하세요!")):
            name = re.match(r"반가워요, (.+?)님!", answer)
            if name:
                assert name[1] in question
                told["이름"] = name[1]
            asked = re.match(r"이름은 (.+?)입니다\.", answer)
            if asked:
                recalled += 1
                assert told["이름"] == asked[1]
    assert recalled > 50


def test_what_is_told_at_once_is_in_the_message(corpus: Corpus) -> None:
    rng = Random(4)
    for _ in range(200):
        question, answer = korean_told_at_once(corpus, rng)
        values = re.findall(r"[0-9A-Z][0-9A-Z-]+", answer)
        assert all(value in question for value in values), (question, answer)


def test_typing_changes_no_figure_and_no_name_of_the_program(corpus: Corpus) -> None:
    rng = Random(5)
    for stem in KOREAN_SHARES:
        for topic in corpus.files[stem]:
            question = ask(topic, corpus, rng)[0]
            written = typed(question, corpus, rng)
            kept = re.findall(r"[!-~]+", re.sub("[/?.!~]", " ", question))
            assert all(part in written for part in kept), (question, written)
            assert not re.search("[이은을과으]/[가는를와로]", written), written


def test_no_wording_has_two_answers(corpus: Corpus) -> None:
    answers: dict[str, set[str]] = defaultdict(set)
    rng = Random(6)
    for stem in KOREAN_SHARES:
        for topic in corpus.files[stem]:
            for _ in range(400):
                answers[ask(topic, corpus, rng)[0]].add(topic.answers[0])
    assert {question for question, given in answers.items() if len(given) > 1} == set()


def test_no_name_of_a_topic_is_used_twice(corpus: Corpus) -> None:
    names = [topic.name for stem in ("care", *KOREAN_SHARES) for topic in corpus.files[stem]]
    assert len(names) == len(set(names))


def test_hundreds_of_requests_outside_are_refused_in_the_same_words(corpus: Corpus) -> None:
    rng = Random(7)
    asked = set[str]()
    for topic in corpus.files["korean_outside"]:
        for _ in range(500):
            question, answer = ask(topic, corpus, rng)
            asked.add(question)
            assert REFUSAL in answer
    assert len(asked) > 500


def commands(command: Any, path: str = "llamacli") -> Iterator[tuple[str, Any]]:
    """Every command below one, with the words that call it."""
    for name, below in getattr(command, "commands", {}).items():
        yield f"{path} {name}", below
        yield from commands(below, f"{path} {name}")


def options_and_commands() -> set[str]:
    """Every command, and of every option the forms that begin with two dashes."""
    whole: Any = typer.main.get_command(program())
    found = dict(commands(whole))
    parameters = [each for command in (whole, *found.values()) for each in command.params]
    options = {name for each in parameters for name in (*each.opts, *each.secondary_opts)}
    return {*found, *(name for name in options if name.startswith("--"))}


def test_every_command_option_and_status_is_asked_about_in_korean(corpus: Corpus) -> None:
    questions = "\n".join(text for topic in corpus.files["korean_tool"] for _, text in topic.questions)
    names = options_and_commands() | {command.names[0] for command in COMMANDS}
    assert {name for name in names if not re.search(rf"{re.escape(name)}(?![\w-])", questions)} == set()
    topics = {topic.name for topic in corpus.files["korean_tool"]}
    assert {f"종료 {status.value}" for status in ExitStatus} <= topics


def test_conversations_depend_on_their_seed_alone(corpus: Corpus) -> None:
    assert korean_turns(corpus, Random(7)) == korean_turns(corpus, Random(7))
    assert korean_turns(corpus, Random(7)) != korean_turns(corpus, Random(8))
