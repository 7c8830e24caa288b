"""Words, files and standard input: what is asked, and what is refused before anything loads."""

import time
from pathlib import Path
from typing import BinaryIO

import pytest

from llamacli.engine.scripted import ScriptedEngine
from tests.shell import NOWHERE, Result, Stdin, run, silent


def asked(*argv: str, stdin: Stdin = b"", cwd: Path = NOWHERE, tty: bool = False) -> str | None:
    """The prompt that the engine was asked."""
    engine = ScriptedEngine.saying("Yes.")
    run("ask", *argv, stdin=stdin, cwd=cwd, tty=tty, engine=engine)
    return engine.requests[0].conversation.last_prompt


def refused(*argv: str, stdin: Stdin = b"", cwd: Path = NOWHERE, tty: bool = False) -> str:
    """The error of a prompt that is refused, before any model loads."""
    result = run("ask", *argv, stdin=stdin, cwd=cwd, tty=tty, status=2)
    assert result.loaded is None, "a model was loaded"
    assert result.out == ""
    return result.err


def test_standard_input_goes_before_the_words() -> None:
    assert asked("what", "failed", stdin=b"line 1\nline 2\n") == "line 1\nline 2\n\nwhat failed"


def test_standard_input_alone_is_a_prompt() -> None:
    assert asked(stdin=b"hello\n") == "hello"


def test_a_dash_is_standard_input() -> None:
    assert asked("-", stdin=b"hello\n") == "hello"
    assert asked("-", "translate", "it", stdin=b"hello\n") == "hello\n\ntranslate it"


def test_a_dash_between_words_is_a_dash() -> None:
    assert asked("what", "is", "5", "-", "3") == "what is 5 - 3"


@pytest.mark.parametrize("nothing", [b"", b"  \n\n", None])
def test_words_need_no_standard_input(nothing: bytes | None) -> None:
    assert asked("hello", stdin=nothing) == "hello"


def test_a_terminal_is_not_read_where_there_are_words() -> None:
    assert asked("hello", tty=True) == "hello"


def test_files_are_named_in_fenced_blocks_before_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha\n")
    (tmp_path / "b.txt").write_text("beta\n")
    prompt = asked("compare", "-f", "a.txt", "--file", "b.txt", cwd=tmp_path)
    assert prompt == "```a.txt\nalpha\n```\n\n```b.txt\nbeta\n```\n\ncompare"


def test_a_file_named_dash_is_standard_input_in_a_block() -> None:
    assert asked("explain", "-f", "-", stdin=b"x = 1\n") == "```standard input\nx = 1\n```\n\nexplain"


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfalpha\n")
    assert asked("go", "-f", "bom.txt", stdin=b"\xef\xbb\xbfhi", cwd=tmp_path) == "hi\n\n```bom.txt\nalpha\n```\n\ngo"


def test_more_than_a_pipe_holds_is_read_to_its_end(tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_text("x" * 300_000)
    assert asked("go", stdin=large) == "x" * 300_000 + "\n\ngo"
    assert asked("go", stdin=large.read_bytes()) == "x" * 300_000 + "\n\ngo"


@pytest.mark.parametrize("nothing", [b"", b" \n\t\n", None])
def test_nothing_to_ask_is_refused(nothing: bytes | None) -> None:
    assert "There is nothing to ask." in refused(stdin=nothing)
    assert "There is nothing to ask." in refused(" ", stdin=nothing)


def test_nothing_to_ask_at_a_terminal_is_refused() -> None:
    assert "There is nothing to ask." in refused(tty=True)


def test_an_empty_file_is_nothing_to_ask(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "There is nothing to ask." in refused("-f", "empty", cwd=tmp_path)


def test_standard_input_that_is_not_utf8_is_refused_with_the_offset() -> None:
    assert "At byte 3 byte 0xff" in refused("what", stdin=b"abc\xff")
    assert "At byte 2 there is a NUL byte" in refused("what", stdin=b"ab\0c")


def test_words_that_are_not_utf8_are_refused() -> None:
    assert "At byte 2 byte 0xff" in refused("ab\udcff")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"ok \xc3(")
    assert "At byte 3 byte 0xc3" in refused("go", "-f", "bad", cwd=tmp_path)
    assert "No such file or directory" in refused("go", "-f", "missing", cwd=tmp_path)
    assert "Is a directory" in refused("go", "-f", ".", cwd=tmp_path)


def test_a_silent_pipe_does_not_hang_a_question_that_has_words() -> None:
    engine = ScriptedEngine.saying("Yes.")
    result = run("ask", "hello", stdin=silent, engine=engine, patience_s=0.1)
    assert engine.requests[0].conversation.last_prompt == "hello"
    assert result.err == "Standard input stayed silent and is not part of the prompt.\n"


def test_a_slow_pipe_is_read_while_the_models_load() -> None:
    result, prompt = _asked_slowly("hello")
    assert prompt == "late\n\nhello"
    assert result.loaded is not None


def test_a_dash_waits_for_a_pipe_that_is_silent_longer_than_the_patience() -> None:
    assert _asked_slowly("-", patience_s=0.01)[1] == "late"
    assert _asked_slowly("-f", "-", patience_s=0.01)[1] == "```standard input\nlate\n```"


def test_no_words_wait_for_the_pipe() -> None:
    assert _asked_slowly(patience_s=0.01)[1] == "late"


def _asked_slowly(*argv: str, patience_s: float = 5.0) -> tuple[Result, str | None]:
    """Ask with a pipe that speaks after half a second, in two pieces."""

    def speak(sink: BinaryIO) -> None:
        time.sleep(0.5)
        with sink:
            for piece in (b"la", b"te\n"):
                sink.write(piece)
                time.sleep(0.05)

    engine = ScriptedEngine.saying("Yes.")
    result = run("ask", *argv, stdin=speak, engine=engine, patience_s=patience_s)
    return result, engine.requests[0].conversation.last_prompt
