"""`llamacli classify`, the whole program."""

import json
import time
from typing import BinaryIO

import pytest

from llamacli.complexity import Level
from llamacli.engine.scripted import ScriptedClassifier
from tests.shell import Output, run, silent


def levels(**levels: Level) -> ScriptedClassifier:
    return ScriptedClassifier(levels, default=Level.MEDIUM)


def test_it_says_the_level_and_the_budget_and_loads_no_language_model() -> None:
    result = run("classify", "write", "a", "plan", classifier=ScriptedClassifier(default=Level.HIGH))
    assert result.out == "high  500 tokens\n"
    assert result.loaded is not None
    assert (result.loaded.engine, result.loaded.classifier) == (False, True)


def test_it_rates_what_ask_would_ask() -> None:
    classifier = ScriptedClassifier()
    run("classify", "what", "failed", stdin=b"line 1\n", classifier=classifier)
    assert classifier.prompts == ["line 1\n\nwhat failed"]
    assert classifier.closed


def test_scores_are_shown_on_request() -> None:
    assert run("classify", "hi", "--scores").out == "low  100 tokens  (low 0.80, medium 0.10, high 0.10)\n"


def test_json_is_the_complexity_and_the_prompt() -> None:
    assert run("classify", "hi", "--json").json == {
        "prompt": "hi",
        "level": "low",
        "scores": {"low": 0.8, "medium": 0.1, "high": 0.1},
        "max_tokens": 100,
        "source": "classifier",
    }


def test_each_line_gives_a_line_in_order_blank_ones_too() -> None:
    classifier = levels(a=Level.HIGH, c=Level.LOW)
    result = run("classify", "--lines", stdin=b"a\r\nb\n\nc", classifier=classifier)
    assert result.out == "high\t500\nmedium\t250\nlow\t100\nlow\t100\n"
    assert classifier.prompts == ["a", "b", "c"]


def test_lines_as_json_carry_their_prompts() -> None:
    result = run("classify", "--lines", "--json", stdin="é\n\nb\n".encode())
    assert [json.loads(line)["prompt"] for line in result.out.splitlines()] == ["é", "", "b"]


@pytest.mark.parametrize("number", [1, 63, 64, 65, 1000])
def test_many_lines_stay_in_order(number: int) -> None:
    result = run("classify", "--lines", "--json", stdin=b"".join(b"%d\n" % n for n in range(number)))
    assert [json.loads(line)["prompt"] for line in result.out.splitlines()] == [str(n) for n in range(number)]


def test_lines_are_rated_as_they_come() -> None:
    """The second line is written only after the first one's level was read."""
    out = Output()

    def speak(sink: BinaryIO) -> None:
        with sink:
            sink.write(b"fir")
            time.sleep(0.05)
            sink.write(b"st\n")
            deadline = time.monotonic() + 10
            while "low" not in out.getvalue() and time.monotonic() < deadline:
                time.sleep(0.01)
            sink.write(b"second\n" if "low" in out.getvalue() else b"")

    assert run("classify", "--lines", stdin=speak, out=out).out.count("\n") == 2


def test_a_line_that_is_not_text_is_named() -> None:
    result = run("classify", "--lines", stdin=b"a\nbc\xff\n", status=2)
    assert "Line 2 of standard input is not text." in result.err
    assert "At byte 2 byte 0xff" in result.err
    assert result.loaded is None


def test_no_lines_are_nothing_to_ask() -> None:
    assert run("classify", "--lines", stdin=b"", status=2).loaded is None
    assert run("classify", "--lines", stdin=None, status=2).loaded is None


def test_lines_and_words_do_not_go_together() -> None:
    assert "--lines" in run("classify", "--lines", "hi", stdin=b"a\n", status=2).err


def test_nothing_to_ask_is_refused() -> None:
    assert run("classify", stdin=b" \n", status=2).loaded is None


def test_a_silent_pipe_does_not_hang_words() -> None:
    result = run("classify", "hi", stdin=silent, patience_s=0.05)
    assert result.out == "low  100 tokens\n"
    assert "stayed silent" in result.err


def test_without_a_classifier_there_is_nothing_to_rate_with() -> None:
    assert "no classifier" in run("classify", "hi", "--classifier-device", "none", status=2).err


def test_a_closed_pipe_ends_quietly() -> None:
    closing = Output(last="low", fault=BrokenPipeError)
    assert run("classify", "--lines", stdin=b"a\nb\n", out=closing, status=141).err == ""
