"""The person's own editor, which is a shell script here."""

import io
from pathlib import Path

import pytest

from llamacli.errors import BadUsage, EngineFailed, LlamacliError
from llamacli.terminal.editor import edited
from tests.terminal.talk import talk


def editor_that(folder: Path, script: str) -> str:
    """A program that does this to the file `$1`."""
    path = folder / "ed it"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return f"'{path}'"


@pytest.mark.parametrize(
    ("script", "text", "found"),
    [
        ("printf 'new\\ntext\\n' > $1", "old", "new\ntext"),
        ("printf more >> $1", "old", "old\nmore"),
        ("true", "한글\n\n", "한글\n"),
        ("true", "", ""),
        ("sed -i.bak s/o/0/ $1", "old", "0ld"),
        ("printf 'a\\351b\\000' > $1", "old", "a\ufffdb\ufffd"),
        ("printf saved > $1; exit 1", "old", "saved"),
    ],
)
def test_the_text_comes_back_as_it_was_left(tmp_path: Path, script: str, text: str, found: str) -> None:
    assert edited(text, {"EDITOR": editor_that(tmp_path, script), "PATH": "/usr/bin:/bin"}, io.StringIO()) == found


def test_the_file_is_private_and_gone_afterwards_with_what_lay_beside_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f'stat -c "%a %n" $1 $(dirname $1) > {told}; echo secret > $1~'
    edited("x", {"VISUAL": editor_that(tmp_path, script), "EDITOR": "false"}, io.StringIO())
    file, folder = (line.split() for line in told.read_text().splitlines())
    assert (file[0], folder[0], file[1].endswith(".md")) == ("600", "700", True)
    assert not Path(folder[1]).exists()


@pytest.mark.parametrize(
    ("environ", "kind", "said"),
    [
        ({"EDITOR": "/nonexistent/ed -w"}, BadUsage, "'/nonexistent/ed -w' cannot be run"),
        ({"VISUAL": "'open"}, BadUsage, "cannot be run"),
        ({"EDITOR": " ", "PATH": "/nonexistent"}, BadUsage, "There is no editor"),
        ({"EDITOR": "false", "PATH": "/usr/bin:/bin"}, EngineFailed, "false ended with status 1"),
    ],
)
def test_an_editor_that_is_missing_or_fails_is_told(
    environ: dict[str, str], kind: type[LlamacliError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        edited("text", environ, io.StringIO())


def test_without_a_line_to_draft_in_what_was_edited_is_sent(tmp_path: Path) -> None:
    environ = {"EDITOR": editor_that(tmp_path, "printf /usr > $1")}
    chat = talk("one\n/edit\n", "first", "second", environ=environ)
    said = [message.content for message in chat.repl.chat.session.conversation.messages]
    assert said == ["/usr", "second"]


@pytest.mark.parametrize(
    ("script", "said"),
    [("true > $1", "Nothing was written"), ("true", "Nothing was changed"), ("exit 3", "ended with status 3")],
)
def test_an_edit_that_comes_to_nothing_changes_nothing(tmp_path: Path, script: str, said: str) -> None:
    chat = talk("one\n/edit\ntwo\n", "first", "second", environ={"EDITOR": editor_that(tmp_path, script)})
    assert said in chat.err.getvalue()
    assert [m.content for m in chat.repl.chat.session.conversation.messages] == ["one", "first", "two", "second"]


def test_a_first_prompt_may_be_written_in_the_editor(tmp_path: Path) -> None:
    assert talk("/edit\n", environ={"EDITOR": editor_that(tmp_path, "echo hi > $1")}).prompts == ["hi"]
