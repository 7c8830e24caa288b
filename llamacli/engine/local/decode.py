"""The forward passes of one answer: read the prompt in slices, then one token at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

SLICE = 512
"""Prompt tokens per forward pass: a stop is felt between two of them."""


THREADS = torch.get_num_threads()
"""Threads of this machine, asked at the start: threads that are made after a change inherit it."""
SMALL = 50_000_000
"""Weights times tokens of a pass that one thread does best on the CPU.

Measured with 9 million weights on two cores: 195 tokens per second with one thread and 220 with two; but 20 with two
where another program keeps a core busy, because the threads then wait for each other.
"""


class KeptCache:
    """Keys and values of the tokens read so far, kept from turn to turn by their exact ids."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._weights = model.num_parameters()
        self.forget()

    def forget(self) -> None:
        """Throw everything away: after an exception the layers may be of unequal length."""
        self._ids: list[int] = []
        self._cache = DynamicCache(config=self._model.config)

    def rewind(self, prompt: Sequence[int]) -> int:
        """Keep the longest beginning that `prompt` shares, but never all of it; returns its length in tokens.

        The last prompt token is always read again, since its logits choose the first token of the answer.
        """
        shared = _shared_length(self._ids, prompt[:-1])
        if shared < len(self._ids):
            try:
                self._cache.crop(shared - len(self._ids))
            except ValueError:  # a sliding window has forgotten its beginning
                self.forget()
                return 0
            del self._ids[shared:]
        return shared

    def read(self, ids: Sequence[int]) -> Tensor:
        """Read `ids` after what was read before; the logits [vocabulary] of the last one."""
        torch.set_num_threads(threads_for(self._weights * len(ids)))
        tokens = torch.tensor([ids], device=self._model.device)
        output = self._model(
            input_ids=tokens, past_key_values=self._cache, use_cache=True, logits_to_keep=1, return_dict=True
        )
        self._ids.extend(ids)
        logits: Tensor = output.logits[0, -1]
        return logits

    def read_prompt(self, prompt: Sequence[int], start: int, cancelled: Callable[[], bool]) -> Tensor | None:
        """Read `prompt` from token `start` on; the logits after its last token, or None where it was cancelled."""
        logits = None
        for begin in range(start, len(prompt), SLICE):
            if cancelled():
                return None
            logits = self.read(prompt[begin : begin + SLICE])
        return logits


def threads_for(work: int) -> int:
    """How many threads a pass of so many weights times tokens gets on the CPU."""
    return 1 if work < SMALL else THREADS


def _shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))
