"""An engine and a classifier that follow a script: real streaming, no model."""

import re
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from llamacli.complexity import Budget, Classification, Level, from_scores
from llamacli.engine import Models
from llamacli.engine.base import Classifier, Engine, EngineInfo
from llamacli.engine.stops import StopTexts
from llamacli.events import Event, Finished, FinishReason, Reading, TextDelta, Timings, Usage
from llamacli.messages import Conversation
from llamacli.sampling import Sampling
from llamacli.window import room_for_answer

T = TypeVar("T")
_TOKEN = re.compile(r"\s*\S+|\s+")


def tokens(text: str) -> list[str]:
    """The script's tokens: a word with the white space before it."""
    return _TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to give, `pause_s` before each token; `fault` is raised in place of token number `fault_after`."""

    text: str
    pause_s: float = 0.0
    fault: Exception | None = None
    fault_after: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What the engine was asked."""

    conversation: Conversation
    sampling: Sampling
    budget: Budget


@dataclass
class ScriptedEngine:
    """Gives the queued replies in order, the last one for ever, and records the requests.

    `sampled` counts the tokens that were made, so that a test sees a cancelled answer stop.
    """

    replies: deque[Reply]
    context_window: int = 4096
    requests: list[Request] = field(default_factory=list)
    sampled: int = 0
    closed: bool = False

    @classmethod
    def saying(cls, *replies: str | Reply, context_window: int = 4096) -> "ScriptedEngine":
        """An engine with these replies."""
        return cls(deque(r if isinstance(r, Reply) else Reply(r) for r in replies), context_window)

    @property
    def info(self) -> EngineInfo:
        """A model named `scripted`, on the CPU."""
        return EngineInfo("scripted", self.context_window, "cpu", "float32", "none", "It follows a script.")

    def count_tokens(self, conversation: Conversation) -> int:
        """Words, and one token for each message."""
        return sum(len(tokens(message.content)) + 1 for message in conversation.messages)

    def stream(self, conversation: Conversation, sampling: Sampling, budget: Budget) -> Generator[Event, None, None]:
        """The next reply, token by token."""
        self.requests.append(Request(conversation, sampling, budget))
        prompt_tokens = self.count_tokens(conversation)
        room = room_for_answer(prompt_tokens, self.context_window)
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        return self._events(reply, prompt_tokens, room, sampling, budget)

    def _events(
        self, reply: Reply, prompt_tokens: int, room: int, sampling: Sampling, budget: Budget
    ) -> Generator[Event, None, None]:
        yield Reading(prompt_tokens, 0)
        budget.begin()
        stops, made, reason = StopTexts(sampling.stop), 0, FinishReason.STOP
        for made, token in enumerate(self._sampled(reply), 1):
            if text := stops.feed(token):
                yield TextDelta(text, made)
            if stops.found:
                break
            if made >= room or not budget.allows(made):
                reason = FinishReason.LENGTH
                break
        if rest := stops.finish():
            yield TextDelta(rest, made)
        yield Finished(reason, Usage(prompt_tokens, 0, made), Timings())

    def _sampled(self, reply: Reply) -> Iterator[str]:
        for number, token in enumerate(tokens(reply.text)):
            if reply.fault is not None and number == reply.fault_after:
                raise reply.fault
            if reply.pause_s:
                time.sleep(reply.pause_s)
            self.sampled += 1
            yield token
        if reply.fault is not None and reply.fault_after >= len(tokens(reply.text)):
            raise reply.fault

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


@dataclass
class ScriptedClassifier:
    """Finds the level of a prompt in a table, `default` where it is not there, and records the prompts."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    default: Level = Level.LOW
    prompts: list[str] = field(default_factory=list)
    closed: bool = False

    @property
    def device(self) -> str:
        """The CPU."""
        return "cpu"

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """The level of each, with a probability of 0.8."""
        self.prompts.extend(prompts)
        return [self._classify(self.levels.get(prompt, self.default)) for prompt in prompts]

    def _classify(self, level: Level) -> Classification:
        return from_scores({each: 0.8 if each is level else 0.1 for each in Level})

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def scripted_models(engine: Engine | None, classifier: Classifier | None) -> Models:
    """Both, as if they had been loaded."""
    return Models(_done(engine), _done(classifier))


def _done(value: T | None) -> "Future[T] | None":
    if value is None:
        return None
    future: Future[T] = Future()
    future.set_result(value)
    return future
