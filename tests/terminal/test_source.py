import io

import pytest

from llamacli.errors import Interrupted, NotText
from llamacli.terminal.source import LineSource, block_is_open, quoted, without_quotes


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
    assert prompt.getvalue() == "> \n> > \n> \n"  # each ^C that the terminal shows has its line


def test_the_shell_that_follows_begins_a_line_of_its_own() -> None:
    prompt = io.StringIO()
    with pytest.raises(EOFError):
        LineSource(io.StringIO(""), prompt=prompt).read(str)
    assert prompt.getvalue() == "> \n"


@pytest.mark.parametrize("prompt", ["plain", "/usr", '"""a', " /usr", "two\nlines"])
def test_what_is_quoted_is_the_prompt_again_and_no_command(prompt: str) -> None:
    assert without_quotes(quoted(prompt)) == prompt
    assert not quoted(prompt).startswith("/")
    assert not block_is_open(quoted(prompt))
