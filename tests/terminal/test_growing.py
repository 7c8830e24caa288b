import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamacli.terminal import growing
from llamacli.terminal.blocks import finished, last_lines
from llamacli.terminal.console import console_of
from llamacli.terminal.growing import GrowingMarkdown
from llamacli.terminal.markdown import markdown_rows
from llamacli.terminal.sanitize import sanitize
from tests.terminal.documents import DOCUMENTS
from tests.terminal.test_live import documents

COLUMNS = 40
SOURCES = [sanitize(source) for source in DOCUMENTS.values()]
CONSOLE = console_of(io.StringIO(), {"TERM": "xterm-256color"}, COLUMNS, styled=True)


def grown(pieces: list[str], *, looking: bool = True) -> list[str]:
    """The final rows, with their styles; the open ones are asked for in between, as when they are drawn."""
    text = GrowingMarkdown(CONSOLE)
    rows: list[str] = []
    for piece in pieces:
        text.add(piece)
        rows += text.final_rows(COLUMNS)
        if looking:
            text.open_rows(COLUMNS, 10)
    return rows + text.last_rows(COLUMNS)


def whole(source: str) -> list[str]:
    return markdown_rows(source, CONSOLE, COLUMNS)


@pytest.mark.parametrize("source", SOURCES, ids=DOCUMENTS)
def test_rows_of_a_text_cut_at_every_boundary_equal_the_whole(source: str) -> None:
    expected = whole(source)
    assert grown(list(source)) == expected
    for cut in range(len(source)):
        assert grown([source[:cut], source[cut:]], looking=False) == expected, cut


@settings(max_examples=300, deadline=None)
@given(documents.map(sanitize), st.data())
def test_any_document_cut_anywhere_equals_the_whole(source: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), max_size=30)))
    assert grown([source[a:b] for a, b in pairwise([0, *cuts, len(source)])]) == whole(source)


@settings(max_examples=300, deadline=None)
@given(documents.map(sanitize), documents.map(sanitize))
def test_what_is_finished_stays_whatever_follows(source: str, more: str) -> None:
    part = finished(source)
    before = whole(source[: part.length])
    after = markdown_rows(source[part.length :] + more, CONSOLE, COLUMNS, part.number)
    between = [""] if before and after and part.number is None else []
    assert [*before, *between, *after] == whole(source + more)


@pytest.mark.parametrize("source", SOURCES, ids=DOCUMENTS)
def test_what_is_open_looks_as_if_it_ended_there(source: str) -> None:
    text = GrowingMarkdown(CONSOLE)
    rows: list[str] = []
    for place, character in enumerate(source, 1):
        text.add(character)
        rows += text.final_rows(COLUMNS)
        assert rows + text.open_rows(COLUMNS, 100) == whole(source[:place]), place


def test_of_a_long_open_table_the_end_is_drawn() -> None:
    head, row = "| a | b |\n|---|---|\n", "| 1 | 2 |\n"
    assert last_lines(head + row * 100 + "| last", 3) == head + row * 2 + "| last"
    assert last_lines(head + row, 3) == head + row
    assert last_lines("a\n" * 100, 3) == "a\n" * 100


@pytest.mark.parametrize("line", ["- item\n", "text\n", "| a | b |\n", "> quote\n\n", "code\n"])
def test_finding_the_blocks_takes_work_in_proportion_to_the_text(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(source: str, number: int | None) -> object:
        looked_at.append(len(source))
        return finished(source, number)

    monkeypatch.setattr(growing, "finished", counted)
    source = ("```\n" if line == "code\n" else "") + line * 2_000
    text = GrowingMarkdown(CONSOLE)
    for place in range(0, len(source), 3):
        text.add(source[place : place + 3])
        text.final_rows(COLUMNS)
    assert sum(looked_at) < 15 * len(source)
