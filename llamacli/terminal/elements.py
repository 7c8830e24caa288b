"""How the kinds of Markdown blocks look, where Rich's own would be hard to copy, or would leave something out."""

from collections.abc import Iterator

from markdown_it.token import Token
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.containers import Renderables
from rich.markdown import (
    BlockQuote,
    CodeBlock,
    Heading,
    HorizontalRule,
    ListElement,
    ListItem,
    Markdown,
    MarkdownContext,
    MarkdownElement,
    Paragraph,
    TableElement,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from llamacli.terminal.code import Code

_LONGEST_RULE = 40
_NARROWEST_COLUMN = 10
"""Cells, with the space around; a table that is too wide and has fewer for each column is shown as a list of its cells.

With fewer, most words of an answer's tables are broken, and often into more rows than the list has lines.
"""
_GAP = 2
"""Cells between two columns."""


class _Code(CodeBlock):
    """Without a margin and a background, so that it can be copied."""

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> "_Code":  # noqa: ARG003  # Rich's signature
        """For the language that the fence names."""
        return cls(token.info, "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = Code(self.lexer_name)
        for line in str(self.text).split("\n"):
            for row in code.add(line, options.max_width):
                yield from row
                yield Segment.line()


class _Heading(Heading):
    """Always on the left."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Rule(HorizontalRule):
    """Of a moderate length."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("─" * min(options.max_width, _LONGEST_RULE), style="markdown.hr")


def _append(elements: Renderables, child: MarkdownElement) -> None:
    """Put the child behind the others; an empty row between two paragraphs, which would look like one."""
    before = elements._renderables[-1:]
    if isinstance(child, Paragraph) and before and isinstance(before[0], Paragraph):
        elements.append(Text(""))
    elements.append(child)


class _Quote(BlockQuote):
    """With a bar at its left."""

    def on_child_close(self, context: MarkdownContext, child: MarkdownElement) -> bool:  # noqa: ARG002
        """Take the child in."""
        _append(self.elements, child)
        return False


class _Item(ListItem):
    """Never left out, even if it is empty; the next item's number has no influence on its width."""

    def on_child_close(self, context: MarkdownContext, child: MarkdownElement) -> bool:  # noqa: ARG002
        """Take the child in."""
        _append(self.elements, child)
        return False

    def marked(self, mark: str, style: str, console: Console, options: ConsoleOptions) -> RenderResult:
        """The rows behind a mark."""
        inner = options.update(width=max(options.max_width - len(mark), 1))
        rows = console.render_lines(self.elements, inner, style=self.style, pad=False)
        for number, row in enumerate(rows or [[]]):
            yield Segment(" " * len(mark) if number else mark, console.get_style(style))
            yield from row
            yield Segment.line()


class _List(ListElement):
    """Its items."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, item in enumerate(self.items, self.list_start or 0):
            assert isinstance(item, _Item)
            if self.list_type == "bullet_list_open":
                yield from item.marked(" • ", "markdown.item.bullet", console, options)
            else:
                yield from item.marked(f" {number}. ", "markdown.item.number", console, options)


class _Table(TableElement):
    """Columns, in which words are broken where they must be, and nothing is left out."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        if options.max_width < min(_NARROWEST_COLUMN * len(head), _width(head, rows)):
            yield from _cells(head, rows)
            return
        table = Table(box=box.SIMPLE, pad_edge=False, style="markdown.table.border", collapse_padding=True)
        for title in head:
            title.stylize("markdown.table.header")
            table.add_column(title, overflow="fold", min_width=min(_NARROWEST_COLUMN - _GAP, _widest_word(title)))
        for row in rows:
            table.add_row(*row)
        yield table


def _width(head: list[Text], rows: list[list[Text]]) -> int:
    """Cells that a table needs in which no cell has two rows."""
    columns = zip(head, *rows, strict=False)
    return sum(max(text.cell_len for text in column) + _GAP for column in columns)


def _widest_word(text: Text) -> int:
    return max(map(cell_len, text.plain.split()), default=1)


def _cells(head: list[Text], rows: list[list[Text]]) -> Iterator[Text]:
    """A line for each cell, behind the title of its column."""
    yield Text(" | ").join(head)
    for row in rows:
        yield Text("")
        for title, cell in zip(head, row, strict=False):
            if cell.plain.strip():
                yield Text.assemble((title.plain, "markdown.table.header"), ": ", cell)


ELEMENTS: dict[str, type[MarkdownElement]] = {
    "fence": _Code,
    "code_block": _Code,
    "heading_open": _Heading,
    "hr": _Rule,
    "blockquote_open": _Quote,
    "list_item_open": _Item,
    "bullet_list_open": _List,
    "ordered_list_open": _List,
    "table_open": _Table,
}
