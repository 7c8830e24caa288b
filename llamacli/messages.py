"""What has been said: messages and conversations, immutable."""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """Who said it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `stopped` marks an answer that was interrupted before its end."""

    role: Role
    content: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order: an optional system prompt, then user and assistant in turn.

    `started` is the day that chat templates may mention. It belongs to the conversation, because a template
    that changes at midnight would make every token that was already read worthless.
    """

    messages: tuple[Message, ...] = ()
    started: date = field(default_factory=date.today)

    @property
    def system(self) -> str | None:
        """The system prompt, if there is one."""
        first = self.messages[0] if self.messages else None
        return first.content if first and first.role is Role.SYSTEM else None

    @property
    def turns(self) -> int:
        """How many prompts the user has sent."""
        return sum(message.role is Role.USER for message in self.messages)

    @property
    def last_prompt(self) -> str | None:
        """The user's latest prompt."""
        return self._latest(Role.USER)

    @property
    def last_answer(self) -> str | None:
        """The assistant's latest answer."""
        return self._latest(Role.ASSISTANT)

    def _latest(self, role: Role) -> str | None:
        return next((m.content for m in reversed(self.messages) if m.role is role), None)

    def with_prompt(self, text: str) -> "Conversation":
        """The conversation after the user said `text`."""
        return replace(self, messages=(*self.messages, Message(Role.USER, text)))

    def with_answer(self, text: str, *, stopped: bool = False) -> "Conversation":
        """The conversation with `text` as its last answer, in place of one that is already last."""
        kept = self.messages
        if kept and kept[-1].role is Role.ASSISTANT:
            kept = kept[:-1]
        return replace(self, messages=(*kept, Message(Role.ASSISTANT, text, stopped)))

    def with_system(self, text: str | None) -> "Conversation":
        """The conversation under another system prompt, or under none."""
        rest = tuple(message for message in self.messages if message.role is not Role.SYSTEM)
        head = (Message(Role.SYSTEM, text),) if text else ()
        return replace(self, messages=head + rest)

    def without_answer(self) -> "Conversation":
        """The conversation as it was before the last answer."""
        if self.messages and self.messages[-1].role is Role.ASSISTANT:
            return replace(self, messages=self.messages[:-1])
        return self

    def without_last_turn(self) -> "Conversation":
        """The conversation as it was before the user's latest prompt."""
        latest = max((i for i, m in enumerate(self.messages) if m.role is Role.USER), default=None)
        return self if latest is None else replace(self, messages=self.messages[:latest])
