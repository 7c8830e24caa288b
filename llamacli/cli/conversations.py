"""The options of `ask` and `chat` that go on with a saved conversation, and what they choose."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from llamacli.errors import BadUsage
from llamacli.history import FILE_NAME, Recording, Saved
from llamacli.messages import Conversation
from llamacli.settings import Settings
from llamacli.terminal.screen import Screen

PANEL = "Conversation"

GoOn = Annotated[
    bool, typer.Option("--continue", "-c", help="Go on with the last conversation.", rich_help_panel=PANEL)
]
ConversationId = Annotated[
    str | None,
    typer.Option("--conversation", metavar="ID", help="Go on with this conversation.", rich_help_panel=PANEL),
]


@dataclass(frozen=True, slots=True)
class Begun:
    """A conversation to begin or to go on with, which was `saved` then, and what records it."""

    conversation: Conversation
    recording: Recording
    saved: Saved | None = None


def choose(settings: Settings, go_on: bool, name: str | None) -> Begun:
    """The conversation that the options choose.

    One that is gone on with keeps its system prompt, unless an option gives another.
    """
    if go_on and name is not None:
        raise BadUsage("--continue and --conversation exclude each other.", hint="Leave one of them out.")
    recording = Recording(settings.data_dir / FILE_NAME, saving=settings.save)
    if not go_on and name is None:
        return Begun(Conversation().with_system(settings.system), recording)
    saved = recording.load(recording.history.latest() if name is None else name)
    conversation = saved.conversation
    if settings.sources["system"].startswith("option"):
        conversation = conversation.with_system(settings.system)
    return Begun(conversation, recording, saved)


@contextmanager
def notices_of(recording: Recording, screen: Screen) -> Iterator[None]:
    """Show at the end of the block, however it ends, what could not be saved."""
    try:
        yield
    finally:
        for notice in recording.notices():
            screen.notice(notice)
