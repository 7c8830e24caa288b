"""What an engine tells while it loads and while it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `cached_tokens` of the `prompt_tokens` were not read again."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds from the request to the first token and to the end, and the decoding speed after the first token."""

    first_token_s: float = 0.0
    total_s: float = 0.0
    tokens_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The engine begins to read a prompt of so many tokens, of which it knows `cached_tokens` already."""

    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer, after `tokens` sampled tokens in all."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete, for this reason."""

    reason: FinishReason
    usage: Usage
    timings: Timings


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the loading of `role` ("model" or "classifier") is: `done` of `total` in `unit`; total 0 is unknown."""

    role: str
    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that the person should see."""

    text: str


Event: TypeAlias = Reading | TextDelta | Finished
LoadEvent: TypeAlias = LoadProgress | Notice
