"""Answers in the making: an engine's generator in a thread of its own, its events in the event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

from llamacli.chat import ChatSession
from llamacli.complexity import Budget
from llamacli.engine import Models
from llamacli.engine.base import Classifier, Engine, EngineInfo
from llamacli.errors import BadUsage
from llamacli.events import Event
from llamacli.messages import Conversation, Role
from llamacli.sampling import Sampling
from llamacli.server.residence import OneAtATime

T = TypeVar("T")


class Lent:
    """An engine for one answer, which stops within a token, or between two slices of a prompt, once `gone` is set."""

    def __init__(self, engine: Engine, gone: threading.Event) -> None:
        self._engine = engine
        self._gone = gone

    @property
    def info(self) -> EngineInfo:
        """What is loaded."""
        return self._engine.info

    def count_tokens(self, conversation: Conversation) -> int:
        """Tokens of the conversation."""
        return self._engine.count_tokens(conversation)

    def stream(self, conversation: Conversation, sampling: Sampling, budget: Budget) -> Generator[Event, None, None]:
        """Answer the conversation."""
        return self._engine.stream(conversation, sampling, replace(budget, gone=self._gone.is_set))

    def close(self) -> None:
        """Nothing: it is only lent."""


class Answering:
    """One answer to a conversation, under a budget of its own or that of its complexity."""

    def __init__(self, models: Models, lock: threading.Lock, conversation: Conversation, wish: ChatSession) -> None:
        self._gone = threading.Event()
        classifier = models.classifier
        lent: Future[Classifier] | None = None
        if classifier is not None:
            lent = _done(OneAtATime(classifier, lock))
        self._ends_in_answer = conversation.messages[-1].role is Role.ASSISTANT
        begun = conversation if self._ends_in_answer else replace(conversation, messages=conversation.messages[:-1])
        self._prompt = conversation.messages[-1].content
        engine: Engine = Lent(models.engine, self._gone)
        self.session = replace(wish, models=Models(_done(engine), lent), conversation=begun)

    async def events(self) -> AsyncGenerator[Event, None]:
        """What the engine tells. Closing it, or cancelling its task, stops the engine, and waits for that."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()

        def put(item: Event | BaseException | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, item)

        def pump() -> None:
            try:
                with closing(self._start()) as events:
                    for event in events:
                        if self._gone.is_set():
                            break
                        put(event)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                put(error)
            put(None)

        working = asyncio.ensure_future(asyncio.to_thread(pump))
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._gone.set()
            await asyncio.shield(working)

    def _start(self) -> Generator[Event, None, None]:
        return self.session.extend() if self._ends_in_answer else self.session.ask(self._prompt)


def check_conversation(conversation: Conversation) -> None:
    """Raise BadUsage where there is nothing to answer."""
    if not conversation.messages or conversation.messages[-1].role is Role.SYSTEM:
        raise BadUsage("There is no message of a user to answer.", hint="End the messages with one.")


def _done(value: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(value)
    return future


async def classified(classifier: Classifier, lock: threading.Lock, prompts: list[str]) -> list[object]:
    """The levels of prompts, as JSON."""
    rated = await asyncio.to_thread(OneAtATime(classifier, lock).classify, prompts)
    return [
        {
            "index": index,
            "level": each.level.value,
            "scores": None if each.scores is None else {level.value: score for level, score in each.scores.items()},
            "max_tokens": each.level.max_tokens,
        }
        for index, each in enumerate(rated)
    ]
