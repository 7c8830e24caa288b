"""Source code in colours, line after line: how a line looks depends on those before it alone, so it never changes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from pygments.lexer import ExtendedRegexLexer, Lexer, RegexLexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String, Token, _TokenType
from pygments.util import ClassNotFound
from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style

_Parts: TypeAlias = list[tuple[_TokenType, str]]

_Change: TypeAlias = tuple[str, ...] | str | int | None

_TAB = 4
_LONGEST = 1_000
"""Characters of a line that is coloured; expressions may take much more time for more."""
_MOST_IDLE = 50
"""Matches in a row that take no character."""
_UNENDED = (("/*", "*/"), ("<!--", "-->"), ("`", "`"))
"""What a lexer may want to read at once, over lines: it is coloured until its end comes."""

# Of the palette, so that they suit the terminal's theme: no black, white, yellow or blue, which are hard to read on a
# light or on a dark one.
_STYLES = {
    Token: Style.null(),
    Comment: Style.parse("dim"),
    Comment.Preproc: Style.parse("cyan"),
    Keyword: Style.parse("magenta"),
    Operator.Word: Style.parse("magenta"),
    Name.Builtin: Style.parse("cyan"),
    Name.Function: Style.parse("bold"),
    Name.Class: Style.parse("bold"),
    Name.Decorator: Style.parse("cyan"),
    Name.Tag: Style.parse("magenta"),
    Name.Attribute: Style.parse("cyan"),
    String: Style.parse("green"),
    Number: Style.parse("cyan"),
    Generic.Deleted: Style.parse("red"),
    Generic.Inserted: Style.parse("green"),
    Generic.Heading: Style.parse("bold"),
    Generic.Subheading: Style.parse("bold"),
    Generic.Prompt: Style.parse("bold"),
}


@dataclass(frozen=True)
class _State:
    """What is open at the end of a line: the lexer's stack, or a comment or text (`kind`) up to its `closer`."""

    stack: tuple[str, ...] = ("root",)
    closer: str = ""
    kind: _TokenType = Token


class Code:
    """Lines of one block of code. Empty lines at its beginning and its end are left out.

    The lexers that Pygments does not drive by tables of expressions see each line by itself.
    """

    def __init__(self, info: str) -> None:
        self._lexer = _lexer((info.split() or ["text"])[0])
        self._state = _State()
        self._empty_lines = 0
        self._begun = False

    def add(self, line: str, width: int) -> list[list[Segment]]:
        """The rows of the next line, and of the empty ones before it."""
        line = _bare(line)
        if not line:
            self._empty_lines += self._begun
            _, self._state = _coloured("\n", self._lexer, self._state)
            return []
        rows: list[list[Segment]] = [[] for _ in range(self._empty_lines)]
        parts, self._state = _coloured(line + "\n", self._lexer, self._state)
        self._empty_lines, self._begun = 0, True
        return rows + list(_folded(parts, line, width))

    def unfinished(self, line: str, width: int) -> list[list[Segment]]:
        """The same rows for a line that is still to grow."""
        line = _bare(line)
        parts, _ = _coloured(line + "\n", self._lexer, self._state)
        return [[]] * self._empty_lines + list(_folded(parts, line, width)) if line else []


def _bare(line: str) -> str:
    return line.expandtabs(_TAB).rstrip()


@cache
def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_by_name(name)
    except ClassNotFound:
        return None


@cache
def _style(kind: _TokenType) -> Style:
    while kind not in _STYLES:
        kind = kind.parent
    return _STYLES[kind]


def _folded(parts: _Parts, line: str, width: int) -> Iterator[list[Segment]]:
    """Rows of at most `width` cells, broken anywhere, as no character may be lost."""
    styled = groupby(((text, _style(kind)) for kind, text in parts), itemgetter(1))
    segments = [("".join(text for text, _ in group), style) for style, group in styled]
    for chunk in [line] if cell_len(line) <= width else chop_cells(line, width):
        row, room = [], len(chunk)
        while room and segments:
            text, style = segments[0]
            row.append(Segment(text[:room], style))
            segments[:1] = [(text[room:], style)] if len(text) > room else []
            room -= len(row[-1].text)
        yield row


def _coloured(line: str, lexer: Lexer | None, state: _State) -> tuple[_Parts, _State]:
    """The parts of a line that ends in a newline, and what is open behind it."""
    if lexer is None or len(line) > _LONGEST:
        return [(Token, line)], state
    if state.closer:
        return _closed(line, lexer, state)
    parts, stack = _lexed(line, lexer, state.stack)
    if stack == state.stack:
        for opener, closer in _UNENDED:
            if opener in line and (open_parts := _unended(line, lexer, stack, opener, closer)):
                return open_parts, _State(stack, closer, open_parts[-1][0])
    return parts, _State(stack)


def _closed(line: str, lexer: Lexer, state: _State) -> tuple[_Parts, _State]:
    end = line.find(state.closer)
    if end < 0:
        return [(state.kind, line)], state
    end += len(state.closer)
    parts, after = _coloured(line[end:], lexer, _State(state.stack))
    return [(state.kind, line[:end]), *parts], after


def _unended(line: str, lexer: Lexer, stack: tuple[str, ...], opener: str, closer: str) -> _Parts:
    """The parts of the line if it ends within what `opener` opened, as its end put there shows; else none."""
    parts, _ = _lexed(line[:-1] + closer + "\n", lexer, stack)
    *before, (kind, text) = parts[:-1] if parts[-1][1] == "\n" else parts
    is_open = kind in Comment or kind in String
    if is_open and text.startswith(opener) and text.endswith(closer) and len(text) > len(opener):
        return [*before, (kind, text.removesuffix(closer) + "\n")]
    return []


def _lexed(line: str, lexer: Lexer, stack: tuple[str, ...]) -> tuple[_Parts, tuple[str, ...]]:
    if not isinstance(lexer, RegexLexer) or isinstance(lexer, ExtendedRegexLexer):
        parts = [(kind, text) for _, kind, text in lexer.get_tokens_unprocessed(line)]
    else:
        parts, stack = _driven(line, lexer, list(stack))
    return (parts if "".join(text for _, text in parts) == line else [(Token, line)]), stack


def _driven(line: str, lexer: Any, stack: list[str]) -> tuple[_Parts, tuple[str, ...]]:
    """What RegexLexer does, which tells nobody its stack at the end; but some of its tables would never end."""
    parts: _Parts = []
    place = idle = 0
    while place < len(line):
        found, action, change = _match(line, place, lexer._tokens[stack[-1]])
        if found is None or idle > _MOST_IDLE:
            if line[place] == "\n":
                stack[:] = ["root"]
            parts.append((Token, line[place]))
            place, idle = place + 1, 0
            continue
        if type(action) is _TokenType:
            parts.append((action, found[0]))
        elif action is not None:
            parts += [(kind, text) for _, kind, text in action(lexer, found)]
        idle = 0 if found.end() > place else idle + 1
        place = found.end()
        _enter(change, stack)
    return parts, tuple(stack)


def _match(line: str, place: int, rules: Any) -> tuple[re.Match[str] | None, Any, _Change]:
    for matches, action, change in rules:
        if found := matches(line, place):
            return found, action, change
    return None, None, None


def _enter(change: _Change, stack: list[str]) -> None:
    if isinstance(change, int):
        del stack[max(len(stack) + change, 1) :]
        return
    for state in (change,) if isinstance(change, str) else change or ():
        if state == "#pop":
            del stack[max(len(stack) - 1, 1) :]
        else:
            stack.append(stack[-1] if state == "#push" else state)
