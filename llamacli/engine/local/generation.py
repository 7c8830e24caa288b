"""The local engine: one worker thread owns the model and answers one conversation at a time."""

import gc
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import takewhile
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any, TypeVar

import torch

from llamacli.complexity import Budget
from llamacli.engine.base import EngineInfo
from llamacli.engine.local.decode import Decoder
from llamacli.engine.local.detokenizer import Detokenizer
from llamacli.engine.local.failures import translated
from llamacli.engine.local.hardware import free_memory
from llamacli.engine.local.prompts import PromptEncoder
from llamacli.engine.stops import StopTexts
from llamacli.errors import EngineFailed, PromptTooLong
from llamacli.events import Event, Finished, FinishReason, Reading, TextDelta, Timings, Usage
from llamacli.messages import Conversation, Role
from llamacli.sampling import Sampling
from llamacli.window import room_for_answer

T = TypeVar("T")


@dataclass(frozen=True)
class _Request:
    conversation: Conversation
    sampling: Sampling
    budget: Budget
    cancelled: Flag = field(default_factory=Flag)
    events: "SimpleQueue[Event | BaseException | None]" = field(default_factory=SimpleQueue)

    def unwanted(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.cancelled.is_set() or self.budget.gone()


class LocalEngine:
    """An `Engine` over a causal model of transformers and its tokenizer."""

    def __init__(self, decoder: Decoder, tokenizer: Any, info: EngineInfo) -> None:
        self._info = info
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._prompts = PromptEncoder(tokenizer)
        self._ends = _end_tokens(decoder.model, tokenizer)
        # Always the same thread: Ctrl-C never lands inside a forward pass, and CUDA keeps state per thread.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def info(self) -> EngineInfo:
        """What is loaded, and how it decodes now."""
        return replace(self._info, decoding=self._decoder.method)

    def count_tokens(self, conversation: Conversation) -> int:
        """Tokens of the conversation as the model reads it; 0 for an empty one."""
        with translated():
            return len(self._prompts.encode(conversation)) if conversation.messages else 0

    def stream(self, conversation: Conversation, sampling: Sampling, budget: Budget) -> Generator[Event, None, None]:
        """Answer the conversation, see `Engine.stream`."""
        request = _Request(conversation, sampling, budget)
        done: Future[None] | None = None
        try:
            done = self._submit(request)
            while (event := request.events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            request.cancelled.set()
            if done is not None:
                done.result()

    def _submit(self, request: _Request) -> "Future[None]":
        try:
            return self._worker.submit(self._work, request)
        except RuntimeError as error:
            raise EngineFailed("The model was closed.", hint="Open it again: /model NAME") from error

    @property
    def model(self) -> Any:
        """The model of transformers."""
        return self._decoder.model

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done between two answers in the thread that owns the model."""
        return self._worker.submit(work).result()

    def shift_up(self) -> bool:
        """Let the next answers wait for the second gear, to measure it; False where the decoder has none."""
        return self.run(lambda: self._decoder.shift_up(wait=True))

    def warm_up(self, sampling: Sampling, *, compiled: bool) -> None:
        """Make ready what the first answer would wait for, while nobody waits; then, if `compiled`, a second gear."""
        self._worker.submit(self._warm_up, sampling, compiled)

    def _warm_up(self, sampling: Sampling, compiled: bool) -> None:
        try:
            with torch.inference_mode():
                self._decoder.warm_up(sampling)
        except Exception:  # noqa: BLE001 - whatever it is, the first answer meets it too, and says so
            self._decoder.forget()
            compiled = False
        # What loading made stays. Without this, Python now and then looks through all of it for garbage: 200 ms between
        # two tokens, with 360,000 objects.
        gc.freeze()
        if compiled:
            self._decoder.shift_up(wait=False)

    def close(self) -> None:
        """End the thread and give back the memory."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._decoder.close()
        free_memory()

    def _work(self, request: _Request) -> None:
        try:
            with translated(), torch.inference_mode():
                for event in self._answer(request):
                    request.events.put(event)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            if not isinstance(error, PromptTooLong):  # nothing was read yet
                self._decoder.forget()
            request.events.put(error)
        request.events.put(None)

    def _answer(self, request: _Request) -> Iterator[Event]:
        started = time.perf_counter()
        prompt = self._prompts.encode(request.conversation)
        room = room_for_answer(len(prompt), self.info.context_window)
        kept = self._decoder.rewind(prompt)
        yield Reading(len(prompt), kept)
        answer = _Answer(request, Detokenizer(self._tokenizer.backend_tokenizer, self._continued(request, prompt)))
        for token in self._tokens(request, prompt, kept):
            yield from answer.add(token, ends=token in self._ends, room=room)
            if answer.reason is not None:
                break
        yield from answer.rest()
        if answer.remembered:
            said = _with_more(request.conversation, answer.text)
            self._prompts.remember(said, prompt + answer.tokens)
        if answer.reason is not None:
            usage = Usage(len(prompt), kept, len(answer.tokens))
            yield Finished(answer.reason, usage, answer.timings(started))

    def _tokens(self, request: _Request, prompt: list[int], kept: int) -> Iterator[int]:
        logits = self._decoder.read_prompt(prompt, kept, request.unwanted)
        if logits is not None:
            request.budget.begin()  # a card is still reading
            tokens = self._decoder.tokens(request.sampling, prompt, logits)
            yield from takewhile(lambda _: not request.unwanted(), tokens)

    def _continued(self, request: _Request, prompt: list[int]) -> list[int]:
        """The last ids of an answer that is continued: characters may go on in the middle."""
        messages = request.conversation.messages
        return prompt[-8:] if messages[-1].role is Role.ASSISTANT else []


class _Answer:
    """What has been sampled: its ids, its text, and why it ended."""

    def __init__(self, request: _Request, detokenizer: Detokenizer) -> None:
        self._request = request
        self._detokenizer = detokenizer
        self._stops = StopTexts(request.sampling.stop)
        self._times: list[float] = []
        self.tokens: list[int] = []
        self.text = ""
        self.reason: FinishReason | None = None

    def add(self, token: int, *, ends: bool, room: int) -> Iterator[Event]:
        """Take in a sampled token and give the text that it makes certain."""
        self._times.append(time.perf_counter())
        if ends:
            self.reason = FinishReason.STOP
            return
        self.tokens.append(token)
        yield from self._show(self._stops.feed(self._detokenizer.feed(token)))
        if self._stops.found:
            self.reason = FinishReason.STOP
        elif len(self.tokens) >= room or not self._allowed():
            self.reason = FinishReason.LENGTH

    def rest(self) -> Iterator[Event]:
        """The text that was held back."""
        yield from self._show(self._stops.feed(self._detokenizer.finish()) + self._stops.finish())

    @property
    def remembered(self) -> bool:
        """Whether the ids stand for the text; after a stop text they say more."""
        return bool(self.text) and not self._stops.found

    def timings(self, started: float) -> Timings:
        """Seconds to the first token and to the last, and tokens per second between them."""
        first, last = self._times[0], self._times[-1]
        steps = len(self._times) - 1
        return Timings(first - started, last - started, steps / (last - first) if steps else 0.0)

    def _allowed(self) -> bool:
        request = self._request
        return request.budget.allows(len(self.tokens), request.unwanted)

    def _show(self, text: str) -> Iterator[Event]:
        self.text += text
        if text:
            yield TextDelta(text, len(self.tokens))


def _with_more(conversation: Conversation, text: str) -> Conversation:
    messages = conversation.messages
    if messages[-1].role is Role.ASSISTANT:
        text = messages[-1].content.removesuffix("\ufffd") + text
    return conversation.with_answer(text)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)
