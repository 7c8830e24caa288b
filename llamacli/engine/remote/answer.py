"""What comes from a server while it answers, as events."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from llamacli.complexity import Budget
from llamacli.engine.remote.connection import Chunks, Patience
from llamacli.engine.remote.failures import broken_off, refusal
from llamacli.engine.stops import StopTexts
from llamacli.errors import EngineFailed
from llamacli.events import Event, Finished, FinishReason, Reading, TextDelta, Timings, Usage
from llamacli.sampling import Sampling

_REASONS = {"length": FinishReason.LENGTH}


class Answer:
    """One answer: its text, its tokens as far as the server tells them, and why it ended.

    `prompt_tokens` is an estimate for servers that do not tell; those that do tell in each chunk are `counted`.
    Without their figures a chunk with text counts as a token.
    """

    def __init__(self, url: str, sampling: Sampling, budget: Budget, prompt_tokens: int, *, counted: bool) -> None:
        self._url = url
        self._budget = budget
        self._stops = StopTexts(sampling.stop)
        self._usage = Usage(prompt_tokens)
        self._counted = counted
        self._read = False
        self._made = 0
        self._times: list[float] = []
        self._reason: FinishReason | None = None
        self._cut = False

    def events(self, chunks: Chunks, patience: Patience) -> Iterator[Event]:
        """All events of the answer; raises ours where it ends before its end."""
        started = time.perf_counter()
        if not self._counted:
            yield self._reading()
        while not self._cut and (data := self._next(chunks, patience)) is not None:
            yield from self._take(self._parsed(data))
        if self._reason is None:
            raise broken_off(self._url)
        yield from self._show(self._stops.finish())
        yield Finished(self._reason, self._final_usage(), self._timings(started))

    def _next(self, chunks: Chunks, patience: Patience) -> str | None:
        """The next chunk, or None at the end. Whatever fails after the finish chunk comes too late to matter."""
        if self._reason is not None:
            try:
                data = chunks.next(patience.ending_s)
            except EngineFailed:
                return None
        else:
            data = chunks.next(patience.between_s if self._times else patience.first_token_s)
        if data == "[DONE]":
            self._reason = self._reason or FinishReason.STOP
            return None
        return data

    def _parsed(self, data: str) -> Mapping[str, Any]:
        try:
            chunk = json.loads(data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, Mapping):
            raise broken_off(self._url, f"It sent what is no chunk of an answer: {data[:200]}")
        if not chunk.get("choices") and any(chunk.get(key) for key in ("error", "detail")):
            raise refusal(200, chunk, self._url)
        return chunk

    def _take(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        told = chunk.get("usage")
        if told:
            self._usage = _usage(told, self._usage)
        if not self._read:
            yield self._reading()
        for choice in (chunk.get("choices") or [])[:1]:
            said = choice.get("delta") or choice.get("message") or {}
            text = said.get("content") or ""
            yield from self._tokens(text, _made(chunk) or self._made + bool(text))
            if choice.get("finish_reason") and not self._stops.found:
                self._reason, self._cut = _REASONS.get(choice["finish_reason"], FinishReason.STOP), False
                if self._reason is FinishReason.LENGTH:  # tokens without text were not seen: ask what was decided
                    self._budget.allows(self._budget.at_least)

    def _tokens(self, text: str, made: int) -> Iterator[Event]:
        """Show text, after so many tokens, as far as the budget allows them."""
        if not text:
            return
        self._times.append(time.perf_counter())
        if self._made and not self._budget.allows(made - 1):  # the text of several tokens, too many of them
            while self._budget.allows(self._made):
                self._made += 1
            self._end(FinishReason.LENGTH)
            return
        self._made = made
        yield from self._show(self._stops.feed(text))
        if self._stops.found:
            self._end(FinishReason.STOP)
        elif not self._budget.allows(made):
            self._end(FinishReason.LENGTH)

    def _end(self, reason: FinishReason) -> None:
        self._reason, self._cut = reason, True

    def _show(self, text: str) -> Iterator[Event]:
        if text:
            yield TextDelta(text, self._made)

    def _reading(self) -> Reading:
        self._read = True
        return Reading(self._usage.prompt_tokens, self._usage.cached_tokens)

    def _final_usage(self) -> Usage:
        told = 0 if self._cut else self._usage.completion_tokens
        return Usage(self._usage.prompt_tokens, self._usage.cached_tokens, told or self._made)

    def _timings(self, started: float) -> Timings:
        if not self._times:
            return Timings(0.0, time.perf_counter() - started, 0.0)
        first, last = self._times[0], self._times[-1]
        speed = (self._made - 1) / (last - first) if last > first else 0.0
        return Timings(first - started, last - started, speed)


def _made(chunk: Mapping[str, Any]) -> int:
    """The tokens of the answer so far, where a chunk tells: as usage, or among llama.cpp's times."""
    usage, times = chunk.get("usage") or {}, chunk.get("timings") or {}
    return usage.get("completion_tokens") or times.get("predicted_n") or 0


def _usage(told: Mapping[str, Any], before: Usage) -> Usage:
    cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(
        told.get("prompt_tokens") or before.prompt_tokens,
        before.cached_tokens if cached is None else cached,
        told.get("completion_tokens") or 0,
    )
