"""The rows of Markdown that grows: those that are final, once, and those that may still change, as often as wanted."""

from rich.console import Console

from llamacli.terminal.blocks import Fence, Finished, begins_at_margin, finished, last_lines
from llamacli.terminal.code import Code
from llamacli.terminal.markdown import markdown_rows, styled_rows


class GrowingMarkdown:
    """Text at whose end more is added. All rows that it gives as final equal `markdown_rows` of the whole.

    Only what is open is kept: of a list its last item, of code its last line. A long block is asked seldom whether it
    is over, so that the work grows with the text and not with its square.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""
        self._number: int | None = None
        self._fence: Fence | None = None
        self._code = Code("")
        self._above = False
        self._begun = False
        self._asked = (0, False)
        self._patience = 0

    def add(self, text: str) -> None:
        """Put `text` at the end."""
        self._text += text

    def final_rows(self, width: int) -> list[str]:
        """The rows that no further text can change, and that were not given before."""
        rows = self._code_rows(width) if self._fence is not None else []
        while self._fence is None:
            part = self._finished()
            if part.length:
                rows += self._given(self._block_rows(self._text[: part.length], width), begun=part.number is not None)
                self._number = part.number
                self._drop(part.length)
            self._fence = Fence.at(self._text)
            if self._fence is None:
                break
            self._code = Code(self._fence.info)
            self._drop(self._fence.length)
            rows += self._code_rows(width)
        return rows

    def last_rows(self, width: int) -> list[str]:
        """All the others, where no more text comes."""
        rows = self.final_rows(width)
        rows += self._given(self._open_rows(self._text, width), begun=False)
        self._drop(len(self._text))
        return rows

    def open_rows(self, width: int, count: int) -> list[str]:
        """The rows of what is open, as it looks now; of a long table its end, `count` rows at least."""
        return self._set_off(self._open_rows(last_lines(self._text, count), width))

    def _open_rows(self, text: str, width: int) -> list[str]:
        if self._fence is None:
            return self._block_rows(text, width)
        if self._fence.ends_at(text):
            return []
        return styled_rows(self._code.unfinished(self._fence.content(text), width), self._console)

    def _block_rows(self, text: str, width: int) -> list[str]:
        return markdown_rows(text, self._console, width, self._number)

    def _code_rows(self, width: int) -> list[str]:
        """The rows of the lines of code that are whole; the fence is left where it is closed."""
        assert self._fence is not None
        rows = []
        while (end := self._text.find("\n")) >= 0:
            line = self._text[:end]
            self._drop(end + 1)
            if self._fence.ends_at(line):
                self._fence = None
                break
            rows += self._code.add(self._fence.content(line), width)
        return self._given(styled_rows(rows, self._console), begun=self._fence is not None)

    def _given(self, rows: list[str], *, begun: bool) -> list[str]:
        """The rows, set off; `begun` where the block that they belong to goes on."""
        set_off = self._set_off(rows)
        self._above = self._above or bool(rows)
        self._begun = begun and (self._begun or bool(rows))
        return set_off

    def _set_off(self, rows: list[str]) -> list[str]:
        return ["", *rows] if rows and self._above and not self._begun else rows

    def _finished(self) -> Finished:
        """What is finished of the text, or nothing where it is not worth while to find it out."""
        lines = self._text.count("\n")
        end = self._text.rfind("\n") + 1
        begun = self._text.endswith("\n\n", 0, end) and begins_at_margin(self._text[end:])
        if (lines, begun) == self._asked or (lines < self._patience and not begun):
            return Finished()
        self._asked, self._patience = (lines, begun), lines + lines // 8
        return finished(self._text, self._number)

    def _drop(self, length: int) -> None:
        self._text = self._text[length:]
        self._asked, self._patience = (0, False), 0
