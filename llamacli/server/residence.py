"""The models while they are in memory, and who uses them: one answer at a time, first come, first served."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

from llamacli.complexity import Classification
from llamacli.engine import Models
from llamacli.engine.base import Classifier, EngineInfo
from llamacli.errors import EngineFailed


class Busy(EngineFailed):
    """More requests wait than are let wait."""


class Stopping(EngineFailed):
    """The server ends before the answer does."""


@dataclass
class Turns:
    """Who answers now, and who waits for it, in order."""

    longest: int
    waiting: int = 0
    running: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn, and hold it; raises Busy where the queue is full."""
        if self._lock.locked() and self.waiting >= self.longest:
            raise Busy(f"{self.waiting} requests are waiting already.", hint="Ask again later.")
        self.waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self.waiting -= 1
        self.running = 1
        try:
            yield
        finally:
            self.running = 0
            self._lock.release()


class Residence:
    """Opens the models once, closes them when nobody has asked for `idle_s` seconds, and opens them again."""

    def __init__(self, open_models: Callable[[], Models], idle_s: float | None) -> None:
        self._open = open_models
        self._idle_s = idle_s
        self._models: Models | None = None
        self._loading = asyncio.Lock()
        self._ending = asyncio.Event()
        self._users = 0
        self._used = time.monotonic()
        self.info: EngineInfo | None = None
        """The language model, also while it is not in memory; None until it was there first."""
        self.rates = ""
        """The device of the classifier; empty where there is none."""

    @property
    def loaded(self) -> bool:
        """Whether the models are in memory."""
        return self._models is not None

    @asynccontextmanager
    async def models(self) -> AsyncIterator[Models]:
        """The models, which stay while the block lasts; raises what loading them raised."""
        self._users += 1
        try:
            async with self._loading:
                if self._models is None:
                    self._models = await self._load()
            yield self._models
        finally:
            self._users -= 1
            self._used = time.monotonic()

    async def _load(self) -> Models:
        models = self._open()
        try:
            engine = await asyncio.to_thread(lambda: models.engine)
            classifier = await asyncio.to_thread(lambda: models.classifier)
        except BaseException:
            models.close()
            raise
        self.info, self.rates = engine.info, classifier.device if classifier else ""
        return models

    async def leave_when_idle(self) -> None:
        """Close the models whenever nobody uses them for long, until `close`; cancelled, it might leave them open."""
        while self._idle_s is not None and not await self._ends_within(min(self._idle_s / 4, 5.0)):
            async with self._loading:
                if self._models is not None and not self._users and time.monotonic() - self._used >= self._idle_s:
                    await self._close()

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    async def close(self) -> None:
        """Close the models, for good."""
        self._ending.set()
        async with self._loading:
            await self._close()

    async def _close(self) -> None:
        models, self._models = self._models, None
        if models is not None:
            await asyncio.to_thread(models.close)


class OneAtATime:
    """A `Classifier` that several threads may ask: tokenizers are not for that."""

    def __init__(self, classifier: Classifier, lock: Lock) -> None:
        self._classifier = classifier
        self._lock = lock
        self.device = classifier.device

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """One classification for each prompt."""
        with self._lock:
            return self._classifier.classify(prompts)

    def close(self) -> None:
        """Nothing: it is only lent."""
