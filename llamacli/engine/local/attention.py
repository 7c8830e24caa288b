"""Attention of a step, which reads keys and values where they are, without a copy of them for every query head."""

from typing import Any

import torch
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import AttentionInterface

SPECIAL = ("softcap", "position_bias", "cache")
"""Arguments that ask for more than is done here."""


def read_grouped_heads() -> None:
    """Let models that ask transformers for `sdpa` get `grouped_attention`.

    Its own setting for this, TRANSFORMERS_SDPA_FORCE_GQA, counts for the whole process. A prompt that one thread reads
    while another compiles a step would see it, and with a mask and many queries it makes torch choose a kernel that
    needs memory for all pairs of tokens. Models with an `sdpa` of their own keep it.
    """
    AttentionInterface.register("sdpa", grouped_attention)


def grouped_attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """As transformers' own, but one token, with a mask, reads grouped heads as they are."""
    grouped = query.shape[1] != key.shape[1]
    special = any(options.get(name) is not None for name in SPECIAL)
    if query.shape[2] != 1 or attention_mask is None or not grouped or special:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    read = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, scale=options.get("scaling"), enable_gqa=True
    )
    return read.transpose(1, 2).contiguous(), None
