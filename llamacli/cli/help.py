"""Help as plain text with the options under headings: Typer's own needs all of Rich, and that takes too long."""

from collections import defaultdict
from typing import Any

from typer.core import TyperCommand, TyperGroup

ORDER = ("ask", "chat", "classify", "history", "models", "doctor", "bench", "config", "serve")
"""The commands, in the order of the documents."""


class OrderedGroup(TyperGroup):
    """The commands in that order; Typer lists those that have commands of their own first."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


class PlainCommand(TyperCommand):
    """A command whose help shows each option under the heading of its `rich_help_panel`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options, those without a heading first."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if param.param_type_name == "argument":  # Typer would name its Python type
                name = f"{param.metavar}..." if param.nargs == -1 else f"{param.metavar}"
                sections["Arguments"].append((name, getattr(param, "help", None) or ""))
            elif record is not None:
                sections[getattr(param, "rich_help_panel", None) or "Options"].append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
