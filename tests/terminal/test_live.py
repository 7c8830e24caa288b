import io
from itertools import count, pairwise
from os import terminal_size

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamacli.terminal.console import console_of
from llamacli.terminal.live import MarkdownAnswer
from llamacli.terminal.markdown import markdown_rows
from llamacli.terminal.sanitize import sanitize
from tests.terminal.documents import AWKWARD, DOCUMENTS
from tests.terminal.emulator import SIZE, Terminal

SMALL, TINY = terminal_size((40, 10)), terminal_size((20, 5))
LONG_CODE = "Look:\n\n```python\n" + "".join(f"line_{n} = {n}\n\n" for n in range(120)) + "```\n\nDone.\n"


def answer_on(terminal: Terminal, step: float = 1.0) -> MarkdownAnswer:
    """A live answer that draws every piece: its clock goes on by `step` seconds each time that it is read."""
    console = console_of(terminal, {"TERM": "xterm-256color"}, terminal.size.columns, styled=True)
    return MarkdownAnswer(console, lambda: terminal.size, live=True, clock=count(0.0, step).__next__)


def whole(source: str, columns: int) -> list[str]:
    """The rendering of the whole at once."""
    console = console_of(io.StringIO(), {}, columns, styled=False)
    return [row.rstrip() for row in markdown_rows(sanitize(source), console, columns)]


def streamed(pieces: list[str], size: terminal_size) -> list[str]:
    terminal = Terminal(size)
    answer = answer_on(terminal)
    for piece in pieces:
        answer.feed(piece)
    answer.finish()
    return terminal.rows()


@pytest.mark.parametrize("size", [SIZE, SMALL, TINY], ids=str)
@pytest.mark.parametrize("source", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_scrollback_of_single_characters_equals_the_whole(source: str, size: terminal_size) -> None:
    assert streamed(list(source), size) == whole(source, size.columns)


@pytest.mark.parametrize("source", AWKWARD.values(), ids=AWKWARD)
def test_the_scrollback_of_two_pieces_equals_the_whole(source: str) -> None:
    for cut in range(0, len(source), 5):
        assert streamed([source[:cut], source[cut:]], SMALL) == whole(source, SMALL.columns), cut


lines = st.sampled_from("\n".join(DOCUMENTS.values()).split("\n")) | st.text(
    "-*+_1. >#`~|=: a\t$\\[]()<&\n", max_size=12
)
documents = st.lists(lines, max_size=14).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(documents, st.data())
def test_any_document_cut_anywhere_leaves_the_whole(source: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), max_size=20)))
    pieces = [source[a:b] for a, b in pairwise([0, *cuts, len(source)])]
    assert streamed(pieces, SMALL) == whole(source, SMALL.columns)


def test_long_code_never_takes_more_than_the_screen_and_is_whole_at_the_end() -> None:
    assert streamed([LONG_CODE[i : i + 7] for i in range(0, len(LONG_CODE), 7)], SMALL) == whole(LONG_CODE, 40)


def test_an_answer_that_is_drawn_slowly_is_drawn_seldom() -> None:
    quick, slow = Terminal(), Terminal()
    for terminal, step in ((quick, 0.0005), (slow, 0.04)):
        answer = answer_on(terminal, step)
        for word in ["word "] * 200:
            answer.feed(word)
        answer.finish()
    assert quick.rows() == slow.rows()
    assert 0 < slow.getvalue().count("\x1b[?7l") <= 200 / 10


def test_a_stopped_answer_leaves_the_cursor_below_it() -> None:
    terminal = Terminal(SMALL)
    answer = answer_on(terminal)
    answer.feed("one\n\n```py\nx = 1")
    answer.finish()
    assert terminal.rows() == ["one", "", "x = 1"]
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 3)
    assert not terminal.screen.cursor.hidden


def test_an_answer_that_never_came_leaves_nothing() -> None:
    terminal = Terminal()
    answer_on(terminal).finish()
    assert terminal.rows() == []
    assert terminal.screen.cursor.y == 0


def test_a_wider_terminal_in_mid_answer_doubles_nothing() -> None:
    terminal = Terminal(SMALL)
    answer = answer_on(terminal)
    words = "These are words enough to fill some rows of the terminal, whichever width it has now."
    for number, piece in enumerate(f"Begin.\n\n{words}\n\nEnd.\n"):
        if number == 40:
            terminal.resize(SIZE)
        answer.feed(piece)
    answer.finish()
    assert terminal.rows() == whole(f"Begin.\n\n{words}\n\nEnd.\n", SIZE.columns)


WORDS = [f"w{number}" for number in range(40)]
SMALLER = {
    "prose": " ".join(WORDS) + "\n\nThe end.\n",
    "wide": "가나다라 마바사 " * 10 + "\n\n끝.\n",
    "styles": "".join(f"**{word}** *and* `more` " for word in WORDS[:8]) + "\n\nThe end.\n",
    "list": "".join(f"- item {n} " + " ".join(WORDS[:20]) + "\n" for n in range(2)),
    "code": "```\n" + " ".join(WORDS) + "\nx\n```\n",
}


def resized(source: str, cut: int, size: terminal_size, *, keep_empty: bool) -> list[str]:
    """An answer that is drawn often, in a terminal whose size changes meanwhile."""
    terminal, now = Terminal(), [0.0]
    console = console_of(terminal, {"TERM": "xterm-256color"}, terminal.size.columns, styled=True)
    answer = MarkdownAnswer(console, lambda: terminal.size, live=True, clock=lambda: now[0])
    for place in range(0, len(source), 3):
        now[0] += 1
        if place == cut:
            terminal.resize(size, reflow=True, keep_empty=keep_empty)
        answer.feed(source[place : place + 3])
    answer.finish()
    return terminal.rows()


@pytest.mark.parametrize("size", [SMALL, TINY, terminal_size((80, 6))], ids=str)
@pytest.mark.parametrize("source", SMALLER.values(), ids=SMALLER)
@pytest.mark.parametrize("keep_empty", [False, True])
def test_a_smaller_terminal_in_mid_answer_doubles_nothing_and_loses_nothing(
    source: str, size: terminal_size, keep_empty: bool
) -> None:
    for cut in (45, 102):
        rows = resized(source, cut, size, keep_empty=keep_empty)
        shown, wanted = ("".join(each).replace(" ", "") for each in (rows, whole(source, 80)))
        assert shown == wanted, cut


def test_a_block_whose_beginning_changes_out_of_reach_is_doubled_and_not_lost() -> None:
    source = "**" + " ".join(WORDS) + "**\n"
    for cut in (45, 102):
        shown = "".join(resized(source, cut, TINY, keep_empty=True)).replace(" ", "")
        assert shown.endswith("".join(WORDS)), cut


def test_the_block_after_the_one_that_stayed_has_the_new_width() -> None:
    terminal = Terminal()
    answer = answer_on(terminal)
    for piece in " ".join(WORDS):
        answer.feed(piece)
    terminal.resize(SMALL, reflow=True)
    rest = "and this is more than forty columns have, it has to be broken\n"
    for piece in "\n\n" + rest:
        answer.feed(piece)
    answer.finish()
    assert terminal.rows()[-2:] == whole(rest, SMALL.columns)


def test_a_block_that_stays_is_as_it_was_when_the_terminal_is_wide_again() -> None:
    terminal = Terminal()
    answer = answer_on(terminal)
    source = " ".join(WORDS)
    for number, piece in enumerate(source):
        if number in (60, 110):
            terminal.resize(SMALL if number == 60 else SIZE)
        answer.feed(piece)
    answer.finish()
    assert "".join(terminal.rows()).replace(" ", "").endswith("".join(WORDS[35:]))


def test_off_a_terminal_blocks_come_without_escapes_and_unbroken() -> None:
    stream = io.StringIO()
    console = console_of(stream, {}, 10_000, styled=False)
    answer = MarkdownAnswer(console, lambda: terminal_size((10_000, 24)), live=False)
    answer.feed("# T\n\n" + "word " * 100 + "\n\n```py\nx")
    assert stream.getvalue() == "T\n\n" + ("word " * 100).strip() + "\n"
    answer.finish()
    assert stream.getvalue().endswith("word\n\nx\n")
