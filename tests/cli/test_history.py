"""`llamacli history`, and the options of `ask` and `chat` that save and go on, the whole program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llamacli.cli.context import World
from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.history import FILE_NAME, TYPED_NAME, History
from tests.shell import Output, Result, run
from tests.terminal.attacks import is_harmless


class Shell:
    """Runs commands that share a data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.env = {"LLAMACLI_DATA_DIR": str(path), "LLAMACLI_SAVE": "", "TZ": "UTC"}

    def __call__(self, *argv: str, **options: Any) -> Result:
        return run(*argv, env=self.env | options.pop("env", {}), **options)

    def asked(self, *argv: str, answer: str = "An answer.", **options: Any) -> str:
        """The id under which a question was saved."""
        name = self("ask", "--json", *argv, engine=ScriptedEngine.saying(answer), **options).json["conversation"]
        assert isinstance(name, str)
        return name


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


def contents(engine: ScriptedEngine) -> list[str]:
    """What the model read last."""
    return [message.content for message in engine.requests[-1].conversation.messages]


def test_ask_saves_and_says_where(shell: Shell) -> None:
    name = shell.asked("what", "is", "a", "llama")
    assert re.fullmatch(r"[a-z]{5}", name)
    assert shell("ask", "hi").err == ""
    assert [summary.title for summary in History(shell.path / FILE_NAME).summaries()] == ["hi", "what is a llama"]


@pytest.mark.parametrize(("argv", "env"), [(["--no-save"], {}), ([], {"LLAMACLI_SAVE": "false"})])
def test_what_is_not_to_be_saved_leaves_no_file(shell: Shell, argv: list[str], env: dict[str, str]) -> None:
    assert shell("ask", "hi", "--json", *argv, env=env).json["conversation"] is None
    assert shell("chat", *argv, stdin=b"hi\n", env=env).out == "An answer.\n"
    assert not shell.path.exists()


def test_an_option_beats_the_setting(shell: Shell) -> None:
    shell("ask", "hi", "--save", env={"LLAMACLI_SAVE": "false"})
    assert len(History(shell.path / FILE_NAME).summaries()) == 1


def test_ask_goes_on_where_the_last_conversation_ended(shell: Shell) -> None:
    name = shell.asked("I am Ada", "-s", "Be brief.", answer="Hello Ada.")
    engine = ScriptedEngine.saying("You are Ada.")
    result = shell("ask", "-c", "who", "am", "I", engine=engine)
    assert (result.out, result.err) == ("You are Ada.\n", "")
    assert contents(engine) == ["Be brief.", "I am Ada", "Hello Ada.", "who am I"]
    [summary] = History(shell.path / FILE_NAME).summaries()
    assert (summary.id, summary.turns) == (name, 2)


def test_a_conversation_goes_on_by_the_beginning_of_its_id(shell: Shell) -> None:
    name = shell.asked("first")
    shell.asked("second")
    engine = ScriptedEngine.saying("x")
    assert (
        shell("ask", "third", "--json", "--conversation", name[:4].upper(), engine=engine).json["conversation"] == name
    )
    assert contents(engine) == ["first", "An answer.", "third"]


def test_the_day_of_a_conversation_stays(shell: Shell) -> None:
    name = shell.asked("first")
    history = History(shell.path / FILE_NAME)
    with_day = history.read(name).conversation.started
    engine = ScriptedEngine.saying("x")
    shell("ask", "-c", "second", engine=engine)
    assert engine.requests[0].conversation.started == with_day


def test_a_system_prompt_that_is_given_replaces_the_one_that_was_saved(shell: Shell) -> None:
    shell.asked("first", "-s", "Be brief.")
    engine = ScriptedEngine.saying("x")
    shell("ask", "-c", "second", engine=engine, env={"LLAMACLI_SYSTEM": "Be kind."})
    assert contents(engine)[0] == "Be brief."
    shell("ask", "-c", "third", "-s", "Be long.", engine=engine)
    assert contents(engine)[0] == "Be long."


def test_going_on_without_saving_leaves_the_saved_one_as_it_was(shell: Shell) -> None:
    name = shell.asked("first")
    assert shell("ask", "-c", "second", "--no-save", "--json").json["conversation"] is None
    assert History(shell.path / FILE_NAME).read(name).conversation.turns == 1


def test_a_prompt_is_measured_with_what_went_before_it(shell: Shell) -> None:
    shell.asked(" ".join(["word"] * 200))
    engine = ScriptedEngine.saying("x", context_window=256)
    assert "tokens given" in shell("ask", "-c", *["word"] * 100, engine=engine, status=2).err


@pytest.mark.parametrize("argv", [["-c"], ["--conversation", "bcdfg"], ["--conversation", ""]])
@pytest.mark.parametrize("command", ["ask", "chat"])
def test_there_has_to_be_a_conversation_to_go_on_with(shell: Shell, command: str, argv: list[str]) -> None:
    result = shell(command, *argv, *(["hi"] if command == "ask" else []), status=2)
    assert "There is no" in result.err
    assert result.loaded is None
    assert not shell.path.exists()


def test_only_one_conversation_can_be_gone_on_with(shell: Shell) -> None:
    assert "exclude each other" in shell("ask", "hi", "-c", "--conversation", shell.asked("x"), status=2).err


def test_an_answer_that_was_interrupted_is_saved_as_a_stopped_one(shell: Shell) -> None:
    class Interrupted(ScriptedEngine):
        def _sampled(self, reply: Reply) -> Iterator[str]:
            yield "one"
            yield " two"
            raise KeyboardInterrupt

    name = shell("ask", "count", "--json", engine=Interrupted.saying("x"), status=130).json["conversation"]
    assert shell("history", "show", name, "--json").json["messages"][1]["stopped"] is True
    assert "## scripted (stopped)\n\none two\n" in shell("history", "show", name).out


def test_an_answer_without_words_is_not_the_one_before_it(shell: Shell) -> None:
    shell.asked("first")
    result = shell("ask", "-c", "second", engine=ScriptedEngine.saying(""))
    assert (result.out, result.err) == ("", "The model gave an empty answer.\n")
    assert shell("ask", "-c", "second", "--json", engine=ScriptedEngine.saying("")).json["answer"] == ""


def test_a_directory_that_cannot_be_written_costs_a_notice_and_not_the_answer(shell: Shell) -> None:
    shell.path.write_bytes(b"in the way")
    result = shell("ask", "hi")
    assert result.out == "An answer.\n"
    assert result.err.startswith("The conversation is not saved. ")
    result = shell("ask", "hi", "--json")
    assert (result.json["answer"], result.json["conversation"]) == ("An answer.", None)
    result = shell("chat", stdin=b"one\ntwo\n")
    assert result.out == "An answer.\nAn answer.\n"
    assert result.err.count("is not saved") == 1


def test_chat_saves_one_conversation_and_goes_on_with_it(shell: Shell) -> None:
    shell("chat", stdin=b"one\ntwo\n")
    [summary] = History(shell.path / FILE_NAME).summaries()
    assert (summary.title, summary.turns) == ("one", 2)
    engine = ScriptedEngine.saying("x")
    result = shell("chat", "-c", stdin=b"three\n/retry\n", engine=engine)
    assert result.err == f"Going on with {summary.id}: one (2 turns).\n"
    assert contents(engine) == ["one", "An answer.", "two", "An answer.", "three"]
    assert [each.turns for each in History(shell.path / FILE_NAME).summaries()] == [3]


def test_a_chat_that_begins_anew_begins_another_conversation(shell: Shell) -> None:
    shell("chat", stdin=b"one\n/clear\ntwo\n")
    assert [each.title for each in History(shell.path / FILE_NAME).summaries()] == ["two", "one"]


def test_list_shows_the_newest_first(shell: Shell) -> None:
    names = [shell.asked("first"), shell.asked("안녕하세요", "세계")]
    lines = shell("history", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == names[::-1]
    assert re.fullmatch(r"[a-z]{5}  \d{4}-\d\d-\d\d \d\d:\d\d  1  안녕하세요 세계", lines[0])
    assert shell("history", "list", "--limit", "1").out.splitlines() == lines[:1]


def test_list_as_json(shell: Shell) -> None:
    name = shell.asked("first")
    listed = shell("history", "list", "--json").json
    assert listed["schema"] == 1
    [entry] = listed["conversations"]
    assert (entry["id"], entry["title"], entry["turns"], entry["model"]) == (name, "first", 1, "scripted")
    assert set(entry) == {"id", "title", "updated", "turns", "model"}


def test_an_empty_history_is_no_error(shell: Shell) -> None:
    result = shell("history", "list")
    assert (result.out, result.err) == ("", "There is no saved conversation.\n")
    assert shell("history", "list", "--json").json == {"schema": 1, "conversations": []}
    assert shell("history", "search", "x").err == "Nothing was found.\n"
    assert "no saved conversation" in shell("history", "show", status=2).err
    assert not shell.path.exists()


@pytest.mark.parametrize("argv", [["show", "zz"], ["export", "zz"], ["delete", "zz"]])
def test_an_unknown_id_is_wrong_usage(shell: Shell, argv: list[str]) -> None:
    shell.asked("first")
    assert shell("history", *argv, status=2).err == (
        "error: There is no conversation 'zz'.\nhint: llamacli history list, or /history in a chat.\n"
    )
    assert len(History(shell.path / FILE_NAME).summaries()) == 1


def test_show_and_export_write_markdown(shell: Shell) -> None:
    name = shell.asked("show", "code", "-s", "Be brief.", answer="Here:\n\n````py\nx = 1\n```")
    shown = shell("history", "show", name[:3]).out
    head, system, prompt, answer = shown.split("\n\n## ")
    assert re.fullmatch(rf"# show code\n\n{name}, \d{{4}}-\d\d-\d\d \d\d:\d\d, 1 turn", head)
    assert (system, prompt) == ("System\n\nBe brief.", "You\n\nshow code")
    assert answer == "scripted\n\nHere:\n\n````py\nx = 1\n```\n````\n"
    assert shell("history", "show").out == shell("history", "export").out == shown


def test_show_on_a_terminal_is_rendered(shell: Shell) -> None:
    shell.asked("hi", answer="Some **bold** words.\n\n```\ncut")
    out = shell("history", "show", tty=True).out
    assert "\x1b[1m" in out
    assert "**" not in out
    assert "**bold**" in shell("history", "show", "--render", "plain", tty=True).out


def test_show_and_export_as_json_tell_what_made_an_answer(shell: Shell) -> None:
    name = shell.asked("hi", "--temperature", "0")
    shown = shell("history", "show", "--json").json
    assert (shown["schema"], shown["id"], shown["title"]) == (1, name, "hi")
    assert [(m["id"], m["role"], m["content"]) for m in shown["messages"]] == [
        (0, "user", "hi"),
        (1, "assistant", "An answer."),
    ]
    assert shown["messages"][1]["made"][0]["sampling"]["temperature"] == 0
    exported = shell("history", "export", "--json").json
    del shown["schema"]
    assert exported == {"schema": 1, "conversations": [shown]}


def test_export_writes_a_private_file(shell: Shell, tmp_path: Path) -> None:
    names = [shell.asked("first"), shell.asked("두번째")]
    result = shell("history", "export", "--all", "-o", "all.md", cwd=tmp_path)
    assert (result.out, result.err) == ("", "")
    text = (tmp_path / "all.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# 두번째", "# first"]
    assert (tmp_path / "all.md").stat().st_mode & 0o777 == 0o600
    shell("history", "export", "--json", names[0], "-o", str(tmp_path / "one.json"))
    exported = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    assert [each["id"] for each in exported["conversations"]] == names[:1]


def test_a_dash_is_standard_output_and_an_empty_id_is_nobody_s(shell: Shell, tmp_path: Path) -> None:
    shell.asked("first")
    assert shell("history", "export", "-o", "-", cwd=tmp_path).out == shell("history", "export").out
    assert not (tmp_path / "-").exists()
    assert "There is no conversation" in shell("history", "show", "", status=2).err


def test_a_file_that_cannot_be_written_is_told(shell: Shell, tmp_path: Path) -> None:
    shell.asked("first")
    assert "No such file" in shell("history", "export", "-o", str(tmp_path / "no" / "x.md"), status=1).err


def test_search_shows_what_stands_around(shell: Shell) -> None:
    name = shell.asked("사업 계획서를 써 줘", answer="before " * 20 + "the llama " + "after " * 20)
    shell.asked("other")
    first, second = shell("history", "search", "llama").out.splitlines()
    assert first.startswith(name)
    assert re.fullmatch(r" {4}assistant: ….*before the llama after.*…", second)
    assert shell("history", "search", "계획").out.splitlines()[1] == "    user: 사업 계획서를 써 줘"
    found = shell("history", "search", "--json", "LLAMA", "the").json
    assert [(each["id"], [match["id"] for match in each["matches"]]) for each in found["conversations"]] == [
        (name, [1])
    ]
    assert "nothing to search" in shell("history", "search", " ", status=2).err


def test_delete_takes_ids(shell: Shell) -> None:
    names = [shell.asked("first"), shell.asked("second"), shell.asked("third")]
    result = shell("history", "delete", names[0][:4], names[2], names[0])
    assert (result.out, result.err) == ("", f"Deleted {names[0]}, {names[2]}.\n")
    assert shell("history", "delete", names[1], "--json").json == {
        "schema": 1,
        "deleted": [{"id": names[1]}],
        "gone_from_file": True,
    }
    assert shell("history", "list", "--json").json["conversations"] == []
    assert b"second" not in (shell.path / FILE_NAME).read_bytes()


def test_an_unknown_id_among_others_deletes_nothing(shell: Shell) -> None:
    name = shell.asked("first")
    shell("history", "delete", name, "zz", status=2)
    assert len(History(shell.path / FILE_NAME).summaries()) == 1


def test_delete_all_asks_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.asked("first")
    (shell.path / TYPED_NAME).touch()
    assert "Add --yes" in shell("history", "delete", "--all", status=2).err
    asked: list[str] = []

    def confirmed(_: World, question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    monkeypatch.setattr(World, "confirmed", confirmed)
    assert shell("history", "delete", "--all", tty=True).err.count("Nothing was deleted.") == 1
    assert len(History(shell.path / FILE_NAME).summaries()) == 1
    assert (shell.path / TYPED_NAME).exists()
    said = "all conversations (1) and what was typed in chats"
    assert f"Deleted {said}." in shell("history", "delete", "--all", tty=True).err
    assert asked == [f"Delete {said}?"] * 2
    assert not (shell.path / TYPED_NAME).exists()
    assert History(shell.path / FILE_NAME).summaries() == []
    shell("history", "delete", "--all", "--yes")


@pytest.mark.parametrize("argv", [[], ["--all", "bcdfg"]])
def test_delete_has_to_be_told_what(shell: Shell, argv: list[str]) -> None:
    assert "Give ids, or --all." in shell("history", "delete", *argv, status=2).err


@pytest.mark.parametrize("argv", [["list"], ["show"], ["search", "llama"], ["export"], ["delete", "--all", "--yes"]])
def test_a_history_that_cannot_be_read_is_a_failure(shell: Shell, argv: list[str]) -> None:
    shell.path.mkdir()
    (shell.path / FILE_NAME).write_bytes(b"\x13" * 5000)
    result = shell("history", *argv, status=1)
    assert "is broken" in result.err
    assert "hint: Move it away" in result.err
    assert (shell.path / FILE_NAME).read_bytes() == b"\x13" * 5000


@pytest.mark.parametrize(
    "argv", [["list"], ["show"], ["show", "--render", "plain"], ["show", "--json"], ["search", "evil"], ["export"]]
)
def test_what_comes_back_is_harmless_on_a_terminal_and_raw_elsewhere(shell: Shell, argv: list[str]) -> None:
    evil = "evil \x1b]0;x\x07 \x9b2J \u202e \x1b[2J"
    shell.asked(evil, answer=evil)
    shown = shell("history", *argv, tty=True).out
    styled = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert is_harmless(styled)
    if "--json" not in argv:
        assert "\x1b]0;x\x07" in shell("history", *argv).out


def test_the_group_says_what_it_can(shell: Shell) -> None:
    assert shell("history").out == shell("history", "--help").out
    assert all(name in shell("history").out for name in ("list", "show", "search", "export", "delete"))


def test_a_closed_pipe_ends_a_list_quietly(shell: Shell) -> None:
    shell.asked("first")
    assert shell("history", "list", out=Output(last="first", fault=BrokenPipeError), status=141).err == ""


def test_show_tells_the_names_of_files_at_a_terminal_too(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "notes_a.txt").write_text("```sh\nls\n```\n", encoding="utf-8")
    name = shell.asked("-f", str(tmp_path / "notes_a.txt"), "explain", answer="```python\nx\n```")
    shown = shell("history", "show", name, tty=True, env={"TERM": "xterm-256color", "NO_COLOR": "1"}).out
    rows = [line.strip() for line in shown.replace("\r", "").split("\n")]
    assert "".join(rows).count("notes_a.txt") == 1
    assert rows[rows.index("```sh") - 2].endswith("notes_a.txt")
    assert "python" not in shown
    assert shell("history", "show", name).out.count("notes_a.txt") == 1
