"""Markdown to rows of a terminal: each block by itself, so that a finished one never changes again.

Nothing is hidden: an image is its words and its address, a line end is a line end, and what is nested too deep is
shown as it is written.
"""

from collections.abc import Sequence
from itertools import dropwhile
from typing import ClassVar

from markdown_it.token import Token
from rich.console import Console
from rich.markdown import Markdown, MarkdownElement
from rich.segment import Segment, Segments
from rich.text import Text

from llamacli.terminal.blocks import LISTS, first_number, list_items, parsed
from llamacli.terminal.elements import ELEMENTS
from llamacli.terminal.sanitize import sanitize

_DEEPEST = 16
"""Levels of nesting that are drawn; what lies deeper is shown as it is written."""


def markdown_rows(source: str, console: Console, width: int, number: int | None = None) -> list[str]:
    """The rows of `source`, at most `width` cells each, an empty one between two blocks, styled as `console` can.

    `number` is that of its first item, where the text goes on with a list.
    """
    rows: list[str] = []
    for block in parsed(source):
        drawn = _block_rows(block, source, console, width, number)
        rows += ["", *drawn] if rows and drawn else drawn
        number = None
    return rows


def _block_rows(block: Sequence[Token], source: str, console: Console, width: int, number: int | None) -> list[str]:
    if block[0].type not in LISTS:
        return _rows(block, source, console, width)
    rows = []
    first = first_number(block[0]) if number is None else number
    for own_number, item in enumerate(list_items(block), first):
        block[0].attrs["start"] = own_number
        rows += _rows(item, source, console, width)
    return rows


def _rows(block: Sequence[Token], source: str, console: Console, width: int) -> list[str]:
    renderable: Text | _Block
    if max(token.level for token in block) > _DEEPEST:
        first, last = (block[1] if block[0].type in LISTS else block[0]).map or [0, 0]
        renderable = Text("\n".join(source.split("\n")[first:last]).rstrip("\n"))
    else:
        renderable = _Block([_prepared(token) for token in block])
    options = console.options.update(width=width, height=None)
    rows = styled_rows(console.render_lines(renderable, options, pad=False), console)
    while rows and not rows[-1]:
        rows.pop()
    return list(dropwhile(lambda row: not row, rows))


def styled_rows(lines: Sequence[list[Segment]], console: Console) -> list[str]:
    """The lines as text, with the escapes that `console` can."""
    if not lines:
        return []
    segments = [segment for line in lines for segment in (*_stripped(line), Segment.line())]
    with console.capture() as capture:
        console.print(Segments(segments), end="", crop=False)
    return capture.get().split("\n")[:-1]


def _stripped(line: list[Segment]) -> list[Segment]:
    """The line without the blanks that fill it up: they would be copied with it."""
    while line and not line[-1].text.strip(" "):
        line.pop()
    if line:
        line[-1] = Segment(line[-1].text.rstrip(" "), line[-1].style)
    return line


def _prepared(token: Token) -> Token:
    """The token with what Rich would hide made text. Entities may stand for anything, so text is sanitized again."""
    token.content = sanitize(token.content)
    if token.type == "softbreak":
        token.type = "hardbreak"
    elif token.type == "image":
        token.type, token.tag = "text", ""
        token.content = f"[{token.content}] ({sanitize(str(token.attrs.get('src', '')))})"
        token.children = None
    elif token.type == "link_open":
        token.attrs["href"] = sanitize(str(token.attrs.get("href", "")))
    if token.children:
        token.children = [_prepared(child) for child in token.children if child.markup != "autolink"]
    return token


class _Block(Markdown):
    """The Markdown of tokens that are parsed already."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, **ELEMENTS}

    def __init__(self, tokens: list[Token]) -> None:
        # Not Markdown's own, which makes a parser, and takes as long as the drawing of a paragraph.
        self.parsed = tokens
        self.markup, self.style, self.justify, self.hyperlinks = "", "none", None, False
        self.code_theme, self.inline_code_lexer, self.inline_code_theme = "", None, ""
