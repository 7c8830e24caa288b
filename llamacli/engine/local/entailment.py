"""The complexity of a prompt, asked of a model of natural language inference such as facebook/bart-large-mnli."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from llamacli.complexity import Level
from llamacli.engine.local.classifier import BatchClassifier, Row, cut
from llamacli.errors import BrokenModel

HYPOTHESES: Mapping[Level, str] = {
    Level.LOW: "A good answer to this takes one or two sentences.",
    Level.MEDIUM: "A good answer to this takes one or two paragraphs.",
    Level.HIGH: "A good answer to this takes one or two pages.",
}
"""What each level says of a prompt: the length that its budget of 100, 250 or 500 tokens allows.

They differ in one word, so that what the model thinks of the rest is the same for all of them and cancels out.
"""


class EntailmentClassifier(BatchClassifier):
    """A `Classifier` that takes the level whose hypothesis a prompt, as the premise, entails most.

    The scores are the softmax over the entailment logits of the hypotheses, as in zero-shot classification by
    entailment (Yin et al. 2019, arXiv 1909.00161). Raises BrokenModel where no label of the model is entailment.
    """

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        super().__init__(model, tokenizer, device, list(HYPOTHESES))
        self._entailment = _entailment(model.config.id2label)
        self._frames = [_frame(tokenizer, hypothesis) for hypothesis in HYPOTHESES.values()]
        positions = min(model.config.max_position_embeddings, tokenizer.model_max_length)
        # The same for all levels, so that they judge the same text.
        self._premise = positions - max(len(before) + len(after) for before, after in self._frames)

    def _rows(self, prompts: Sequence[str]) -> list[list[Row]]:
        # A prompt that says "</s>" means these characters: as a special token it would end the premise.
        read = self._tokenizer(list(prompts), add_special_tokens=False, split_special_tokens=True, verbose=False)
        premises = [cut(ids, self._premise) for ids in read["input_ids"]]
        return [[before + premise + after for before, after in self._frames] for premise in premises]

    def _scores(self, logits: Tensor) -> Tensor:
        return logits[:, self._entailment].reshape(-1, len(self._frames)).softmax(-1)


def _entailment(labels: Mapping[int, str]) -> int:
    """The column of entailment, however the model spells it."""
    for number, label in labels.items():
        if label.lower() == "entailment":
            return number
    raise BrokenModel(
        "This model cannot rate prompts by entailment.",
        reason=f"Its labels are {', '.join(labels.values())}.",
        hint="Use the built-in classifier, or none: --classifier-device none",
    )


def _frame(tokenizer: Any, hypothesis: str) -> tuple[Row, Row]:
    """What the tokenizer puts before and after a premise that has this hypothesis: `<s>` and `</s></s> ... </s>`."""
    pair = tokenizer("premise", hypothesis)
    places = [place for place, part in enumerate(pair.sequence_ids()) if part == 0]
    ids: Row = pair["input_ids"]
    return ids[: places[0]], ids[places[-1] + 1 :]
