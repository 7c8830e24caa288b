"""Measures an engine as a person meets it: how soon the first token comes, how fast the others, what the rest costs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from llamacli.chat import ChatSession
from llamacli.complexity import Budget
from llamacli.engine import Models
from llamacli.engine.base import Engine, Instruments, Speed
from llamacli.events import Finished, TextDelta
from llamacli.messages import Conversation
from llamacli.sampling import Sampling
from llamacli.settings import Settings

REPEATS = 15
"""Times that a first token is measured where two are compared; their medians count."""
TURNS, BEHIND, SHORT = 20, 8_000, 64
"""Turns of the chat that is measured, tokens behind its last one, tokens of a short prompt."""


@dataclass(frozen=True, slots=True)
class ClassifierCost:
    """Seconds of one classification, and seconds until the first token without one and with one beside it."""

    alone_s: float
    first_token_without_s: float
    first_token_with_s: float

    @property
    def hidden(self) -> float:
        """The share of the classification that the first token did not wait for."""
        waited = max(0.0, self.first_token_with_s - self.first_token_without_s)
        return max(0.0, 1 - waited / self.alone_s) if self.alone_s else 1.0


@dataclass(frozen=True, slots=True)
class ChatCost:
    """Seconds until the first token in the first and in the last turn of a long chat."""

    turns: int
    tokens_behind: int
    first_turn_s: float
    last_turn_s: float


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All that was measured. `ready_s` is the first short answer after loading, with what is made once."""

    load_s: float
    ready_s: float
    speeds: tuple[Speed, ...]
    baseline: tuple[Speed, ...]
    compile_s: float
    compiled: tuple[Speed, ...]
    classifier: ClassifierCost | None
    chat: ChatCost
    stop_s: float
    copy_bytes_per_s: float
    weight_bytes: int
    peak_bytes: dict[str, int]

    @property
    def ceiling_tokens_per_s(self) -> float:
        """Tokens per second if each only had to read the weights once, at the speed of a copy."""
        return self.copy_bytes_per_s / self.weight_bytes


@dataclass
class Bench:
    """One run of the benchmark; `report` hears what is being measured."""

    models: Models
    instruments: Instruments
    settings: Settings
    report: Callable[[str], None]
    prompts: int = 0

    def run(self, lengths: Sequence[int], tokens: int, *, baseline: bool, compiled: bool) -> BenchReport:
        """Measure at prompts of these lengths, those that fit, with so many tokens decoded at each.

        `baseline` also measures plain generate, `compiled` the second gear, where there is one.
        """
        engine = self.models.engine
        fitting = [length for length in lengths if length + tokens <= engine.info.context_window]
        self.report("the first answer")
        ready = _seconds(lambda: self._finished(SHORT, 8))
        speeds = tuple(self._speed(length, tokens) for length in fitting)
        peak = dict(self.instruments.peak_bytes())
        plain = tuple(self._baseline(length, tokens) for length in fitting) if baseline else ()
        classifier, chat, stop = (
            self._classifier(),
            self._chat(min(BEHIND, engine.info.context_window // 2)),
            self._stop(),
        )
        compile_s = self._compile() if compiled else 0.0
        return BenchReport(
            self.models.load_s,
            ready,
            speeds,
            plain,
            compile_s,
            tuple(self._speed(length, tokens) for length in fitting) if compile_s else (),
            classifier,
            chat,
            stop,
            self.instruments.copy_bytes_per_s(),
            self.instruments.weight_bytes(),
            peak,
        )

    def _compile(self) -> float:
        self.report("compiling")
        return _total(self._finished(SHORT, 8)) if self.instruments.shift_up() else 0.0

    def _speed(self, length: int, tokens: int) -> Speed:
        self.report(f"a prompt of {length:,} tokens")
        self._finished(length, 8)  # what is made once for this length
        done = self._finished(length, tokens)
        return Speed(done.usage.prompt_tokens, done.timings.first_token_s, done.timings.tokens_per_s)

    def _baseline(self, length: int, tokens: int) -> Speed:
        self.report(f"plain generate, a prompt of {length:,} tokens")
        return self.instruments.generate(length, min(tokens, 64), self._sampling())

    def _classifier(self) -> ClassifierCost | None:
        classifier = self.models.classifier
        if classifier is None:
            return None
        self.report("the classifier")
        prompt = _words(200, "classify")
        classifier.classify([prompt])
        alone = median(_seconds(lambda: classifier.classify([prompt])) for _ in range(REPEATS))
        times: dict[str, list[float]] = {"medium": [], "auto": []}
        for _ in range(REPEATS):
            for complexity, seconds in times.items():
                seconds.append(self._first_token_of_a_turn(complexity))
        return ClassifierCost(alone, median(times["medium"]), median(times["auto"]))

    def _first_token_of_a_turn(self, complexity: str) -> float:
        session = ChatSession(self.models, self._sampling(), complexity, max_tokens=8)
        for _ in session.ask(_words(200, self._unique())):
            pass
        assert session.last is not None
        return session.last.finished.timings.first_token_s

    def _chat(self, behind: int) -> ChatCost:
        self.report(f"a chat of {TURNS} turns")
        conversation = Conversation()
        first, _ = self._first_token(conversation)
        for turn in range(TURNS - 1):
            padding = 0 if turn == 0 else behind // (TURNS - 2) - SHORT
            conversation = conversation.with_prompt(_words(max(SHORT, padding), self._unique()))
            events = list(self.models.engine.stream(conversation, self._sampling(), Budget(8)))
            text = "".join(event.text for event in events if isinstance(event, TextDelta))
            conversation = conversation.with_answer(text or "so")
        last, known = self._first_token(conversation)
        return ChatCost(TURNS, known, first, last)

    def _first_token(self, conversation: Conversation) -> tuple[float, int]:
        """Seconds to the first token of a short next turn, the median of some, and the tokens known before it."""
        asked = [conversation.with_prompt(_words(SHORT, self._unique())) for _ in range(REPEATS)]
        done = [_last(list(self.models.engine.stream(each, self._sampling(), Budget(8)))) for each in asked]
        return median(each.timings.first_token_s for each in done), done[-1].usage.cached_tokens

    def _stop(self) -> float:
        self.report("stopping an answer")
        stream = self.models.engine.stream(self._asked(SHORT), self._sampling(), Budget(400))
        for event in stream:
            if isinstance(event, TextDelta) and event.tokens >= 8:
                break
        return _seconds(stream.close)

    def _finished(self, length: int, tokens: int) -> Finished:
        return _last(list(self.models.engine.stream(self._asked(length), self._sampling(), Budget(tokens))))

    def _asked(self, length: int) -> Conversation:
        """A conversation of about so many tokens that shares no beginning with the ones before."""
        return _of_length(self.models.engine, length, self._unique())

    def _unique(self) -> str:
        self.prompts += 1
        return f"number {self.prompts}:"

    def _sampling(self) -> Sampling:
        return self.settings.sampling


def _of_length(engine: Engine, length: int, beginning: str) -> Conversation:
    count = length
    for _ in range(4):
        conversation = Conversation().with_prompt(_words(count, beginning))
        count = max(1, round(count * length / engine.count_tokens(conversation)))
    return Conversation().with_prompt(_words(count, beginning))


def _words(count: int, beginning: str) -> str:
    return f"{beginning} tell a very long story with " + " ".join(["one more"] * (count // 2))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _total(finished: Finished) -> float:
    return finished.timings.total_s


def _last(events: Sequence[object]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]
