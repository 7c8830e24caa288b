"""Markdown to rows of a terminal: each block by itself, so that a finished one never changes again.

It is CommonMark with tables and strikethrough, and differs where a block could not stand by itself, or text would be
lost: link reference definitions and HTML are shown as they are written, math is left alone, a line end is a line end.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, HorizontalRule, Markdown, MarkdownElement
from rich.segment import Segment, Segments
from rich.syntax import Syntax
from rich.text import Text

from llamacli.terminal.sanitize import sanitize

_MATH = re.compile(r"\$\$.+?\$\$|\\\(.+?\\\)|\\\[.+?\\\]|\$(?=\S)[^$\n]+?(?<=\S)\$(?!\d)", re.DOTALL)
_DEEPEST = 16
"""Levels of nesting that are drawn; what lies deeper is shown as it is written."""
_LONGEST_RULE = 40


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("reference")
    parser.inline.ruler.before("escape", "math", _math)
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]  # people read it, no browser does
    return parser


def _math(state: StateInline, silent: bool) -> bool:
    found = _MATH.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("text", "", 0).content = found[0]
    state.pos = found.end()
    return True


_PARSER = _parser()
_BLOCK_PARSER = _parser().disable("inline")


def markdown_rows(source: str, console: Console, width: int) -> list[str]:
    """The rows of `source`, at most `width` cells each, an empty one between two blocks, styled as `console` can."""
    rows: list[str] = []
    for block in _blocks(_PARSER.parse(source)):
        drawn = _block_rows(block, source, console, width)
        rows += ["", *drawn] if rows and drawn else drawn
    return rows


def _blocks(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def _block_rows(block: Sequence[Token], source: str, console: Console, width: int) -> list[str]:
    renderable: Text | _Block
    if max(token.level for token in block) > _DEEPEST:
        first, last = block[0].map or [0, 0]
        renderable = Text("\n".join(source.split("\n")[first:last]).rstrip("\n"))
    else:
        renderable = _Block([_prepared(token) for token in block])
    lines = console.render_lines(renderable, console.options.update(width=width, height=None), pad=False)
    segments = [segment for line in lines for segment in (*_stripped(line), Segment.line())]
    with console.capture() as capture:
        console.print(Segments(segments), end="", crop=False)
    return capture.get().strip("\n").split("\n") if capture.get().strip("\n") else []


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


class _Code(CodeBlock):
    """Without a margin and a background, so that it can be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        yield Syntax(code, self.lexer_name, theme="ansi_dark", background_color="default", word_wrap=True)


class _Heading(Heading):
    """Always on the left."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Rule(HorizontalRule):
    """Of a moderate length."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("─" * min(options.max_width, _LONGEST_RULE), style="markdown.hr")


class _Block(Markdown):
    """The Markdown of tokens that are parsed already."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "fence": _Code,
        "code_block": _Code,
        "heading_open": _Heading,
        "hr": _Rule,
    }

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = tokens


_MARGIN = re.compile(r"[^-+*_\d\s]|\*\*[^\s*]")
"""A line that begins so, after an empty one, goes on with no list, whatever else it will say."""
_ENDED_BY_EMPTY_LINE = {"paragraph_open", "heading_open", "table_open", "blockquote_open"}


def finished_length(source: str) -> int:
    """How many characters at the beginning of `source` are whole blocks that no further text can change.

    The last line counts as far as it is known: only its beginning may say that a block is over.
    """
    end = source.rfind("\n") + 1
    tail, lines = source[end:], source[:end].split("\n")[:-1]
    begun = bool(lines) and not lines[-1].strip() and _MARGIN.match(tail) is not None
    blocks = [b[0] for b in _blocks(_BLOCK_PARSER.parse(source if begun else source[:end]))]
    if not blocks:
        return 0
    if begun or not _is_over(blocks[-1], lines):
        blocks.pop()
    if not blocks:
        return 0
    assert blocks[-1].map is not None
    return sum(len(line) + 1 for line in lines[: blocks[-1].map[1]])


def _is_over(block: Token, lines: Sequence[str]) -> bool:
    assert block.map is not None
    after = block.map[1]
    if block.type == "hr" or (block.type == "heading_open" and block.markup.startswith("#")):
        return True
    if block.type == "fence":
        return _is_closed(block)
    empty_line_follows = after < len(lines) or not lines[after - 1].strip()
    return empty_line_follows and block.type in _ENDED_BY_EMPTY_LINE


def _is_closed(fence: Token) -> bool:
    assert fence.map is not None
    unended = not fence.content.endswith("\n") and fence.content != ""
    return fence.map[1] - fence.map[0] == fence.content.count("\n") + unended + 2


def last_lines(source: str, count: int) -> str:
    """The end of `source`: where it is code whose fence is open, the fence and `count` lines, otherwise all of it."""
    lines = source.split("\n")
    if len(lines) <= count + 1:
        return source
    fence = [block[0] for block in _blocks(_BLOCK_PARSER.parse(source))][-1]
    if fence.type != "fence" or _is_closed(fence) or fence.map is None:
        return source
    first = fence.map[0]
    return "\n".join([lines[first], *lines[max(first + 1, len(lines) - count) :]])


class OpenText:
    """The end of an answer, whose finished blocks are dropped as it grows.

    A long block is asked seldom whether it is over, so that the work grows with the text and not with its square.
    """

    def __init__(self) -> None:
        self.text = ""
        self._asked = (0, False)
        self._patience = 0

    def add(self, text: str) -> None:
        """Put `text` at the end."""
        self.text += text

    def finished_length(self) -> int:
        """`finished_length` of the text, or 0 where it is not worth while to find it out."""
        lines = self.text.count("\n")
        end = self.text.rfind("\n") + 1
        begun = self.text.endswith("\n\n", 0, end) and _MARGIN.match(self.text, end) is not None
        if (lines, begun) == self._asked or (lines < self._patience and not begun):
            return 0
        self._asked, self._patience = (lines, begun), lines + lines // 16
        return finished_length(self.text)

    def drop(self, length: int) -> None:
        """Take so many characters off the front."""
        if length:
            self.text = self.text[length:]
            self._asked, self._patience = (0, False), 0
