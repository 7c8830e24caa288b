"""The benchmark over an engine whose figures are known."""

import json
from collections.abc import Mapping

import pytest

from llamacli import bench
from llamacli.bench import Bench, BenchReport, ClassifierCost
from llamacli.engine import Wanted, instruments, open_models
from llamacli.engine.base import Speed
from llamacli.engine.scripted import ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.sampling import Sampling
from llamacli.terminal.bench_reports import bench_json, bench_text
from tests.settings import settings

LONG = "word " * 2000


class Known:
    """Instruments that show what they are told."""

    def copy_bytes_per_s(self) -> float:
        return 2e9

    def weight_bytes(self) -> int:
        return 10**7

    def peak_bytes(self) -> Mapping[str, int]:
        return {"cuda:0": 5 << 30}

    def shift_up(self) -> bool:
        return False

    def generate(self, prompt_tokens: int, tokens: int, sampling: Sampling) -> Speed:
        return Speed(prompt_tokens, 0.5, 20.0)


def run(**options: bool) -> tuple[BenchReport, ScriptedEngine, list[str]]:
    engine, told = ScriptedEngine.saying(LONG, context_window=4096), list[str]()
    models = scripted_models(engine, ScriptedClassifier())
    bench = Bench(models, Known(), settings(), told.append)
    return bench.run([64, 1024, 100_000], 32, baseline=True, compiled=True), engine, told


def test_each_length_that_fits_is_measured_and_no_prompt_twice() -> None:
    report, engine, told = run()
    assert [abs(speed.prompt_tokens - length) < 8 for speed, length in zip(report.speeds, [64, 1024], strict=True)]
    assert [speed.prompt_tokens for speed in report.baseline] == [64, 1024]
    prompts = [request.conversation.messages[-1].content for request in engine.requests]
    assert len(set(prompts)) == len(prompts)
    assert "a prompt of 1,024 tokens" in told


def test_a_chat_of_many_turns_ends_with_a_long_history() -> None:
    report, engine, _ = run()
    longest = max(engine.requests, key=lambda request: request.conversation.turns).conversation
    assert report.chat.turns == longest.turns == 20
    assert engine.count_tokens(longest) > 1500


def test_an_engine_without_a_second_gear_has_no_figures_for_it() -> None:
    report, _, _ = run()
    assert report.compiled == ()
    assert report.compile_s == 0


def test_the_ceiling_is_the_memory_over_the_weights() -> None:
    report, engine, _ = run()
    assert report.ceiling_tokens_per_s == 200
    shown = bench_json(report, engine.info, "cpu")
    assert shown["schema"] == 1
    assert json.loads(json.dumps(shown))["ceiling_tokens_per_s"] == 200
    text = bench_text(report, engine.info)
    assert "plain generate" in text
    assert "cuda:0: 5,120 MiB" in text


@pytest.mark.parametrize(
    ("cost", "hidden"),
    [(ClassifierCost(0.1, 0.5, 0.5), 1), (ClassifierCost(0.1, 0.5, 0.6), 0), (ClassifierCost(0.1, 0.5, 0.55), 0.5)],
)
def test_hidden_is_the_share_that_the_first_token_did_not_wait_for(cost: ClassifierCost, hidden: float) -> None:
    assert cost.hidden == pytest.approx(hidden)


def test_a_real_engine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "REPEATS", 3)
    monkeypatch.setattr(bench, "TURNS", 6)
    monkeypatch.setattr(bench, "BEHIND", 2000)
    models = open_models(settings(model="builtin"), Wanted(), lambda _: None)
    report = Bench(models, instruments(models.engine), settings(), lambda _: None).run(
        [64], 16, baseline=True, compiled=False
    )
    models.close()
    assert report.load_s > 0
    assert report.speeds[0].tokens_per_s > 0
    assert report.baseline[0].tokens_per_s > 0
    assert report.chat.tokens_behind > 1000
    assert 60e6 < report.weight_bytes < 80e6  # 17.5 million weights, in 32 bits once loaded
