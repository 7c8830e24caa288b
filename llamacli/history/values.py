"""What the history holds, as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from llamacli.messages import Conversation, Message, Role

Made: TypeAlias = Mapping[str, Any]
"""How an answer, or a part of it, was made: model, sampling, complexity, usage and the like, as JSON holds them."""

_TITLE_LENGTH = 60
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and how it was made: an answer once, and once more for each time that it was gone on with."""

    message: Message
    made: tuple[Made, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A saved conversation as a program saw it last; every change counts its `revision` up."""

    id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation as it is to be saved; `title` is None unless somebody gave one."""

    system: str | None
    started: date
    entries: tuple[Entry, ...]
    title: str | None = None

    @property
    def heading(self) -> str:
        """What it is called as long as nobody gave a title."""
        prompts = (entry.message.content for entry in self.entries if entry.message.role is Role.USER)
        return heading_of(next(prompts, ""))


@dataclass(frozen=True, slots=True)
class Summary:
    """A saved conversation in a list. `updated` is ISO 8601 in UTC."""

    id: str
    title: str
    updated: str
    turns: int
    model: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation in which a text was found, and the messages that hold it, by their places in it."""

    summary: Summary
    messages: Mapping[int, Message]


@dataclass(frozen=True, slots=True)
class Saved:
    """A whole saved conversation. `created` and `updated` are ISO 8601 in UTC."""

    held: Held
    draft: Draft
    created: str
    updated: str

    @property
    def id(self) -> str:
        """What it is asked for by."""
        return self.held.id

    @property
    def title(self) -> str:
        """What it is called."""
        return self.draft.title or self.draft.heading

    @property
    def conversation(self) -> Conversation:
        """What was said, to go on with."""
        messages = tuple(entry.message for entry in self.draft.entries)
        return Conversation(messages, self.draft.started).with_system(self.draft.system)


def heading_of(prompt: str) -> str:
    """The first words of a prompt, without the files that go before them, on one line."""
    words = _FENCED.sub("", prompt).split() or prompt.split()
    line = " ".join(words[:_TITLE_LENGTH])
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"
