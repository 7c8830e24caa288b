"""A cache of keys and values in tensors of fixed size, which captured steps can rely on to stay where they are."""

from typing import Any

from torch import Tensor
from transformers import StaticCache
from transformers.cache_utils import StaticLayer


class _Layer(StaticLayer):
    """Shows attention its first tokens only, where it is told how many; else all, whether they are in use or not."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        # Of each layer, not of the class: compiled code looks where it is.
        self.shown: int | None = None

    def update(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write the new keys and values; what attention reads."""
        keys, values = super().update(*args, **kwargs)
        return keys[:, :, : self.shown], values[:, :, : self.shown]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002 - as its base has it
        """How many tokens attention reads, and from where."""
        return self.shown or self.max_cache_len, 0


def has_static_layers(model: Any) -> bool:
    """Whether each layer of the model can keep keys and values in tensors that never move."""
    return all(type(layer) is StaticLayer for layer in StaticCache(config=model.config, max_cache_len=8).layers)


def new_cache(model: Any, size: int) -> Any:
    """An empty cache with room for `size` tokens."""
    cache: Any = StaticCache(config=model.config, max_cache_len=size)
    cache.layers = [_Layer(size) for _ in cache.layers]
    return cache


def show(cache: Any, count: int | None) -> None:
    """Let attention read the first `count` tokens of a cache, or all of it."""
    for layer in cache.layers:
        layer.shown = count


def set_length(cache: Any, length: int) -> None:
    """Count the first `length` tokens as read, and none after them."""
    for layer in cache.layers:
        layer.cumulative_length.fill_(length)


def lengthen(cache: Any, size: int) -> None:
    """Give every layer room for `size` tokens, one after the other, so that only one is there twice."""
    for layer in cache.layers:
        layer.keys, layer.values = _longer(layer.keys, size), _longer(layer.values, size)
        layer.max_cache_len = size


def _longer(tensor: Tensor, size: int) -> Tensor:
    grown = tensor.new_zeros((*tensor.shape[:2], size, tensor.shape[3]))
    grown[:, :, : tensor.shape[2]] = tensor
    return grown
