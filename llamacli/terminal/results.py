"""What the slash commands of a chat work on, and what they return."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from llamacli.chat import ChatSession
from llamacli.engine import Models
from llamacli.events import Event
from llamacli.history import Recording
from llamacli.settings import Settings


@dataclass
class Chat:
    """What the commands work on.

    `attached` are the files (name and text) that go before the next prompt, `unanswered` is a prompt whose turn left
    nothing in the conversation. `open_models` starts to load the models of the settings. `recording` saves the session.
    """

    session: ChatSession
    settings: Settings
    open_models: Callable[[Settings], Models]
    recording: Recording
    attached: list[tuple[str, str]] = field(default_factory=list)
    unanswered: str | None = None

    def use_model(self, name: str) -> None:
        """Close the models, whose memory the next ones may need, and start to open those of that name."""
        self.session.models.close()
        # They are opened for the level that holds now: `off` needs no classifier.
        self.settings = replace(self.settings, model=name, complexity=self.session.complexity)
        self.session.use(self.open_models(self.settings))


@dataclass(frozen=True, slots=True)
class Say:
    """Lines for the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn to show; `prompt` is kept if it leaves nothing in the conversation, `begun` is shown already."""

    start: Callable[[], Generator[Event, None, None]]
    prompt: str | None = None
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """Text to go on writing; what is sent replaces the last turn, or just follows."""

    text: str
    replaces: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """Text for the clipboard, and what it is."""

    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The end of the chat."""


Result: TypeAlias = Say | Answer | Draft | Copy | Leave
