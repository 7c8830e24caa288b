from dataclasses import replace
from pathlib import Path

import pytest

from llamacli.chat import ChatSession
from llamacli.engine import Models
from llamacli.engine.scripted import ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import BadUsage, NotText
from llamacli.settings import Settings
from llamacli.terminal.commands import COMMANDS, run
from llamacli.terminal.results import Answer, Chat, Copy, Draft, Leave, Say
from tests.settings import settings
from tests.shell import unsaved

FENCED = "Two:\n\n```python\nx = 1\n```\n\n1. and\n   ~~~\n   y\n   ~~~\n\n```sh\ncut off"


class Door:
    """Opens scripted models and remembers for which settings."""

    def __init__(self, classifier: ScriptedClassifier | None = None) -> None:
        self.engines = [ScriptedEngine.saying(FENCED), ScriptedEngine.saying("other")]
        self.opened: list[Settings] = []
        self.classifier = classifier

    def __call__(self, settings: Settings) -> Models:
        self.opened.append(settings)
        return scripted_models(self.engines[len(self.opened) - 1], self.classifier)


def chat_of(door: Door, *prompts: str, **options: object) -> Chat:
    chosen = settings(**options)
    chat = Chat(ChatSession.of(door(chosen), chosen), chosen, door, unsaved())
    for prompt in prompts:
        list(chat.session.ask(prompt))
    return chat


@pytest.fixture
def door() -> Door:
    return Door(ScriptedClassifier())


def said(chat: Chat, line: str) -> str:
    result = run(chat, line)
    assert isinstance(result, Say)
    return result.text


def test_help_shows_every_command_and_how_it_is_typed(door: Door) -> None:
    text = said(chat_of(door), "/help")
    assert all(f"{command.usage} " in text and command.help in text for command in COMMANDS)
    assert said(chat_of(Door()), "/?") == text


@pytest.mark.parametrize("line", ["/exit", "/quit", "/EXIT"])
def test_exit_leaves(door: Door, line: str) -> None:
    assert run(chat_of(door), line) == Leave()


@pytest.mark.parametrize(("line", "near"), [("/retyr", "/retry"), ("/complex", "/complexity"), ("/xyzzy", "")])
def test_an_unknown_command_is_refused_and_the_nearest_named(door: Door, line: str, near: str) -> None:
    with pytest.raises(BadUsage) as refused:
        run(chat_of(door), line + " what is this")
    assert ("did you mean" in refused.value.message) is bool(near)
    assert near in refused.value.message
    assert door.engines[0].requests == []


@pytest.mark.parametrize("line", ["/save", "/load", "/load x", "/history", "/clear all", "/file", "/", "/etc/passwd"])
def test_what_is_no_command_or_has_the_wrong_arguments_is_refused(door: Door, line: str) -> None:
    with pytest.raises(BadUsage):
        run(chat_of(door), line)


def test_clear_forgets_the_turns_the_files_and_the_failed_prompt_but_not_the_system_prompt(door: Door) -> None:
    chat = replace(chat_of(door, "one", system="Be brief."), attached=[("a.txt", "text")], unanswered="two")
    said(chat, "/clear")
    assert (chat.session.conversation.turns, chat.session.conversation.system) == (0, "Be brief.")
    assert (chat.attached, chat.unanswered) == ([], None)


def test_undo_takes_back_the_last_turn(door: Door) -> None:
    chat = chat_of(door, "one", "two\nlines")
    assert said(chat, "/undo") == "Taken back: two lines"
    assert chat.session.conversation.last_prompt == "one"
    said(chat, "/undo")
    with pytest.raises(BadUsage):
        run(chat, "/undo")


def test_retry_answers_the_last_prompt_again(door: Door) -> None:
    chat = chat_of(door, "one")
    result = run(chat, "/retry")
    assert isinstance(result, Answer)
    list(result.start())
    assert [m.content for m in door.engines[0].requests[-1].conversation.messages] == ["one"]


def test_retry_and_edit_mean_the_prompt_that_got_no_answer(door: Door) -> None:
    chat = chat_of(door, "one")
    chat.unanswered = "two"
    assert run(chat, "/edit") == Draft("two", replaces=False)
    result = run(chat, "/retry")
    assert isinstance(result, Answer)
    list(result.start())
    assert [m.content for m in chat.session.conversation.messages] == ["one", FENCED, "two", FENCED]


def test_continue_goes_on_with_the_last_answer(door: Door) -> None:
    chat = chat_of(door, "one")
    result = run(chat, "/continue")
    assert isinstance(result, Answer)
    list(result.start())
    assert chat.session.conversation.last_answer == FENCED + FENCED


def test_edit_brings_the_last_prompt_back(door: Door) -> None:
    assert run(chat_of(door, "one\ntwo"), "/edit") == Draft("one\ntwo", replaces=True)
    assert run(chat_of(Door()), "/edit") == Draft("", replaces=False)


def test_system_sets_shows_and_removes_the_system_prompt(door: Door) -> None:
    chat = chat_of(door, "one")
    said(chat, "/system Be brief,\nplease.")
    assert chat.session.conversation.system == "Be brief,\nplease."
    assert "Be brief" in said(chat, "/system")
    assert said(chat, "/system none") == "There is no system prompt."
    assert chat.session.conversation.turns == 1


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("/set temperature 0", "temperature", 0.0),
        ("/set top-k 5", "top_k", 5),
        ("/set top_p 0.5", "top_p", 0.5),
        ("/set repetition_penalty 1", "repetition_penalty", 1.0),
        ("/set seed 7", "seed", 7),
        ("/set seed none", "seed", None),
        ("/set stop THE END", "stop", ("THE END",)),
        ("/set stop none", "stop", ()),
    ],
)
def test_set_changes_the_sampling_of_the_next_turn(door: Door, line: str, name: str, value: object) -> None:
    chat = chat_of(door, seed=1, stop=["x"])
    assert said(chat, line).startswith(name)
    list(chat.session.ask("hi"))
    assert getattr(door.engines[0].requests[0].sampling, name) == value


def test_set_max_tokens_replaces_the_budget(door: Door) -> None:
    chat = chat_of(door)
    said(chat, "/set max_tokens 3")
    assert chat.session.max_tokens == 3
    said(chat, "/set max_tokens none")
    assert chat.session.max_tokens is None


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("/set temperature 9", "0 to 5"),
        ("/set temperature none", "0 to 5"),
        ("/set top_p nan", "0.01 to 1"),
        ("/set seed x", "or none"),
        ("/set model builtin", "temperature"),
    ],
)
def test_set_refuses_what_is_out_of_range_and_names_the_range(door: Door, line: str, allowed: str) -> None:
    chat = chat_of(door)
    before = chat.session.sampling
    with pytest.raises(BadUsage) as refused:
        run(chat, line)
    assert allowed in refused.value.reason
    assert chat.session.sampling == before


def test_set_alone_shows_every_setting(door: Door) -> None:
    lines = said(chat_of(door), "/set").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["temperature", "0.64"], ["top_k", "51"], ["top_p", "0.63"], ["repetition_penalty", "1.21"],
        ["seed", "none"], ["stop", "none"], ["max_tokens", "none"],
    ]  # fmt: skip
    assert said(chat_of(Door()), "/set seed").startswith("seed ")


def test_model_closes_one_and_opens_another_and_keeps_the_conversation(door: Door) -> None:
    chat = chat_of(door, "one")
    assert "auto" in said(chat, "/model")
    said(chat, "/model some/other")
    assert door.engines[0].closed
    assert door.opened[-1].model == "some/other"
    list(chat.session.ask("two"))
    assert [m.content for m in chat.session.conversation.messages] == ["one", FENCED, "two", "other"]


def test_model_keeps_the_level_that_holds_now(door: Door) -> None:
    chat = chat_of(door)
    said(chat, "/complexity off")
    said(chat, "/model other")
    assert door.opened[-1].complexity == "off"


def test_complexity_sets_the_level_and_its_budget(door: Door) -> None:
    chat = chat_of(door, max_tokens=7)
    assert "500" in said(chat, "/complexity high")
    assert (chat.session.complexity, chat.session.max_tokens) == ("high", None)
    assert said(chat, "/complexity") == "Complexity is high."
    with pytest.raises(BadUsage) as refused:
        run(chat, "/complexity extreme")
    assert "auto, low, medium, high, off" in refused.value.reason


def test_complexity_auto_needs_a_classifier(door: Door) -> None:
    assert "classifier" in said(chat_of(door), "/complexity auto")
    with pytest.raises(BadUsage, match="classifier"):
        run(chat_of(Door(classifier=None)), "/complexity auto")


@pytest.mark.parametrize("typed", ["{}", "'{}'", '"{}"', "\\ "])
def test_file_goes_before_the_next_prompt(door: Door, tmp_path: Path, typed: str) -> None:
    path = tmp_path / "a file.txt"
    path.write_text("text", encoding="utf-8")
    chat = chat_of(door)
    argument = typed.format(path) if "{}" in typed else str(path).replace(" ", typed)
    assert "4 characters" in said(chat, f"/file {argument}")
    assert chat.attached == [(str(path), "text")]


def test_file_none_takes_the_files_back(door: Door, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("text", encoding="utf-8")
    chat = chat_of(door)
    said(chat, f"/file {tmp_path / 'none'}")
    assert len(chat.attached) == 1
    assert said(chat, "/file none") == "No file goes before the next prompt."
    assert chat.attached == []


def test_file_refuses_what_is_not_text_with_the_offset(door: Door, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"ab\xff")
    chat = chat_of(door)
    with pytest.raises(NotText) as refused:
        run(chat, f"/file {tmp_path / 'a.bin'}")
    assert "byte 2" in refused.value.reason
    assert chat.attached == []


def test_copy_takes_the_answer_or_one_of_its_code_blocks(door: Door) -> None:
    chat = chat_of(door, "one")
    assert run(chat, "/copy") == Copy(FENCED, "The answer")
    assert run(chat, "/copy 1") == Copy("x = 1\n", "Code block 1")
    assert run(chat, "/copy 3") == Copy("cut off", "Code block 3")


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "²"])
def test_copy_refuses_a_block_that_is_not_there(door: Door, number: str) -> None:
    with pytest.raises(BadUsage) as refused:
        run(chat_of(door, "one"), f"/copy {number}")
    assert "has 3" in refused.value.reason


def test_copy_and_stats_need_an_answer(door: Door) -> None:
    chat = chat_of(door)
    for line in ("/copy", "/stats"):
        with pytest.raises(BadUsage):
            run(chat, line)


def test_stats_and_tokens_say_their_figures(door: Door) -> None:
    chat = chat_of(door)
    assert "no turns yet" in said(chat, "/tokens")
    list(chat.session.ask("one two three"))
    assert "complexity low (classifier), 100 tokens" in said(chat, "/stats")
    count = door.engines[0].count_tokens(chat.session.conversation)
    assert said(chat, "/tokens") == f"{count} of 4,096 tokens are used (0%), in 1 turn."
