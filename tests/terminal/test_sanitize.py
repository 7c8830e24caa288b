import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacli.terminal.sanitize import Sanitizer, escape_json, sanitize
from tests.terminal.attacks import ATTACKS, is_harmless, random_texts


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_attack_reaches_the_terminal(attack: str) -> None:
    assert is_harmless(sanitize(f"before{attack}after"))
    assert sanitize(f"before{attack}after").startswith("before")
    assert sanitize(f"before{attack}after").endswith("after")


def test_random_bytes_are_harmless() -> None:
    for text in random_texts():
        assert is_harmless(sanitize(text))
        sanitize(text).encode()


def test_an_escape_sequence_stays_to_be_seen() -> None:
    assert sanitize("a\x1b[31mb\rc\x7f\x9b") == "a␛[31mb␍c␡\ufffd"


@pytest.mark.parametrize("text", ["a\n\tb", "한국어 中文 日本語", "👩‍👩‍👧 👍🏽 ❤️", "می‌خواهم", "é́", "x < y && [b]"])
def test_what_is_harmless_is_not_touched(text: str) -> None:
    assert sanitize(text) == text


def test_line_ends_become_newlines() -> None:
    assert sanitize("a\r\nb\u2028c\u2029d") == "a\nb\nc\nd"


known = st.sampled_from([*ATTACKS.values(), "\r", "\n", "\r\n", "a", "한", "👩‍👧"])
texts = st.lists(known | st.text(max_size=3)).map("".join)


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
