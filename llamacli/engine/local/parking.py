"""The keys and values of conversations that are interrupted by others, so that each goes on where it was."""

from collections import deque
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

KEPT_BYTES = 512 * 2**20
"""Of main memory, beside the conversation that is being answered: 10,000 tokens of a small model's, or more."""
KEPT_BYTES_OF_CARDS = 2 * 2**30
"""For models on a card: 16,000 tokens of Llama 3.1 8B's."""
SPARE_BYTES = 2 * 2**30
"""So much of a card's memory stays free; what would take of it is kept in main memory."""
WORTH = 64
"""Tokens that are worth to be kept: fewer are read again as soon as they are found."""

Read = tuple[list[int], Any]
"""Ids that were read, and the cache of their keys and values."""


class Parking:
    """What was read before, the longest unused leaving first when it is more than `limit` bytes.

    A cache is parked as it is, and one that stays parked while it is used is copied. Where caches stay in place and
    are written over, `keep` makes of one what is parked; that is then only read.
    """

    def __init__(self, limit: int = KEPT_BYTES, keep: Callable[[Read], Read] | None = None) -> None:
        self._limit = limit
        self._keep = keep
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
        if shared < WORTH:
            return None
        return best if self._keep else (list(best[0]), deepcopy(best[1]))

    def clear(self) -> None:
        """Keep nothing."""
        self._parked.clear()

    def _park(self, read: Read) -> None:
        if len(read[0]) < WORTH or self._limit == 0:
            return
        self._parked.append(self._keep(read) if self._keep else read)
        while sum(_bytes(cache) for _, cache in self._parked) > self._limit:
            self._parked.popleft()


@dataclass(frozen=True, slots=True)
class _Slice:
    keys: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Slices:
    """A copy of the first tokens of a cache of fixed size."""

    layers: tuple[_Slice, ...]

    def put_back(self, cache: Any, count: int) -> None:
        """Write the first `count` tokens into such a cache again."""
        for layer, kept in zip(cache.layers, self.layers, strict=True):
            layer.keys[:, :, :count].copy_(kept.keys[:, :, :count])
            layer.values[:, :, :count].copy_(kept.values[:, :, :count])


def sliced(read: Read) -> Read:
    """What was read as a copy, on its card where there is room; a copy already is left as it is."""
    ids, cache = read
    if isinstance(cache, Slices):
        return read
    length, first = len(ids), cache.layers[0].keys
    place = _place(first.device, _bytes(cache) * length // first.shape[2])
    layers = (
        _Slice(*(each[:, :, :length].to(place, copy=True) for each in (layer.keys, layer.values)))
        for layer in cache.layers
    )
    return list(ids), Slices(tuple(layers))


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _place(device: torch.device, needed: int) -> torch.device:
    roomy = device.type != "cuda" or torch.cuda.mem_get_info(device)[0] - needed > SPARE_BYTES
    return device if roomy else torch.device("cpu")


def _bytes(cache: Any) -> int:
    tensors = (tensor for layer in cache.layers for tensor in (layer.keys, layer.values) if tensor is not None)
    return sum(tensor.nbytes for tensor in tensors)
