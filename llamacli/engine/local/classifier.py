"""The complexity classifier: how long a good answer to a prompt has to be."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from llamacli.complexity import Classification, Level, from_scores
from llamacli.engine.local.failures import translated
from llamacli.engine.local.hardware import free_memory

TOKENS = 4096
"""In one forward pass at most, padding counted, so that memory stays bounded: about 100 MiB for bart-large."""

Row = list[int]
"""The token ids of one sequence."""


def cut(ids: Row, limit: int) -> Row:
    """At most `limit` ids: the first quarter and the last three quarters, since the question mostly comes last.

    Special tokens at both ends stay.
    """
    if len(ids) <= limit:
        return ids
    head = limit // 4
    return ids[:head] + ids[len(ids) - (limit - head) :]


def batches(lengths: Sequence[int], limit: int = TOKENS) -> Iterator[list[int]]:
    """Places of texts to read together: of similar length, shortest first, at most `limit` tokens when padded.

    A text that is longer than that is read alone.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > limit:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


class BatchClassifier(ABC):
    """What the classifiers over a model of transformers share: they read prompts in batches of similar length.

    `levels` are those of the scores, in their order.
    """

    def __init__(self, model: Any, tokenizer: Any, device: str, levels: Sequence[Level]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._levels = tuple(levels)
        self.device = device

    @abstractmethod
    def _rows(self, prompts: Sequence[str]) -> list[list[Row]]:
        """The sequences that the model reads for each prompt, as many for each."""

    @abstractmethod
    def _scores(self, logits: Tensor) -> Tensor:
        """The probabilities [prompts, levels] from the logits [sequences, labels]."""

    def classify(self, prompts: Sequence[str]) -> list[Classification]:
        """Rate each prompt."""
        if not prompts:
            return []
        rated: dict[int, list[float]] = {}
        with translated(), torch.inference_mode():
            rows = self._rows(prompts)
            for places in batches([sum(map(len, each)) for each in rows]):
                scores = self._scores(self._logits([row for place in places for row in rows[place]]))
                rated.update(zip(places, scores.tolist(), strict=True))
        return [from_scores(dict(zip(self._levels, rated[place], strict=True))) for place in range(len(prompts))]

    def _logits(self, rows: list[Row]) -> Tensor:
        # On the right: models count positions from the first token, so padding before it would move the text.
        padded = self._tokenizer.pad({"input_ids": rows}, padding_side="right", return_tensors="pt")
        logits: Tensor = self._model(**padded.to(self._model.device)).logits
        return logits.float()

    def close(self) -> None:
        """Give back the memory, that of a card too."""
        self._model = None
        free_memory()


class SequenceClassifier(BatchClassifier):
    """A `Classifier` over an encoder of transformers whose labels are the levels."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        labels = model.config.id2label
        super().__init__(model, tokenizer, device, [Level(labels[number].lower()) for number in range(len(Level))])

    def _rows(self, prompts: Sequence[str]) -> list[list[Row]]:
        read = self._tokenizer(list(prompts), verbose=False)["input_ids"]
        return [[cut(ids, self._tokenizer.model_max_length)] for ids in read]

    def _scores(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1)
