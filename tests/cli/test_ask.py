"""`llamacli ask`, the whole program."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from llamacli.complexity import Classification, Level
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine
from llamacli.errors import OutOfMemory
from llamacli.messages import Role
from tests.shell import Output, run

LONG = "word " * 600


def test_the_answer_and_nothing_else_is_on_standard_output() -> None:
    result = run("ask", "what", "is", "a", "llama", engine=ScriptedEngine.saying("A domesticated camelid."))
    assert (result.out, result.err) == ("A domesticated camelid.\n", "")


def test_the_words_are_joined_with_spaces() -> None:
    engine = ScriptedEngine.saying("Hello.")
    run("ask", "say", "hello", "--", "--please", engine=engine)
    assert engine.requests[0].conversation.last_prompt == "say hello --please"


def test_options_may_stand_between_the_words() -> None:
    engine = ScriptedEngine.saying("Hello.")
    run("ask", "say", "--top-k", "7", "hello", "-s", "Be brief.", engine=engine)
    request = engine.requests[0]
    assert [(m.role, m.content) for m in request.conversation.messages] == [
        (Role.SYSTEM, "Be brief."),
        (Role.USER, "say hello"),
    ]
    assert request.sampling.top_k == 7


def test_sampling_options_reach_the_engine_and_the_rest_are_the_defaults() -> None:
    engine = ScriptedEngine.saying("Hello.")
    run("ask", "hi", "--temperature", "0", "--seed", "3", "--stop", "END", "--stop", "\n\n", engine=engine)
    sampling = engine.requests[0].sampling
    assert (sampling.temperature, sampling.seed, sampling.stop) == (0, 3, ("END", "\n\n"))
    assert (sampling.top_k, sampling.top_p, sampling.repetition_penalty) == (51, 0.63, 1.21)


@pytest.mark.parametrize("level", list(Level))
def test_the_answer_has_the_budget_of_its_complexity(level: Level) -> None:
    engine = ScriptedEngine.saying(LONG)
    result = run("ask", "explain", engine=engine, classifier=ScriptedClassifier(default=level))
    assert len(result.out.split()) == level.max_tokens


def test_a_cut_answer_says_how_to_get_a_longer_one() -> None:
    result = run("ask", "explain", engine=ScriptedEngine.saying(LONG))
    assert result.err == (
        "The answer was cut at its budget of 100 tokens. For a longer one: -n 200 or --complexity high\n"
    )


def test_a_given_budget_is_not_said_to_grow_with_the_complexity() -> None:
    result = run("ask", "explain", "-n", "7", engine=ScriptedEngine.saying(LONG))
    assert len(result.out.split()) == 7
    assert result.err.endswith("For a longer one: -n 14\n")


def test_a_full_context_window_is_told_from_a_spent_budget() -> None:
    result = run("ask", "hi", "-n", "500", engine=ScriptedEngine.saying(LONG, context_window=64))
    assert "context window of 64 tokens is full" in result.err


@pytest.mark.parametrize(
    ("options", "classifier"),
    [
        ((), True),
        (("--complexity", "high"), False),
        (("--complexity", "off"), False),
        (("-n", "9"), False),
        (("-n", "9", "--json"), True),
        (("-n", "9", "--stats"), True),
    ],
)
def test_the_classifier_is_loaded_where_its_level_matters(options: tuple[str, ...], classifier: bool) -> None:
    result = run("ask", "hi", *options)
    assert result.loaded is not None
    assert (result.loaded.engine, result.loaded.classifier) == (True, classifier)


def test_json_is_one_object_on_one_line() -> None:
    result = run("ask", "hi", "--json", engine=ScriptedEngine.saying("Line 1\nLine 2 é"))
    assert result.json["answer"] == "Line 1\nLine 2 é"
    assert result.json["model"] == "scripted"
    assert result.json["finish_reason"] == "stop"
    assert result.json["complexity"]["level"] == "low"
    assert result.json["devices"] == {"model": "cpu", "classifier": "cpu"}
    assert result.json["conversation"] is None
    assert result.json["usage"] == {"prompt_tokens": 2, "cached_tokens": 0, "completion_tokens": 5}
    assert set(result.json) == {
        "answer", "model", "finish_reason", "complexity", "usage", "timings", "devices", "conversation",
    }  # fmt: skip


def test_json_of_a_cut_answer_tells_the_reason_and_says_nothing_beside_it() -> None:
    result = run("ask", "hi", "--json", "-n", "3", engine=ScriptedEngine.saying(LONG))
    assert (result.json["finish_reason"], result.err) == ("length", "")


def test_no_stream_prints_the_answer_when_it_is_complete() -> None:
    result = run("ask", "hi", "--no-stream", engine=ScriptedEngine.saying("One two three."))
    assert result.out == "One two three.\n"


def test_no_stream_prints_nothing_of_an_answer_that_fails() -> None:
    failing = ScriptedEngine.saying(Reply("One two three.", fault=OutOfMemory("No memory left."), fault_after=2))
    assert run("ask", "hi", "--no-stream", engine=failing, status=1).out == ""


def test_stats_come_after_the_answer_on_standard_error() -> None:
    result = run("ask", "hi", "--stats")
    assert result.out == "An answer.\n"
    assert "tokens/s" in result.err


def test_an_empty_answer_is_told_from_silence() -> None:
    result = run("ask", "hi", engine=ScriptedEngine.saying(""))
    assert (result.out, result.err) == ("", "The model gave an empty answer.\n")


def test_ctrl_c_keeps_what_came_and_says_so() -> None:
    engine = ScriptedEngine.saying("one two three four five")
    result = run("ask", "count", engine=engine, out=Output(last="two"), status=130)
    assert result.out == "one two\n"
    assert result.err == "The answer was stopped.\n"
    assert engine.sampled < 5
    assert engine.closed


def test_json_of_an_interrupted_answer_is_an_object_too() -> None:
    class Interrupted(ScriptedEngine):
        def _sampled(self, reply: Reply) -> Iterator[str]:
            yield "one"
            yield " two"
            raise KeyboardInterrupt

    result = run("ask", "count", "--json", engine=Interrupted.saying("x"), status=130)
    assert result.json["answer"] == "one two"
    assert result.json["finish_reason"] == "interrupted"


def test_json_of_an_answer_interrupted_before_its_first_word_is_an_object_too() -> None:
    class Interrupted(ScriptedEngine):
        def _sampled(self, reply: Reply) -> Iterator[str]:
            raise KeyboardInterrupt
            yield

    result = run("ask", "count", "--json", engine=Interrupted.saying("x"), status=130)
    assert (result.json["answer"], result.json["finish_reason"]) == ("", "interrupted")


def test_the_complexity_of_an_answer_interrupted_before_it_was_rated_is_null() -> None:
    over = Event()

    class Interrupted(ScriptedEngine):
        def _sampled(self, reply: Reply) -> Iterator[str]:
            raise KeyboardInterrupt
            yield

    class Unending(ScriptedClassifier):
        def classify(self, prompts: Sequence[str]) -> list[Classification]:
            over.wait(20)
            return super().classify(prompts)

    def asked(*argv: str) -> Any:
        engine = Interrupted.saying("x")
        return run("ask", "count", "--json", *argv, engine=engine, classifier=Unending(), status=130).json["complexity"]

    assert asked() is None
    over.set()
    assert asked("--complexity", "high")["level"] == "high"


def test_ctrl_c_before_the_first_word_is_quiet() -> None:
    class Interrupted(ScriptedEngine):
        def _sampled(self, reply: Reply) -> Iterator[str]:
            raise KeyboardInterrupt
            yield

    result = run("ask", "count", engine=Interrupted.saying("x"), status=130)
    assert (result.out, result.err) == ("", "")


def test_a_closed_pipe_ends_quietly_and_stops_the_model() -> None:
    engine = ScriptedEngine.saying(LONG)
    result = run("ask", "count", engine=engine, out=Output(last="word", fault=BrokenPipeError), status=141)
    assert result.err == ""
    assert engine.sampled < 5
    assert engine.closed


def test_an_engine_that_fails_keeps_what_came_and_exits_1() -> None:
    failing = ScriptedEngine.saying(Reply("One two", fault=OutOfMemory("No memory left.", hint="-n 50"), fault_after=1))
    result = run("ask", "hi", engine=failing, status=1)
    assert result.out == "One\n"
    assert result.err == "error: No memory left.\nhint: -n 50\n"


def test_too_long_a_prompt_is_refused_with_both_numbers() -> None:
    result = run("ask", " ".join(["word"] * 500), engine=ScriptedEngine.saying("x", context_window=256), status=2)
    assert "501 tokens given, 224 fit" in result.err
    assert result.out == ""


def test_off_a_terminal_no_escape_is_written(tmp_path: Path) -> None:
    result = run("ask", "hi", "--stats", engine=ScriptedEngine.saying("# Title\n\n**bold**"))
    assert result.out == "# Title\n\n**bold**\n"
    assert "\x1b" not in result.out + result.err


def test_on_a_terminal_the_control_characters_of_a_model_are_harmless() -> None:
    result = run("ask", "hi", "--render", "plain", tty=True, engine=ScriptedEngine.saying("\x1b]0;title\x07 hi"))
    assert "\x1b]0" not in result.out


def test_json_on_a_terminal_is_still_json() -> None:
    result = run("ask", "hi", "--json", tty=True, engine=ScriptedEngine.saying("\x1b[2J"))
    assert "\x1b" not in result.out
    assert json.loads(result.out)["answer"] == "\x1b[2J"
