"""The blocks of Markdown: where one begins, and how much of a text no further text can change.

It is CommonMark with tables and strikethrough, and differs where a block could not stand by itself, or text would be
lost: link reference definitions and HTML are shown as they are written, math is left alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_MATH = re.compile(r"\$\$.+?\$\$|\\\(.+?\\\)|\\\[.+?\\\]|\$(?=\S)[^$\n]+?(?<=\S)\$(?!\d)", re.DOTALL)
LISTS = ("bullet_list_open", "ordered_list_open")


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


def parsed(source: str) -> Iterator[list[Token]]:
    """The blocks of `source`, each as its tokens."""
    return _blocks(_PARSER.parse(source))


def _blocks(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def list_items(block: Sequence[Token]) -> Iterator[list[Token]]:
    """The items of a list, each with its list around it; lists of one item, as far as they can be told."""
    item: list[Token] = []
    for token in block[1:-1]:
        item.append(token)
        if token.level == 1 and token.nesting < 0:
            yield [block[0], *item, block[-1]]
            item = []


@dataclass(frozen=True, slots=True)
class Fence:
    """The line that opens a block of code, `length` characters of text with the empty lines before it."""

    length: int
    indent: int
    markup: str
    info: str

    @classmethod
    def at(cls, source: str) -> "Fence | None":
        """The fence that `source`, a block, begins with."""
        found = _FENCE.match(source)
        if found is None or ("`" in found[2] and "`" in found[3]):
            return None
        return cls(found.end(), len(found[1]), found[2], found[3])

    def ends_at(self, line: str) -> bool:
        """Whether this line closes the block."""
        found = _FENCE_END.fullmatch(line)
        return found is not None and found[1].startswith(self.markup)

    def content(self, line: str) -> str:
        """The line without the indentation that the fence has too."""
        removed = place = 0
        while removed < self.indent and line[place : place + 1] in (" ", "\t"):
            removed += 1 if line[place] == " " else 4 - removed % 4
            place += 1
        return " " * max(removed - self.indent, 0) + line[place:]


_FENCE = re.compile(r"(?:[ \t]*\n)*( {0,3})(`{3,}|~{3,})([^\n]*)\n")
_FENCE_END = re.compile(r" {0,3}(`+|~+)[ \t]*")
_MARGIN = re.compile(r"[^-+*_\d\s]|\*\*[^\s*]")
_ENDED_BY_EMPTY_LINE = {"paragraph_open", "heading_open", "table_open", "blockquote_open"}


def begins_at_margin(line: str) -> bool:
    """Whether a line that begins so, after an empty one, goes on with no list."""
    return _MARGIN.match(line) is not None


@dataclass(frozen=True, slots=True)
class Finished:
    """How many characters at the beginning of a text no further text can change: whole blocks, or items of a list.

    `number` is that of the list's item that follows, where the rest goes on with a list.
    """

    length: int = 0
    number: int | None = None


def finished(source: str, number: int | None = None) -> Finished:
    """What is finished of `source`, which goes on with a list, at this number, if one is given.

    The last line counts as far as it is known: only its beginning may say that a block is over.
    """
    end = source.rfind("\n") + 1
    tail, lines = source[end:], source[:end].split("\n")[:-1]
    begun = bool(lines) and not lines[-1].strip() and begins_at_margin(tail)
    blocks = list(_blocks(_BLOCK_PARSER.parse(source if begun else source[:end])))
    if not blocks:
        return Finished()
    starts = [] if begun else _starts_of_items(blocks[-1])
    if starts[1:]:
        first = number if number is not None and not blocks[1:] else first_number(blocks[-1][0])
        return Finished(_length(lines[: starts[-1]]), first + len(starts) - 1)
    if begun or not _is_over(blocks[-1][0], lines):
        blocks.pop()
    if not blocks:
        return Finished()
    last = blocks[-1][0].map
    return Finished(_length(lines[: last[1]]) if last else 0)


def first_number(block: Token) -> int:
    """The number of the first item, where it is a list that has numbers."""
    return int(block.attrs.get("start", 1))


def _starts_of_items(block: Sequence[Token]) -> list[int]:
    """The line numbers at which the items of a list begin."""
    items = (token.map for token in block if token.type == "list_item_open" and token.level == 1)
    return [lines[0] for lines in items if lines]


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


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
    """The end of `source`: of an open table its head and `count` lines, of another block all."""
    lines = source.lstrip("\n").split("\n")
    if len(lines) <= count + 2 or _BLOCK_PARSER.parse("\n".join(lines[:2]))[0].type != "table_open":
        return source
    return "\n".join([*lines[:2], *lines[-count:]])
