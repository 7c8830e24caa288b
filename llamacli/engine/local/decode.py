"""The forward passes of one answer: read the prompt in slices, then one token at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from llamacli.engine.local.parking import Parking, shared_length
from llamacli.engine.local.sampler import Sampler
from llamacli.sampling import Sampling

SLICE = 512
"""Prompt tokens per forward pass: a stop is felt between two of them, and activations stay small."""


THREADS = torch.get_num_threads()
"""Threads of this machine, asked at the start: threads that are made after a change inherit it."""
SMALL = 50_000_000
"""Weights times tokens of a pass that one thread does best on the CPU.

Measured with 9 million weights on two cores: 195 tokens per second with one thread and 220 with two; but 20 with two
where another program keeps a core busy, because the threads then wait for each other.
"""


class Decoder:
    """Reads tokens and chooses the next ones; keeps keys and values from turn to turn by the exact ids read.

    This one runs every pass eagerly over a cache that grows. It works for every architecture, device and device map.
    """

    def __init__(self, model: Any, reason: str = "") -> None:
        self.model = model
        self._name = f"eager: {reason}" if reason else "eager"
        self.slice = SLICE
        """Prompt tokens per forward pass."""
        self._weights = model.num_parameters()
        self._device: torch.device = model.device
        self._sampler = Sampler(model.config.get_text_config().vocab_size, self._device)
        self._parking = Parking()
        self.forget()

    def forget(self) -> None:
        """Throw everything away: after an exception the layers may be of unequal length."""
        self._ids: list[int] = []
        self._cache: Any = DynamicCache(config=self.model.config)

    @property
    def method(self) -> str:
        """How tokens are decoded now, for people."""
        return self._name

    def warm_up(self, sampling: Sampling) -> None:
        """Make what is made once, before there is a prompt. Nothing here."""

    def shift_up(self, *, wait: bool) -> bool:  # noqa: ARG002 - for those that have one
        """Have a faster step made in the background and take it when it is ready, in the middle of an answer too.

        Steps `wait` for it where they are to be measured. False where there is none.
        """
        return False

    def rewind(self, prompt: Sequence[int]) -> int:
        """Keep the longest beginning that `prompt` shares, but never all of it; returns its length in tokens.

        The last prompt token is always read again, since its logits choose the first token of the answer.
        """
        self._exchange(prompt[:-1])
        shared = shared_length(self._ids, prompt[:-1])
        if shared < len(self._ids):
            try:
                self._shorten(shared)
            except ValueError:  # a sliding window has forgotten its beginning
                self.forget()
                return 0
            del self._ids[shared:]
        return shared

    def read_prompt(self, prompt: Sequence[int], start: int, cancelled: Callable[[], bool]) -> Tensor | None:
        """Read `prompt` from token `start` on; the logits after its last token, or None where it was cancelled."""
        logits = None
        for begin in range(start, len(prompt), self.slice):
            if cancelled():
                return None
            logits = self._read(prompt[begin : begin + self.slice])
        return logits

    def tokens(self, sampling: Sampling, prompt: Sequence[int], logits: Tensor) -> Iterator[int]:
        """The answer to `prompt`, whose last `logits` [vocabulary] are given: tokens without end.

        A token is read only when the one after it is asked for.
        """
        self._sampler.begin(sampling, prompt)
        while True:
            token = int(self._sampler.choose(logits))
            yield token
            logits = self._read([token])

    def close(self) -> None:
        """Let go of the model and of what was read."""
        self.forget()
        self._parking.clear()
        self.model = None

    def _read(self, ids: Sequence[int]) -> Tensor:
        """Read `ids` after what was read before; the logits [vocabulary] of the last one."""
        torch.set_num_threads(threads_for(self._weights * len(ids)))
        output = self.model(
            input_ids=torch.tensor([ids], device=self._device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._ids.extend(ids)
        logits: Tensor = output.logits[0, -1]
        return logits

    def _exchange(self, prompt: Sequence[int]) -> None:
        """Go on with the conversation that `prompt` belongs to; in the memory of a card there is room for one."""
        if self._device.type != "cpu":
            return
        found = self._parking.exchange((self._ids, self._cache), prompt)
        if found is None:
            self.forget()
        else:
            self._ids, self._cache = found

    def _shorten(self, length: int) -> None:
        self._cache.crop(length - len(self._ids))


def threads_for(work: int) -> int:
    """How many threads a pass of so many weights times tokens gets on the CPU."""
    return 1 if work < SMALL else THREADS
