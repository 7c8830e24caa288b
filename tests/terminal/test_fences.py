import pytest

from llamacli.terminal.fences import code_blocks, open_fence

FENCED = "Two:\n\n```python\nx = 1\n```\n\n1. and\n   ~~~\n   y\n   ~~~\n\n```sh\ncut off"


def test_code_blocks_are_found_inside_lists_and_when_cut() -> None:
    assert code_blocks(FENCED) == ["x = 1\n", "y\n", "cut off"]
    assert code_blocks("none `here`") == []


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("", ""),
        ("words", ""),
        ("```python\nx = 1\n```", ""),
        ("```python\nx = 1\n```\nafter", ""),
        ("```python\nx = 1\npri", "```python\n"),
        ("```python", "```python\n"),
        ("```", "```\n"),
        ("~~~~ sh\nls\n~~~", "~~~~ sh\n"),
        ("```\n```\n\n````\n```\n", "````\n"),
    ],
)
def test_an_open_fence_is_what_opened_it(text: str, opened: str) -> None:
    assert open_fence(text) == opened
