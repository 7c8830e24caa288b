"""Breaks the lines of notices and lists between words."""

import re
from collections.abc import Iterator
from itertools import accumulate

_COLUMN = re.compile(r"\S+(?: \S+)*\s{2,}(?=\S)")
_ROOMY = 10


def wrapped(text: str, columns: int) -> str:
    """The text with no line wider than so many cells; a word that has no room in any is broken.

    What goes on stands below the second column of a line that has some, if that leaves it half of the width.
    """
    return "\n".join(part for line in text.expandtabs().split("\n") for part in _parts(line, columns))


def _parts(line: str, columns: int) -> Iterator[str]:
    if len(line) <= columns and line.isascii():
        yield line
        return
    first = _COLUMN.match(line) if columns >= _ROOMY else None
    hanging = 0 if first is None else len(first[0]) if len(first[0]) <= columns // 2 + 2 else 2
    part = ""
    for word in re.findall(r"\s*\S+", line):
        if part.strip() and _cells(part + word) > columns:
            yield part
            part = " " * hanging + word.lstrip()
        else:
            part += word
        while _cells(part) > columns:
            head = _fitting(part, columns)
            yield head
            part = " " * hanging + part[len(head) :]
    if part or not line.strip():
        yield part


def _fitting(text: str, columns: int) -> str:
    """As many of the first characters as fit, but one."""
    widths = accumulate(map(_cells, text))
    return text[: max(sum(1 for width in widths if width <= columns), 1)]


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # which plain notices do not wait for

    return cell_len(text)
