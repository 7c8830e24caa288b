"""The Rich console of a stream."""

from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.theme import Theme

# No backgrounds: Rich's own black ones hide text, or make stripes, on a light terminal. No bright colours, yellow or
# blue, which are hard to read on a light or on a dark one.
_THEME = Theme(
    {
        "markdown.code": "cyan",
        "markdown.code_block": "none",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold underline",
        "markdown.h3": "bold",
        "markdown.h4": "bold",
        "markdown.block_quote": "italic",
        "markdown.hr": "dim",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "bold",
        "markdown.link": "cyan",
        "markdown.link_url": "underline",
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
    }
)


class StreamConsole(Console):
    """A console that lets a closed pipe be seen, where Rich's own would end the process."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError again."""
        raise  # Rich calls this while it handles the error


def console_of(stream: TextIO, environ: Mapping[str, str], columns: int | None, *, styled: bool) -> Console:
    """The console that writes to `stream`: never markup, emoji codes or highlighting.

    Escapes only if `styled`; lines of `columns`, or of what the terminal has.
    """
    return StreamConsole(
        file=stream,
        width=columns,
        force_terminal=styled,
        force_interactive=False,
        force_jupyter=False,
        markup=False,
        emoji=False,
        highlight=False,
        theme=_THEME,
        _environ=environ,
    )
