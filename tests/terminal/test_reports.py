import json

import pytest

from llamacli.chat import Complexity, TurnReport
from llamacli.complexity import Classification, Level, from_scores
from llamacli.engine.base import EngineInfo
from llamacli.events import Finished, FinishReason, Timings, Usage
from llamacli.terminal.reports import classification_json, classification_text, peak_memory, stats_line, turn_json

SCORES = {"low": 0.123456, "medium": 0.2, "high": 0.676544}
INFO = EngineInfo("llama-3.1-8b", 8192, "cuda:0", "float16", "4bit")
REPORT = TurnReport(
    Finished(FinishReason.LENGTH, Usage(1204, 1100, 500), Timings(0.41849, 12.3456, 41.98765)),
    Complexity(Level.HIGH, SCORES, 500, "classifier"),
    0.00312,
)


def test_the_json_of_an_answer_has_the_documented_keys_in_order() -> None:
    assert json.dumps(turn_json("Hi.", REPORT, INFO, "cuda:1", 3.14159), ensure_ascii=False) == (
        '{"answer": "Hi.", "model": "llama-3.1-8b", "finish_reason": "length", '
        '"complexity": {"level": "high", "scores": {"low": 0.1235, "medium": 0.2, "high": 0.6765}, '
        '"max_tokens": 500, "source": "classifier"}, '
        '"usage": {"prompt_tokens": 1204, "cached_tokens": 1100, "completion_tokens": 500}, '
        '"timings": {"load_s": 3.142, "first_token_s": 0.418, "total_s": 12.346, "tokens_per_s": 41.99, '
        '"classify_s": 0.003}, "devices": {"model": "cuda:0", "classifier": "cuda:1"}, "conversation": null}'
    )


def test_a_chosen_level_has_no_scores() -> None:
    report = TurnReport(REPORT.finished, Complexity(Level.LOW, None, 40, "option"), 0.0)
    assert turn_json("", report, INFO, None, 0.0)["complexity"] == {
        "level": "low",
        "scores": None,
        "max_tokens": 40,
        "source": "option",
    }


def test_statistics_name_every_figure() -> None:
    pace, setting = stats_line(REPORT, INFO, 3.14159, 3 * 2**29).splitlines()
    assert pace == "first token 0.42 s · 42.0 tokens/s · 1,204 in (1,100 cached), 500 out · 12.35 s in all"
    assert setting == (
        "complexity high (classifier), 500 tokens · llama-3.1-8b on cuda:0, 4bit, loaded in 3.1 s · 1.50 GiB of memory"
    )


def test_statistics_without_cache_and_memory_leave_them_out() -> None:
    report = TurnReport(Finished(FinishReason.STOP, Usage(9, 0, 1), Timings()), REPORT.complexity, 0.0)
    text = stats_line(report, EngineInfo("builtin", 2048, "cpu", "float32", "none"), 0.0)
    assert "9 in, 1 out" in text
    assert "builtin on cpu, float32" in text
    assert "memory" not in text


def test_this_process_has_memory() -> None:
    peak = peak_memory()
    assert peak is None or 10 * 2**20 < peak < 2**40


RATED = from_scores({Level.LOW: 0.9, Level.MEDIUM: 0.08, Level.HIGH: 0.02})


@pytest.mark.parametrize(
    ("scores", "lines", "text"),
    [
        (False, False, "low  100 tokens"),
        (True, False, "low  100 tokens  (low 0.90, medium 0.08, high 0.02)"),
        (False, True, "low\t100"),
        (True, True, "low\t100\t0.9000\t0.0800\t0.0200"),
    ],
)
def test_a_classification_for_people_and_for_cut(scores: bool, lines: bool, text: str) -> None:
    assert classification_text(RATED, scores=scores, lines=lines) == text


def test_a_classification_as_json() -> None:
    assert classification_json("What is 2+2?", RATED) == {
        "prompt": "What is 2+2?",
        "level": "low",
        "scores": {"low": 0.9, "medium": 0.08, "high": 0.02},
        "max_tokens": 100,
        "source": "classifier",
    }


def test_a_chosen_level_as_text() -> None:
    assert classification_text(Classification(Level.HIGH, None), scores=True) == "high  500 tokens"
