import pytest

from llamacli.engine import Wanted
from llamacli.engine.scripted import ScriptedEngine
from tests.shell import run


def test_lines_of_standard_input_are_a_conversation() -> None:
    engine = ScriptedEngine.saying("first", "second")
    result = run("chat", "--system", "Be brief.", stdin=b"one\ntwo\n", engine=engine)
    assert (result.out, result.err) == ("first\nsecond\n", "")
    assert [m.content for m in engine.requests[1].conversation.messages] == ["Be brief.", "one", "first", "two"]
    assert engine.closed


def test_notices_go_to_standard_error() -> None:
    result = run("chat", stdin=b"/help\n/unknown\n", status=2)
    assert result.out == ""
    assert "/retry" in result.err
    assert "There is no command /unknown" in result.err


def test_options_hold_for_every_turn() -> None:
    engine = ScriptedEngine.saying("one two three")
    result = run("chat", "-n", "2", "--temperature", "0", stdin=b"a\nb", engine=engine)
    assert result.out == "one two\none two\n"
    assert engine.requests[1].sampling.temperature == 0
    assert "Cut at 2 tokens" in result.err


@pytest.mark.parametrize(
    ("options", "classifier"), [([], True), (["--complexity", "low"], True), (["--complexity", "off"], False)]
)
def test_a_classifier_is_loaded_unless_it_can_never_be_wanted(options: list[str], classifier: bool) -> None:
    assert run("chat", *options, stdin=b"hi\n").loaded == Wanted(classifier=classifier)


@pytest.mark.parametrize("stdin", [b"", b"\n \n", b"/exit\nhi\n"])
def test_nothing_asked_is_no_error(stdin: bytes) -> None:
    assert run("chat", stdin=stdin).out == ""


def test_bytes_that_are_no_text_end_it_as_wrong_usage() -> None:
    result = run("chat", stdin=b"one\n\xff\n", status=2)
    assert result.out == "An answer.\n"
    assert "Line 2 of standard input is not text." in result.err


def test_closed_standard_input_is_wrong_usage() -> None:
    assert "Standard input is closed" in run("chat", stdin=None, status=2).err
