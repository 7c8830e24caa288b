"""Models with random weights, quantized as real ones are: for measuring, and for trying out a card."""

from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig


def random_model(config: PretrainedConfig, device: str, dtype: torch.dtype, quantization: str, seed: int = 0) -> Any:
    """A causal model of this shape with random weights, quantized layer by layer: it never takes more than it keeps."""
    torch.manual_seed(seed)
    with init_empty_weights(include_buffers=False):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                made = _random_linear(child, device, dtype, quantization if name != "lm_head" else "none")
                setattr(parent, name, made)
    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.is_meta:
                value = torch.randn(weight.shape, device=device, dtype=dtype) if weight.dim() > 1 else None
                filled = torch.ones(weight.shape, device=device, dtype=dtype) if value is None else value * 0.02
                setattr(module, name, nn.Parameter(filled, requires_grad=False))
    return model.to(device).eval()


def _random_linear(like: nn.Linear, device: str, dtype: torch.dtype, quantization: str) -> nn.Module:
    weight = torch.randn((like.out_features, like.in_features), device=device, dtype=dtype) * 0.02
    if quantization == "none":
        plain = nn.Linear(like.in_features, like.out_features, bias=False, device="meta")
        plain.weight = nn.Parameter(weight, requires_grad=False)
        return plain
    from bitsandbytes.nn.modules import Linear4bit, Params4bit

    linear: Any = Linear4bit(  # type: ignore[no-untyped-call]
        like.in_features,
        like.out_features,
        bias=False,
        compute_dtype=dtype,
        compress_statistics=True,
        quant_type="nf4",
        device="meta",  # else it would first draw random weights on the CPU, for most of a minute
    )
    packed = Params4bit(weight, requires_grad=False, compress_statistics=True, quant_type="nf4")
    linear.weight = packed.to(device)  # type: ignore[misc]
    made: nn.Module = linear
    return made
