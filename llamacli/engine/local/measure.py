"""The instruments of a benchmark: memory, its bandwidth, and transformers' own `generate` to compare with."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from llamacli.engine.base import Engine, Speed
from llamacli.engine.local.failures import translated
from llamacli.engine.local.generation import LocalEngine
from llamacli.sampling import Sampling

SETTLED = 16
"""Tokens that are decoded before the clock starts."""


class LocalInstruments:
    """`Instruments` for a local engine."""

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine, LocalEngine):
            raise TypeError("only an engine in this process can be measured")
        self._engine = engine
        self._model = engine.model
        self._device = str(self._model.device)

    def copy_bytes_per_s(self) -> float:
        """See `Instruments`."""
        return copy_bandwidth(self._device)

    def weight_bytes(self) -> int:
        """All weights but the embeddings, of which a token reads one row; with their scales."""
        embeddings = self._model.get_input_embeddings().weight
        tied = embeddings is self._model.get_output_embeddings().weight
        return int(self._model.get_memory_footprint()) - (0 if tied else embeddings.nbytes)

    def peak_bytes(self) -> Mapping[str, int]:
        """See `Instruments`; only cards that something ran on."""
        cards = range(torch.cuda.device_count()) if torch.cuda.is_available() else range(0)
        peaks = {f"cuda:{card}": torch.cuda.max_memory_allocated(card) for card in cards}
        return {name: peak for name, peak in peaks.items() if peak}

    def shift_up(self) -> bool:
        """See `Instruments`."""
        return self._engine.shift_up()

    def generate(self, prompt_tokens: int, tokens: int, sampling: Sampling) -> Speed:
        """See `Instruments`; in the thread that owns the model."""
        prompt = torch.randint(5, 1000, (prompt_tokens,)).tolist()
        with translated():
            return self._engine.run(lambda: generate_speed(self._model, prompt, tokens, sampling))


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
