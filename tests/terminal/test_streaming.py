import io

import pytest

from llamacli.terminal.streaming import PlainAnswer


def shown(*pieces: str, terminal: bool = False) -> str:
    stream = io.StringIO()
    answer = PlainAnswer(stream, terminal=terminal)
    for piece in pieces:
        answer.feed(piece)
    answer.finish()
    return stream.getvalue()


@pytest.mark.parametrize("pieces", [("a b",), ("a", " b\n"), ("a b\n", "\n\n"), ("a b", "\r\n"), ("a", " ", "b", "")])
def test_one_newline_ends_the_answer(pieces: tuple[str, ...]) -> None:
    assert shown(*pieces) == "a b\n"


def test_line_ends_inside_stay_as_they_are() -> None:
    assert shown("\na\n", "\n", "b\r\n", "\tc  ") == "\na\n\nb\r\n\tc  \n"


def test_no_answer_is_no_output() -> None:
    assert shown() == shown("", "\n") == ""


def test_off_a_terminal_every_character_passes() -> None:
    text = "\x1b[31ma\x07\u202eb\x9b\r\u200bc"
    assert shown(*text) == text + "\n"


def test_on_a_terminal_nothing_moves_the_cursor() -> None:
    assert shown(*"\x1b[2Ja\r", "\nb\rc\x9b", "\u202e\r", terminal=True) == "␛[2Ja\nb␍c\ufffd␍\n"


def test_each_piece_is_written_at_once() -> None:
    stream = io.StringIO()
    answer = PlainAnswer(stream, terminal=False)
    answer.feed("one ")
    assert stream.getvalue() == "one "
