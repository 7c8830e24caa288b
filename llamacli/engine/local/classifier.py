"""The complexity classifier: how long a good answer to a prompt has to be."""

from collections.abc import Sequence
from typing import Any

import torch

from llamacli.complexity import Classification, Level, from_scores
from llamacli.engine.local.failures import translated
from llamacli.engine.local.hardware import free_memory

BATCH = 64
"""Prompts in one forward pass at most, so that memory stays bounded."""


def cut(ids: list[int], limit: int) -> list[int]:
    """At most `limit` ids: the first quarter and the last three quarters, since the question mostly comes last.

    Special tokens at both ends stay.
    """
    if len(ids) <= limit:
        return ids
    head = limit // 4
    return ids[:head] + ids[len(ids) - (limit - head) :]


class SequenceClassifier:
    """A `Classifier` over an encoder of transformers whose labels are the levels."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._levels = [Level(model.config.id2label[number].lower()) for number in range(len(Level))]
        self.device = device

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """Rate each prompt; they are read in batches of similar length."""
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        rated: dict[int, Classification] = {}
        with translated(), torch.inference_mode():
            for begin in range(0, len(by_length), BATCH):
                places = by_length[begin : begin + BATCH]
                rated.update(zip(places, self._batch([prompts[place] for place in places]), strict=True))
        return [rated[place] for place in range(len(prompts))]

    def _batch(self, prompts: Sequence[str]) -> list[Classification]:
        inputs = self._encode(prompts)
        probabilities = self._model(**inputs).logits.float().softmax(-1).tolist()
        return [from_scores(dict(zip(self._levels, row, strict=True))) for row in probabilities]

    def _encode(self, prompts: Sequence[str]) -> Any:
        read = self._tokenizer(list(prompts), verbose=False)["input_ids"]
        limit = self._tokenizer.model_max_length
        padded = self._tokenizer.pad({"input_ids": [cut(ids, limit) for ids in read]}, return_tensors="pt")
        return padded.to(self._model.device)

    def close(self) -> None:
        """Give back the memory."""
        self._model = None
        free_memory()
