"""The chat corpus knows the whole interface: what the program has, the corpus asks about and names in the answer."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer

from llamacli.builtin.chat.topics import Corpus, Item, Topic, load_corpus
from llamacli.chat import Complexity, TurnReport
from llamacli.cli.main import program
from llamacli.complexity import Level
from llamacli.engine.base import EngineInfo
from llamacli.errors import ExitStatus
from llamacli.events import Finished, FinishReason, Timings, Usage
from llamacli.settings import SETTINGS, Setting
from llamacli.terminal.commands import _KEYS, COMMANDS
from llamacli.terminal.reports import turn_json

PROGRAM: Any = typer.main.get_command(program())
_SLOT = re.compile(r"<([^<>.]+)(?:\.2)?>")
_INFO = EngineInfo("llama-3.1-8b", 8192, "cuda:0", "float16", "4bit")
_REPORT = TurnReport(
    Finished(FinishReason.STOP, Usage(1, 0, 1), Timings(0.1, 0.2, 5.0)),
    Complexity(Level.LOW, dict.fromkeys(("low", "medium", "high"), 0.3), 100, "classifier"),
    0.0,
)


@cache
def corpus() -> Corpus:
    return load_corpus()


def commands(command: Any = PROGRAM, path: str = "llamacli") -> Iterator[tuple[str, Any]]:
    """Every command, with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


def options() -> set[str]:
    """Every option of every command, short and long."""
    parameters = [each for _, command in commands() for each in command.params if each.param_type_name == "option"]
    names = {name for each in parameters for name in (*each.opts, *each.secondary_opts)}
    return names | set(PROGRAM.context_settings["help_option_names"])


def readings(topic: Topic) -> Iterator[tuple[str, str]]:
    """The questions and the answers of a topic as text, once for each item of the list that they share."""
    questions, answers = "\n".join(text for _, text in topic.questions), "\n".join(topic.answers)
    shared = [name for name in _SLOT.findall(answers) if name in corpus().lists and f"<{name}" in questions]
    if not shared:
        yield questions, answers
        return
    for item in corpus().lists[shared[0]]:
        yield _filled(questions, shared[0], item), _filled(answers, shared[0], item)


def _filled(text: str, slot: str, item: Item) -> str:
    return text.replace(f"<{slot}>", item[0]).replace(f"<{slot}.2>", item[-1])


@cache
def known() -> tuple[tuple[str, str], ...]:
    return tuple(reading for topic in corpus().files["tool"] for reading in readings(topic))


def is_named(name: str, text: str) -> bool:
    """Whether a text has the name, and not only a longer name that holds it."""
    return re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE) is not None


def is_known(name: str) -> bool:
    return any(is_named(name, questions) and is_named(name, answers) for questions, answers in known())


def is_answered(name: str) -> bool:
    return any(is_named(name, answers) for _, answers in known())


@pytest.mark.parametrize("path", [path for path, command in commands() if path != "llamacli"])
def test_every_command_is_asked_about_and_answered(path: str) -> None:
    assert is_known(path)


@pytest.mark.parametrize("name", sorted(options()))
def test_every_option_is_asked_about_and_answered(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize("name", [name for command in COMMANDS for name in command.names])
def test_every_slash_command_is_asked_about_and_answered(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize("name", [variable for setting in SETTINGS for variable in setting.environment])
def test_every_setting_is_asked_about_and_answered_by_its_variable(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize("key", sorted(set(re.findall(r"(?:Ctrl|Alt)-\w+|Tab|Enter", _KEYS))))
def test_every_key_is_asked_about_and_answered(key: str) -> None:
    assert is_known(key)


@pytest.mark.parametrize("status", list(ExitStatus))
def test_every_exit_status_is_asked_about_and_answered(status: int) -> None:
    assert is_known(f"exit status {status}")


def test_every_choice_of_a_setting_is_in_an_answer() -> None:
    choices = {choice for setting in SETTINGS for choice in setting.range.split(", ") if setting.pattern}
    choices |= {choice for setting in SETTINGS for choice in setting.choices}
    assert [choice for choice in sorted(choices) if not is_answered(choice)] == []


def test_every_field_of_the_json_of_an_answer_is_in_an_answer() -> None:
    shown = turn_json("", _REPORT, _INFO, "cuda:1", 1.0)
    inner = {name for value in shown.values() if isinstance(value, dict) for name in value}
    assert [name for name in sorted(inner | set(shown)) if not is_answered(name)] == []


def test_the_budgets_of_the_levels_are_the_programs() -> None:
    for level in Level:
        assert is_known(f"--complexity {level.value}")
        assert any(f"--complexity {level.value}` gives an answer {level.max_tokens} tokens" in a for _, a in known())


def listed(name: str) -> dict[str, str]:
    return {item[0]: item[1] for item in corpus().lists[name]}


def of_option(setting: Setting) -> str:
    return setting.option.removeprefix("--")


def settings_with_an_option() -> list[Setting]:
    return [setting for setting in SETTINGS if setting.option in options()]


def test_the_variables_that_the_corpus_lists_are_those_of_the_table() -> None:
    variables = listed("optionname")
    for setting in settings_with_an_option():
        assert f"LLAMACLI_{variables[of_option(setting)]}" in setting.environment


def test_the_defaults_that_the_corpus_lists_are_those_of_the_table() -> None:
    defaults = listed("optiondefault")
    for setting in settings_with_an_option():
        said = defaults[of_option(setting)]
        assert said == {False: "off", True: "on"}.get(setting.default, str(setting.default)) or setting.default in (
            None,
            (),
        ), said


def test_the_values_that_the_corpus_lists_are_those_of_the_table() -> None:
    values = listed("optionvalues")
    for setting in settings_with_an_option():
        if setting.choices or setting.pattern or (setting.maximum is not None and setting.maximum <= 1_000_000):
            assert values[of_option(setting)] == setting.range


def test_a_name_that_the_corpus_calls_unknown_is_not_one() -> None:
    real = {name.lstrip("-/") for name in (*options(), *(n for c in COMMANDS for n in c.names))}
    real |= {path.removeprefix("llamacli ") for path, _ in commands()}
    assert real & {item[0] for item in corpus().lists["unreal"]} == set()
