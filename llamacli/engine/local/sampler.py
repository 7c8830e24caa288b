"""From logits to the next token, with the definitions of transformers' own processors."""

from collections.abc import Sequence

import torch
from torch import Tensor

from llamacli.sampling import Sampling


class Sampler:
    """Chooses the tokens of one answer.

    In this order, as `generate` does: repetition penalty over all tokens of prompt and answer, temperature, top-k,
    top-p.
    Top-k first makes top-p sort 51 values and not the vocabulary.
    """

    def __init__(self, sampling: Sampling, prompt: Sequence[int], vocabulary: int, device: torch.device) -> None:
        self._sampling = sampling
        self._seen = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        self._seen[torch.tensor(prompt, device=device)] = True
        self._random = torch.Generator(device)
        if sampling.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(sampling.seed)

    def next(self, logits: Tensor) -> int:
        """The token that follows, from the logits [vocabulary] of the last position."""
        penalized = self._penalize(logits.float())
        if self._sampling.temperature == 0:
            token = penalized.argmax()
        else:
            tokens, probabilities = self._candidates(penalized)
            token = tokens[torch.multinomial(probabilities, 1, generator=self._random)[0]]
        self._seen[token] = True
        return int(token)

    def _penalize(self, logits: Tensor) -> Tensor:
        penalty = self._sampling.repetition_penalty
        if penalty == 1:
            return logits
        return torch.where(self._seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)

    def _candidates(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens that may follow, likeliest first, and their probabilities (which need not sum to 1)."""
        limit = self._sampling.top_k or len(logits)
        values, tokens = (logits / self._sampling.temperature).topk(min(limit, len(logits)))
        probabilities = values.softmax(0)
        before = probabilities.cumsum(0) - probabilities
        return tokens, torch.where(before < self._sampling.top_p, probabilities, 0)
