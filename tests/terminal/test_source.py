import io

import pytest

from llamacli.errors import Interrupted, NotText
from llamacli.terminal.source import LineSource, block_is_open, without_quotes


def test_lines_that_are_no_text_are_refused_with_their_place() -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"one\nt\xffo\n"))
    source = LineSource(stream)
    assert source.read(str) == "one"
    with pytest.raises(NotText, match="Line 2 of standard input") as refused:
        source.read(str)
    assert "byte 1 " in refused.value.reason


@pytest.mark.parametrize(
    ("typed", "opened", "prompt"),
    [
        ("plain", False, "plain"),
        ('"""', True, ""),
        ('"""a\nb', True, "a\nb"),
        ('"""a\nb"""', False, "a\nb"),
        ('"""\na\n"""\n', False, "a"),
        ('a """b', False, 'a """b'),
        ('"""a"""b', True, 'a"""b'),
    ],
)
def test_blocks_open_and_close(typed: str, opened: bool, prompt: str) -> None:
    assert (block_is_open(typed), without_quotes(typed)) == (opened, prompt)


def test_a_person_leaves_by_interrupting_twice_in_a_row() -> None:
    class Keys(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            line = super().readline()
            if line == "^C\n":
                raise KeyboardInterrupt
            return line

    prompt = io.StringIO()
    source = LineSource(Keys("^C\none\n^C\n^C\n"), prompt=prompt)
    with pytest.raises(KeyboardInterrupt):
        source.read(str)
    assert source.read(str) == "one"
    with pytest.raises(KeyboardInterrupt):
        source.read(str)
    with pytest.raises(Interrupted):
        source.read(str)
    assert prompt.getvalue() == "> " * 4
