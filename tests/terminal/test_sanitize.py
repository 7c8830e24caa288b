import io
import json
import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacli.terminal.sanitize import Sanitizer, escape_json, sanitize
from llamacli.terminal.screen import Screen

ATTACKS = [
    "\x1b]52;c;cm0gLXJmIC8=\x07",  # writes the clipboard
    "\x1b]0;title\x1b\\",
    "\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b[6n",  # makes the terminal type
    "\x1bP$q\x1b\\",
    "\x1b_G\x1b\\",
    "\x1bc",
    "\x9b2J",
    "\x9d52;c;x\x9c",
    "\x90q",
    "\x85next line",
    "over\rwritten",
    "back\x08\x08\x08\x08space",
    "\x07bell",
    "form\x0cfeed",
    "shift\x0eout",
    "\x7f\x7f",
    "\u202eoverride\u202c",
    "\u2066isolate\u2069",
    "\u200f\u200e\u061c",
    "\ufeffmark",
    "soft\u00adhyphen",
    "".join(chr(0xE0000 + ord(c)) for c in "hidden"),
    "\u2028line\u2029",
    "\ud800",
    "\x00",
]


def forbidden(character: str) -> bool:
    kept = character in "\n\t\u200c\u200d"
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not kept


def is_harmless(text: str) -> bool:
    # U+0600 to U+08E2 and the like count as format characters, and are visible number and verse signs.
    visible = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    drawn = {chr(c) for first, last in ((0x13430, 0x1345F), (0x1BCA0, 0x1BCA3)) for c in range(first, last + 1)}
    return not any(forbidden(c) and c not in visible and c not in drawn for c in text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_reaches_the_terminal(attack: str) -> None:
    assert is_harmless(sanitize(f"before{attack}after"))
    assert sanitize(f"before{attack}after").startswith("before")
    assert sanitize(f"before{attack}after").endswith("after")


def random_texts() -> list[str]:
    dice = random.Random(7)
    return [dice.randbytes(length % 97).decode("utf-8", "surrogateescape") for length in range(1_000)]


def test_random_bytes_are_harmless() -> None:
    for text in random_texts():
        assert is_harmless(sanitize(text))
        sanitize(text).encode()


OUR_ESCAPES = re.compile(r"\x1b\[([\d;]*m|\d*A|K|\?7[lh])|\r(?=\x1b)")


@pytest.mark.parametrize("render", ["markdown", "plain"])
def test_no_answer_brings_an_escape_of_its_own(render: str) -> None:
    for text in [*random_texts(), *ATTACKS, *(f"`{attack}`\n\n```\n{attack}\n```\n" for attack in ATTACKS)]:
        terminal = Stream()
        answer = Screen(terminal, io.StringIO(), {"TERM": "xterm-256color"}).answer(render)
        for place in range(0, len(text), 9):
            answer.feed(text[place : place + 9])
        answer.finish()
        assert is_harmless(OUR_ESCAPES.sub("", terminal.getvalue())), ascii(text)


class Stream(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_escape_sequence_stays_to_be_seen() -> None:
    assert sanitize("a\x1b[31mb\rc\x7f\x9b") == "a␛[31mb␍c␡\ufffd"


@pytest.mark.parametrize("text", ["a\n\tb", "한국어 中文 日本語", "👩‍👩‍👧 👍🏽 ❤️", "می‌خواهم", "é́", "x < y && [b]"])
def test_what_is_harmless_is_not_touched(text: str) -> None:
    assert sanitize(text) == text


def test_line_ends_become_newlines() -> None:
    assert sanitize("a\r\nb\u2028c\u2029d") == "a\nb\nc\nd"


texts = st.lists(st.sampled_from([*ATTACKS, "\r", "\n", "\r\n", "a", "한", "👩‍👧"]) | st.text(max_size=3)).map("".join)


@given(texts, st.data())
def test_joined_pieces_equal_the_whole(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    stage = Sanitizer()
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join([*map(stage.feed, pieces), stage.finish()]) == sanitize(text)


@given(st.text())
def test_any_text_is_harmless_and_stays_so(text: str) -> None:
    assert is_harmless(sanitize(text))
    assert sanitize(sanitize(text)) == sanitize(text)


@given(texts)
def test_json_keeps_its_meaning(text: str) -> None:
    line = escape_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(line) == {text: [text]}
    assert is_harmless(line)
