"""The keys and values of conversations that are interrupted by others, so that each goes on where it was."""

from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

KEPT_BYTES = 512 * 2**20
"""Of main memory, beside the conversation that is being answered: 10,000 tokens of a small model's, or more."""
WORTH = 64
"""Tokens that are worth to be kept: fewer are read again as soon as they are found."""

Read = tuple[list[int], Any]
"""Ids that were read, and the cache of their keys and values."""


class Parking:
    """What was read before, the longest unused leaving first when it is more than `limit` bytes."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._parked: deque[Read] = deque()

    def exchange(self, current: Read, prompt: Sequence[int]) -> Read | None:
        """What to go on with: that which shares most of its beginning with `prompt`; None is from nothing.

        Of the one that is given back, only what it shares may be kept; whatever else is worth it stays parked.
        """
        best = max((current, *self._parked), key=lambda read: shared_length(read[0], prompt))
        shared = shared_length(best[0], prompt)
        if best is not current:
            self._parked = deque(read for read in self._parked if read is not best)
            self._park(current)
        if len(best[0]) - shared < WORTH:
            return best
        self._park(best)  # another conversation, with the same beginning
        return (list(best[0]), deepcopy(best[1])) if shared >= WORTH else None

    def clear(self) -> None:
        """Keep nothing."""
        self._parked.clear()

    def _park(self, read: Read) -> None:
        if len(read[0]) < WORTH or self._limit == 0:
            return
        self._parked.append(read)
        while sum(_bytes(cache) for _, cache in self._parked) > self._limit:
            self._parked.popleft()


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _bytes(cache: Any) -> int:
    tensors = (tensor for layer in cache.layers for tensor in (layer.keys, layer.values) if tensor is not None)
    return sum(tensor.nbytes for tensor in tensors)
