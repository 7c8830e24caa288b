"""From logits to the next token, with the definitions of transformers' own processors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from llamacli.sampling import Sampling


class Sampler:
    """Chooses tokens by tensor operations alone, and asks for nothing on the host before the token is known.

    In this order, as `generate` does: repetition penalty over all tokens of prompt and answer, temperature, top-k,
    top-p. Top-k first makes top-p sort a few values and not the vocabulary.
    """

    def __init__(self, vocabulary: int, device: torch.device) -> None:
        self._seen = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        self._penalty, self._temperature, self._top_p = torch.ones(3, 1, device=device)
        self._top_k = torch.zeros(1, dtype=torch.long, device=device)
        self._greedy = torch.zeros(1, dtype=torch.bool, device=device)
        self.generator = torch.Generator(device)
        self.candidates = vocabulary
        """How many of the likeliest tokens are looked at: at least `top_k`."""

    def begin(self, sampling: Sampling, prompt: Sequence[int]) -> None:
        """Prepare for an answer to the `prompt` ids."""
        vocabulary = len(self._seen)
        self._seen.zero_()
        self._seen[torch.tensor(prompt, device=self._seen.device)] = True
        self._penalty.fill_(sampling.repetition_penalty)
        self._temperature.fill_(sampling.temperature or 1)
        self._greedy.fill_(sampling.temperature == 0)
        self._top_p.fill_(sampling.top_p)
        self.candidates = min(sampling.top_k or vocabulary, vocabulary)
        self._top_k.fill_(self.candidates)
        if sampling.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(sampling.seed)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is chosen in this block counts as never chosen."""
        seen, state = self._seen.clone(), self.generator.get_state()
        try:
            yield
        finally:
            self._seen.copy_(seen)
            self.generator.set_state(state)

    def choose(self, logits: Tensor) -> Tensor:
        """The token [1] that follows, from the logits [vocabulary] of the last position; it counts as seen."""
        penalized = self.penalize(logits.float())
        tokens, probabilities = self.shares(penalized)
        # The largest of p / e, with e exponentially distributed, is a token drawn with its probability p.
        noise = torch.empty_like(probabilities).exponential_(generator=self.generator)
        drawn = tokens[(probabilities / noise).argmax(keepdim=True)]
        token = torch.where(self._greedy, penalized.argmax(keepdim=True), drawn)
        self._seen.index_fill_(0, token, True)
        return token

    def penalize(self, logits: Tensor) -> Tensor:
        """Divide the positive and multiply the negative logits of seen tokens by the repetition penalty."""
        damped = torch.where(logits > 0, logits / self._penalty, logits * self._penalty)
        return torch.where(self._seen, damped, logits)

    def shares(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The candidates, likeliest first, and their probabilities up to a common factor; 0 for those cut off."""
        values, tokens = (logits / self._temperature).topk(self.candidates)
        ranks = torch.arange(self.candidates, device=logits.device)
        probabilities = values.masked_fill(ranks >= self._top_k, float("-inf")).softmax(0)
        before = probabilities.cumsum(0) - probabilities
        return tokens, torch.where(before < self._top_p, probabilities, 0)
