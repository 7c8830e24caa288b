import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llamacli.terminal.wrapping import wrapped


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("short", 20, ["short"]),
        ("", 20, [""]),
        ("\n\tx", 20, ["", "        x"]),
        ("one two three", 7, ["one two", "three"]),
        ("  indented words", 10, ["  indented", "words"]),
        ("non-breaking --max-tokens", 13, ["non-breaking", "--max-tokens"]),
        ("사업 계획서를 써 줘", 10, ["사업", "계획서를", "써 줘"]),
        ("가나다라마", 5, ["가나", "다라", "마"]),
        ("see https://example.com/x", 10, ["see", "https://ex", "ample.com/", "x"]),
        ("/undo  Forget the last turn.", 16, ["/undo  Forget", "       the last", "       turn."]),
        ("/complexity  Set it.", 16, ["/complexity  Set", "  it."]),
        ("가", 1, ["가"]),
    ],
)
def test_lines_break_between_words(text: str, columns: int, lines: list[str]) -> None:
    assert wrapped(text, columns).split("\n") == lines


@given(st.text("ab 가나é\n-", max_size=60), st.integers(2, 30))
def test_no_line_is_too_wide_and_nothing_but_blanks_is_lost(text: str, columns: int) -> None:
    result = wrapped(text, columns)
    assert all(cell_len(line) <= columns for line in result.split("\n"))
    assert "".join(result.split()) == "".join(text.split())
