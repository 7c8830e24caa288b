from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacli.attachments import decode, fenced, join_prompt, read_text
from llamacli.errors import BadUsage, NotText


def test_reads_text_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("눈\r\n  x\n".encode())
    assert read_text(tmp_path / "a.txt") == "눈\r\n  x\n"


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfhello")
    assert read_text(tmp_path / "a.txt") == "hello"


@pytest.mark.parametrize(
    ("data", "offset"),
    [(b"ab\xffcd", "byte 2 "), (b"abc\0", "byte 3 "), (b"\xff\0", "byte 0 "), (b"ok \xec\x95", "byte 3 ")],
)
def test_what_is_not_text_is_refused_with_its_offset(tmp_path: Path, data: bytes, offset: str) -> None:
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(NotText) as refused:
        read_text(tmp_path / "a.bin")
    assert offset in refused.value.reason
    assert "a.bin" in refused.value.message


def test_an_endless_device_is_refused_at_once() -> None:
    with pytest.raises(NotText, match=r"/dev/zero is not text"):
        read_text("/dev/zero")


@pytest.mark.parametrize("name", ["absent.txt", "", "~nobody-at-all/x"])
def test_what_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadUsage) as refused:
        read_text(name if name.startswith("~") else tmp_path / name)
    assert refused.value.reason


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(lambda t: t[:1] != "\ufeff"))
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(text.encode(), "it") == text


def test_a_block_carries_the_name_of_its_file() -> None:
    assert fenced("src/a.py", "x = 1") == "```src/a.py\nx = 1\n```"


@pytest.mark.parametrize("text", ["a\n```\nb\n```\n", "  `````\n"])
def test_the_fence_is_longer_than_any_inside(text: str) -> None:
    fence = fenced("a.md", text).splitlines()[-1]
    assert not any(line.strip().startswith(fence) for line in text.splitlines())


def test_a_name_cannot_end_its_line_or_its_fence() -> None:
    assert fenced("a\nb`c", "x").splitlines()[0] == "```a b c"


def test_standard_input_and_files_go_before_the_words() -> None:
    prompt = join_prompt("from the pipe\n", [("a.txt", "one\n"), ("b.txt", "two")], "what is this")
    assert prompt == "from the pipe\n\n```a.txt\none\n```\n\n```b.txt\ntwo\n```\n\nwhat is this"


@pytest.mark.parametrize(
    ("stdin", "words", "prompt"), [("", "hi", "hi"), ("in\n", "", "in"), (" \n", "hi", "hi"), ("\n", " ", "")]
)
def test_blank_parts_leave_no_trace(stdin: str, words: str, prompt: str) -> None:
    assert join_prompt(stdin, [], words) == prompt
