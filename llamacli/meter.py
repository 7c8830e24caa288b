"""The figures of an answer, as far as it came."""

import time
from dataclasses import replace

from llamacli.events import Event, Finished, FinishReason, Reading, TextDelta, Timings, Usage


class Meter:
    """Counts what an engine tells, so that a stopped answer has its figures too."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._first = 0.0
        self._usage = Usage()
        self.finished: Finished | None = None

    def see(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Reading):
            self._usage = Usage(event.prompt_tokens, event.cached_tokens, 0)
        elif isinstance(event, TextDelta):
            self._first = self._first or time.perf_counter()
            self._usage = replace(self._usage, completion_tokens=event.tokens)
        else:
            self.finished = event

    def result(self) -> Finished:
        """What the engine said at its end, or what was seen of it until it was stopped."""
        if self.finished is not None:
            return self.finished
        now = time.perf_counter()
        made = self._usage.completion_tokens
        speed = (made - 1) / (now - self._first) if made > 1 and now > self._first else 0.0
        first = max(self._first - self._started, 0.0)
        return Finished(FinishReason.INTERRUPTED, self._usage, Timings(first, now - self._started, speed))
