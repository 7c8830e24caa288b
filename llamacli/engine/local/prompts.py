"""Conversations as token ids, through the model's own chat template."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from llamacli.errors import BrokenModel
from llamacli.messages import Conversation, Message, Role

_Key = tuple[date, tuple[tuple[Role, str], ...]]


@dataclass(frozen=True, slots=True)
class _Answered:
    """A conversation that ends in an answer: its ids as they were sampled, and as the template has them."""

    sampled: list[int]
    canonical: list[int]


class PromptEncoder:
    """Encodes conversations, with the sampled ids for the answers that this engine gave.

    Text that is encoded again need not give the ids that were sampled, and templates trim it. So the ids of answers
    are remembered, and what the template would have made of them is replaced by them.
    Control tokens within messages are encoded as plain text: only the template may write them.
    """

    def __init__(self, tokenizer: Any, remembered_answers: int = 64) -> None:
        if not tokenizer.chat_template:
            raise BrokenModel(
                "This model has no chat template.",
                reason="It was not made for conversations.",
                hint="Choose its instruction-tuned variant: llamacli ask -m MODEL ...",
            )
        self._tokenizer = tokenizer
        self._limit = remembered_answers
        self._answers: OrderedDict[_Key, _Answered] = OrderedDict()

    def encode(self, conversation: Conversation) -> list[int]:
        """The ids that the model reads, up to where its answer begins, or goes on."""
        ids = self._template(conversation, conversation.messages)
        for length in range(len(conversation.messages), 0, -1):
            known = self._answers.get(_key(conversation, length))
            if known is not None and ids[: len(known.canonical)] == known.canonical:
                return known.sampled + ids[len(known.canonical) :]
        return ids

    def remember(self, conversation: Conversation, ids: list[int]) -> None:
        """Keep the ids of a conversation that ends in an answer, from its beginning to the answer's last token."""
        canonical = self._template(conversation, conversation.messages)
        self._answers[_key(conversation, len(conversation.messages))] = _Answered(ids, canonical)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def _template(self, conversation: Conversation, messages: Sequence[Message]) -> list[int]:
        continues = messages[-1].role is Role.ASSISTANT
        started = conversation.started
        ids: list[int] = self._tokenizer.apply_chat_template(
            [{"role": message.role.value, "content": message.content} for message in messages],
            add_generation_prompt=not continues,
            continue_final_message=continues,
            sanitize_control_tokens=True,
            return_dict=False,
            date_string=started.strftime("%d %b %Y"),
            strftime_now=started.strftime,
        )
        return ids


def _key(conversation: Conversation, length: int) -> _Key:
    return conversation.started, tuple((m.role, m.content) for m in conversation.messages[:length])
