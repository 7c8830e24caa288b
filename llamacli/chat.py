"""A conversation with a model: ask, retry, go on, undo; and what an interrupted turn leaves."""

import time
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from llamacli.background import Later
from llamacli.complexity import Budget, Classification, Level
from llamacli.engine import Models
from llamacli.errors import BadUsage
from llamacli.events import Event, Finished, FinishReason, TextDelta, Usage
from llamacli.messages import Conversation, Role
from llamacli.meter import Meter
from llamacli.sampling import Sampling
from llamacli.settings import Settings


@dataclass(frozen=True, slots=True)
class Complexity:
    """The level of a turn, the budget it had, and who decided: "classifier" or "option"."""

    level: Level
    scores: "dict[str, float] | None"
    max_tokens: int
    source: str


@dataclass(frozen=True, slots=True)
class TurnReport:
    """How a turn went; `classify_s` is the classifier's own time.

    `complexity` is None where the turn was stopped before its level was known.
    """

    finished: Finished
    complexity: Complexity | None
    classify_s: float

    @property
    def cut_at(self) -> int | None:
        """The budget that cut the answer; 0 where the window was full before it; None where nothing cut it."""
        if self.finished.reason is not FinishReason.LENGTH or self.complexity is None:
            return None
        budget = self.complexity.max_tokens
        return budget if self.finished.usage.completion_tokens >= budget else 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What made the last answer of a conversation, or, where it `extends` one, the new end of it."""

    model: str
    sampling: Sampling
    report: TurnReport
    extends: bool


class Recorder(Protocol):
    """Keeps a conversation beyond the program; what it cannot keep must not cost the chat anything."""

    def record(self, conversation: Conversation, turn: Turn | None, /) -> None:
        """Keep the conversation as it is now; `turn` is None where no answer is new. Raises no error of ours."""
        ...

    def begin(self) -> None:
        """What is recorded from now on is another conversation."""
        ...


@dataclass(frozen=True, slots=True)
class _Rating:
    classification: Classification
    source: str
    seconds: float


@dataclass
class ChatSession:
    """One conversation and the choices for its next turn.

    `complexity` is "auto", "off" or a level, `max_tokens` replaces the budget that it gives.
    `last` reports the latest turn, also one that was stopped or failed. `recorder` is told of every change, and of a
    turn before its events end.
    """

    models: Models
    sampling: Sampling
    complexity: str = "auto"
    max_tokens: int | None = None
    conversation: Conversation = field(default_factory=Conversation)
    last: TurnReport | None = None
    recorder: Recorder | None = None
    _counted: "tuple[Conversation, int] | None" = field(default=None, init=False)

    @classmethod
    def of(
        cls, models: Models, settings: Settings, begun: Conversation | None = None, recorder: Recorder | None = None
    ) -> "ChatSession":
        """A conversation under these settings: a new one, or one that has `begun`."""
        conversation = begun or Conversation().with_system(settings.system)
        return cls(models, settings.sampling, settings.complexity, settings.max_tokens, conversation, recorder=recorder)

    @property
    def context_tokens(self) -> int | None:
        """Tokens that the conversation takes, as its last turn told; None where none did, or it has changed since."""
        known = self._counted
        return known[1] if known is not None and known[0] is self.conversation else None

    def ask(self, prompt: str, *, replacing: bool = False) -> Generator[Event, None, None]:
        """Answer `prompt`, `replacing` the last turn or after it.

        Closing the iterator, or Ctrl-C, keeps what came as a stopped answer. A turn that made no text at all leaves
        the conversation as it was.
        """
        before = self.conversation.without_last_turn() if replacing else self.conversation
        return self._turn(before.with_prompt(prompt), self._rate(prompt))

    def retry(self) -> Generator[Event, None, None]:
        """Answer the last prompt again, in place of its answer."""
        prompt = self.conversation.last_prompt
        if prompt is None:
            raise BadUsage("There is no answer to try again.", hint="Ask something first.")
        return self._turn(self.conversation.without_answer(), self._rate(prompt))

    def extend(self) -> Generator[Event, None, None]:
        """Go on with the last answer from its last token, with the same budget once more."""
        messages = self.conversation.messages
        if not messages or messages[-1].role is not Role.ASSISTANT:
            raise BadUsage("There is no answer to go on with.", hint="Ask something first.")
        # A budget may cut inside a character, which then shows as U+FFFD; the engine goes on with its true bytes.
        rating = self._rate(self.conversation.last_prompt or "")
        return self._turn(self.conversation, rating, begun=messages[-1].content.removesuffix("\ufffd"))

    def undo(self) -> str | None:
        """Forget the last turn; returns its prompt, or None where there was none."""
        prompt = self.conversation.last_prompt
        if prompt is not None:
            self.conversation = self.conversation.without_last_turn()
            self._record(None)
        return prompt

    def set_system(self, text: str | None) -> None:
        """Go on under another system prompt, or under none."""
        self.conversation = self.conversation.with_system(text)
        self._record(None)

    def clear(self) -> None:
        """Begin another conversation, under the same system prompt."""
        self.conversation = Conversation().with_system(self.conversation.system)
        self.last = None
        if self.recorder is not None:
            self.recorder.begin()

    def resume(self, conversation: Conversation) -> None:
        """Go on with a conversation that was held before."""
        self.conversation = conversation
        self.last = None

    def use(self, models: Models) -> None:
        """Go on with other models, which count tokens in their own way."""
        self.models = models
        self.last = self._counted = None

    def _turn(
        self, conversation: Conversation, rating: "Later[_Rating]", begun: str = ""
    ) -> Generator[Event, None, None]:
        engine, sampling = self.models.engine, self.sampling
        stream = engine.stream(conversation, sampling, self._budget(rating))
        meter = Meter()
        text = ""
        try:
            for event in stream:
                meter.see(event)
                if isinstance(event, TextDelta):
                    text += event.text
                yield event
        finally:
            stream.close()
            stopped = meter.finished is None
            if text:
                self.conversation = conversation.with_answer(begun + text, stopped=stopped)
                self._count(meter.result().usage)
            self.last = TurnReport(meter.result(), None, 0.0)
            try:
                self.last = self._report(meter, rating, wait=not stopped)
            finally:
                if text:
                    self._record(Turn(engine.info.model, sampling, self.last, extends=bool(begun)))

    def _count(self, usage: Usage) -> None:
        if usage.prompt_tokens:  # some servers do not tell
            self._counted = self.conversation, usage.prompt_tokens + usage.completion_tokens

    def _record(self, turn: Turn | None) -> None:
        if self.recorder is not None:
            self.recorder.record(self.conversation, turn)

    def _report(self, meter: Meter, rating: "Later[_Rating]", *, wait: bool) -> TurnReport:
        future = rating.future
        if not wait and (not future.done() or future.exception() is not None):
            return TurnReport(meter.result(), None, 0.0)
        rating.begin()
        rated = future.result()
        scores = rated.classification.scores
        complexity = Complexity(
            rated.classification.level,
            None if scores is None else {level.value: score for level, score in scores.items()},
            self.max_tokens or rated.classification.level.max_tokens,
            rated.source,
        )
        return TurnReport(meter.result(), complexity, rated.seconds)

    def _rate(self, prompt: str) -> "Later[_Rating]":
        if self.complexity == "auto" and self.models.rates:
            return Later(lambda: self._classify(prompt), "classify")
        level = Level.MEDIUM if self.complexity in ("auto", "off") else Level(self.complexity)
        return Later.known(_Rating(Classification(level, None), "option", 0.0))

    def _classify(self, prompt: str) -> _Rating:
        classifier = self.models.classifier  # perhaps still loading, while the answer begins
        assert classifier is not None
        started = time.perf_counter()
        [classification] = classifier.classify([prompt])
        return _Rating(classification, "classifier", time.perf_counter() - started)

    def _budget(self, rating: "Later[_Rating]") -> Budget:
        if self.max_tokens is not None:
            return Budget(self.max_tokens, begin=rating.begin)
        decided: Future[int] = Future()

        def decide(done: "Future[_Rating]") -> None:
            error = done.exception()
            if error is None:
                decided.set_result(done.result().classification.level.max_tokens)
            else:
                decided.set_exception(error)

        rating.future.add_done_callback(decide)
        return Budget(Level.LOW.max_tokens, decided, rating.begin)
