"""What a machine gives: models of a known shape with random weights, and the speed of reading and decoding.

Speed does not depend on what the weights say, so random ones tell what a download would give.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig

from llamacli.engine.local.decode import Decoder
from llamacli.sampling import Sampling

LLAMA_3_1_8B = LlamaConfig(
    vocab_size=128_256,
    hidden_size=4096,
    intermediate_size=14_336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    max_position_embeddings=131_072,
    rms_norm_eps=1e-5,
    rope_parameters={
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    bos_token_id=128_000,
    eos_token_id=None,
    tie_word_embeddings=False,
)
"""The shape of meta-llama/Llama-3.1-8B-Instruct."""
SETTLED = 16
"""Tokens that are decoded before the clock starts."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds until the first token of a prompt of so many tokens, and tokens per second after it."""

    prompt_tokens: int
    first_token_s: float
    tokens_per_s: float


def synthetic(config: LlamaConfig, device: str, dtype: torch.dtype, quantization: str, seed: int = 0) -> Any:
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
    import bitsandbytes as bnb

    linear: nn.Module = bnb.nn.Linear4bit(
        like.in_features, like.out_features, bias=False, compute_dtype=dtype, compress_statistics=True, quant_type="nf4"
    )
    packed = bnb.nn.Params4bit(weight, requires_grad=False, compress_statistics=True, quant_type="nf4")
    linear.weight = packed.to(device)
    return linear


def copy_bandwidth(device: str, size: int = 1 << 30) -> float:
    """Bytes per second, read and written together, of a copy within the memory of a card."""
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(6):
        started = _now(device)
        target.copy_(source)
        seconds.append(_now(device) - started)
    return 2 * size / min(seconds)


def decode_speed(decoder: Decoder, prompt: Sequence[int], tokens: int, sampling: Sampling) -> Speed:
    """Read a prompt and decode; what was kept of an earlier prompt is read again."""
    device = str(decoder.model.device)
    with torch.inference_mode():
        decoder.rewind([])
        started = _now(device)
        logits = decoder.read_prompt(prompt, 0, lambda: False)
        assert logits is not None
        stream = decoder.tokens(sampling, prompt, logits)
        next(stream)
        first = _now(device) - started
        for _ in islice(stream, SETTLED):
            pass
        started = _now(device)
        for _ in islice(stream, tokens):
            pass
        return Speed(len(prompt), first, tokens / (_now(device) - started))


def generate_speed(model: Any, prompt: Sequence[int], tokens: int, sampling: Sampling) -> Speed:
    """The same by transformers' own `generate`, as most programs call it."""
    device = str(model.device)
    ids = torch.tensor([list(prompt)], device=device)
    arguments = {
        "attention_mask": torch.ones_like(ids),
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "pad_token_id": 0,
    }
    times = []
    for length in (1, 1 + SETTLED, 1 + SETTLED + tokens):
        started = _now(device)
        model.generate(ids, max_new_tokens=length, min_new_tokens=length, **arguments)
        times.append(_now(device) - started)
    return Speed(len(prompt), times[0], tokens / (times[2] - times[1]))


def _now(device: str) -> float:
    """The clock, after the card has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()
