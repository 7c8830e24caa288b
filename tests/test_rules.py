"""The rules on the ground floors: levels and budgets, the window, the directories."""

import ast
from concurrent.futures import Future
from pathlib import Path

import pytest

import llamacli
from llamacli.complexity import Budget, Level, from_scores
from llamacli.errors import ExitStatus, LlamacliError, PromptTooLong
from llamacli.paths import default_directory
from llamacli.window import room_for_answer


def test_levels_earn_the_budgets_that_are_promised() -> None:
    assert {level: level.max_tokens for level in Level} == {"low": 100, "medium": 250, "high": 500}


def test_scores_become_probabilities_and_the_likeliest_level() -> None:
    found = from_scores({Level.LOW: 2.0, Level.MEDIUM: 1.0, Level.HIGH: 1.0})
    assert found.level is Level.LOW
    assert found.scores == {Level.LOW: 0.5, Level.MEDIUM: 0.25, Level.HIGH: 0.25}


def test_of_equal_scores_the_longer_budget_wins() -> None:
    assert from_scores({Level.LOW: 1.0, Level.MEDIUM: 1.0, Level.HIGH: 0.5}).level is Level.MEDIUM


def test_a_budget_waits_for_its_promise_only_at_its_end() -> None:
    decided: Future[int] = Future()
    budget = Budget(100, decided)
    assert budget.allows(99)
    assert not budget.allows(100, cancelled=lambda: True)
    decided.set_result(250)
    assert budget.allows(249)
    assert not budget.allows(250)
    assert not Budget(5).allows(5)


def test_a_prompt_must_leave_the_low_budget_free() -> None:
    assert room_for_answer(3996, 4096) == 100
    with pytest.raises(PromptTooLong, match="3,997 tokens given, 3,996 fit"):
        room_for_answer(3997, 4096)
    assert room_for_answer(56, 64) == 8


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.config/llamacli"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada"}, "/etc/ada/llamacli"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "relative"}, "/home/ada/.config/llamacli"),
    ],
)
def test_directories_follow_the_xdg_rules(environ: dict[str, str], expected: str) -> None:
    assert default_directory("config", environ) == Path(expected)


def _all_below(kind: type[LlamacliError]) -> list[type[LlamacliError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _all_below(child))]


def test_every_error_has_an_exit_status_of_the_interface() -> None:
    statuses = {kind.__name__: kind.status for kind in _all_below(LlamacliError)}
    assert set(statuses.values()) <= set(ExitStatus)
    assert statuses["PromptTooLong"] == 2
    assert statuses["GatedModel"] == 3
    assert statuses["OutOfMemory"] == 1


def test_every_error_that_is_raised_names_the_next_thing_to_do() -> None:
    names = {kind.__name__ for kind in _all_below(LlamacliError)} - {"Interrupted"}
    without = [
        f"{file}:{node.lineno}"
        for file in Path(llamacli.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        if not any(keyword.arg == "hint" for keyword in node.keywords)
    ]
    assert not without
