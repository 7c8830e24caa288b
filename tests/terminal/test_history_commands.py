"""`/save`, `/load` and `/history`."""

from pathlib import Path

import pytest

from llamacli.engine.scripted import Reply
from llamacli.errors import BadUsage, UnknownConversation
from llamacli.history import FILE_NAME, History, Recording
from llamacli.terminal.commands import run
from tests.terminal.talk import Talk, talk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def saved(path: Path, lines: str, *replies: str | Reply, person: bool = True) -> Talk:
    """A chat that was saved."""
    return talk(lines, *replies, recording=Recording(path, saving=True), person=person)


def titles(path: Path) -> list[str]:
    return [summary.title for summary in History(path).summaries()]


def test_save_gives_a_title(path: Path) -> None:
    chat = saved(path, "one\n/save My  llamas\ntwo\n")
    name = chat.repl.chat.recording.id
    assert chat.err.getvalue() == f"The conversation is saved as {name}: My  llamas.\n"
    [summary] = History(path).summaries()
    assert (summary.id, summary.title, summary.turns) == (name, "My llamas", 2)


def test_save_says_the_id_and_keeps_the_title(path: Path) -> None:
    chat = saved(path, "one\n/save Title\n/save\n")
    assert chat.err.getvalue().splitlines()[1] == f"The conversation is saved as {chat.repl.chat.recording.id}."
    assert titles(path) == ["Title"]


def test_save_begins_to_save_what_was_not(path: Path) -> None:
    talk("one\n/save\ntwo\n", recording=Recording(path, saving=False))
    [summary] = History(path).summaries()
    assert (summary.title, summary.turns) == ("one", 2)


def test_there_has_to_be_something_to_save(path: Path) -> None:
    assert "nothing to save yet" in saved(path, "/save title\n").err.getvalue()
    assert not path.exists()


def test_what_cannot_be_saved_is_an_error_where_it_was_asked_for(path: Path) -> None:
    path.write_bytes(b"\x13" * 5000)
    chat = talk("one\n/save\ntwo\n", recording=Recording(path, saving=False))
    assert chat.err.getvalue().startswith(f"error: The history {path} is broken.")
    assert chat.out.getvalue() == "An answer.\nAn answer.\n"
    assert not chat.repl.chat.recording.saving


def test_load_goes_on_with_another_conversation(path: Path) -> None:
    name = saved(path, "one\n", "first").repl.chat.recording.id
    chat = saved(path, f"/file {__file__}\nother\n/load {name}\ntwo\n", "answer", "second")
    assert f"Going on with {name}: one (1 turn).\n" in chat.err.getvalue()
    asked = [message.content for message in chat.engine.requests[-1].conversation.messages]
    assert asked == ["one", "first", "two"]
    assert [(each.id == name, each.turns) for each in History(path).summaries()] == [(True, 2), (False, 1)]


def test_load_forgets_what_belonged_to_the_conversation_before(path: Path) -> None:
    name = saved(path, "one\n").repl.chat.recording.id
    chat = saved(path, "other\n").repl.chat
    chat.attached.append(("a.txt", "text"))
    chat.unanswered = "lost"
    run(chat, f"/load {name}")
    forgotten: tuple[object, ...] = (chat.attached, chat.unanswered, chat.session.last)
    assert forgotten == ([], None, None)


def test_an_unknown_id_leaves_the_conversation_as_it_is(path: Path) -> None:
    chat = saved(path, "one\n").repl.chat
    with pytest.raises(UnknownConversation):
        run(chat, "/load zz")
    assert chat.session.conversation.last_prompt == "one"


def test_what_is_loaded_can_be_gone_on_with_and_taken_back(path: Path) -> None:
    name = saved(path, "one\ntwo\n").repl.chat.recording.id or ""
    chat = saved(path, f"/load {name}\n/continue\n/undo\n", " More.")
    assert "Taken back: two" in chat.err.getvalue()
    said = [message.content for message in History(path).read(name).conversation.messages]
    assert said == ["one", "An answer."]


def test_history_lists_what_is_saved(path: Path) -> None:
    name = saved(path, "one\n").repl.chat.recording.id
    lines = saved(path, "/history\n").err.getvalue().splitlines()
    assert (lines[0].split()[0], lines[0].split()[-1], lines[1:]) == (name, "one", ["/load ID goes on with one."])


def test_history_of_nothing_says_so(path: Path) -> None:
    with pytest.raises(BadUsage, match="There is no saved conversation"):
        run(saved(path, "\n").repl.chat, "/history")
    assert not path.exists()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("one\ntwo\n/undo\n", ["one", "a"]),
        ("one\n/retry\n", ["one", "b"]),
        ("one\n/undo\ntwo\n", ["two", "b"]),
        ("one\n/edit\n more\n", [" more", "b"]),
        ("one\n/continue\n", ["one", "ab"]),
        ("one\n/system Be brief.\n", ["Be brief.", "one", "a"]),
        ("one\n/clear\n/undo\n", ["one", "a"]),
    ],
)
def test_commands_change_what_is_saved_too(path: Path, lines: str, said: list[str]) -> None:
    saved(path, lines, "a", "b", person=False)
    [summary] = History(path).summaries()
    assert [message.content for message in History(path).read(summary.id).conversation.messages] == said


def test_an_edited_prompt_that_gets_no_answer_leaves_what_was_saved(path: Path) -> None:
    saved(path, "one\n/edit\n more\n", "a", "", person=False)
    assert titles(path) == ["one"]


def test_what_is_wrong_with_the_history_is_said_once_and_after_the_answer(path: Path) -> None:
    path.write_bytes(b"\x13" * 5000)
    chat = saved(path, "one\ntwo\n")
    assert chat.out.getvalue() == "An answer.\nAn answer.\n"
    assert chat.err.getvalue().count("The conversation is not saved.") == 1
