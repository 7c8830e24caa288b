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
    """A conversation that ends in an answer: its ids as they were sampled, and its text by the template."""

    sampled: list[int]
    text: str


class PromptEncoder:
    """Encodes conversations, with the sampled ids for the answers that this engine gave.

    Text that is encoded again need not give the ids that were sampled, and templates trim it. So the ids of answers
    are remembered, and what the template would have made of them is replaced by them. What was read before is not
    encoded again: 8,000 tokens of it would take longer than to read a new prompt on a card.
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
        self._marks = tuple(tokenizer.added_tokens_encoder)
        self._answers: OrderedDict[_Key, _Answered] = OrderedDict()

    def encode(self, conversation: Conversation) -> list[int]:
        """The ids that the model reads, up to where its answer begins, or goes on."""
        lengths = {len(messages) for _, messages in self._answers}  # a few, however many messages there are
        for length in sorted((each for each in lengths if each <= len(conversation.messages)), reverse=True):
            known = self._answers.get(_key(conversation, length))
            if known is not None:
                rest = self._encode_after(known, conversation, length)
                if rest is not None:
                    return known.sampled + rest
        return self._template(conversation, conversation.messages)

    def _encode_after(self, known: _Answered, conversation: Conversation, length: int) -> list[int] | None:
        """The ids after the first `length` messages, which are known; None where they do not stand apart."""
        text = self._text(conversation, conversation.messages)
        new = conversation.messages[length:]
        if text.startswith(known.text) and not any(mark in each.content for each in new for mark in self._marks):
            rest = text[len(known.text) :]
            if not rest or rest.startswith(self._marks):  # nothing joins what is before and what is after a mark
                return list(self._tokenizer.encode(rest, add_special_tokens=False)) if rest else []
        ids = self._template(conversation, conversation.messages)
        canonical = self._template(conversation, conversation.messages[:length])
        return ids[len(canonical) :] if ids[: len(canonical)] == canonical else None

    def remember(self, conversation: Conversation, ids: list[int]) -> None:
        """Keep the ids of a conversation that ends in an answer, from its beginning to the answer's last token."""
        text = self._text(conversation, conversation.messages)
        self._answers[_key(conversation, len(conversation.messages))] = _Answered(ids, text)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def _template(self, conversation: Conversation, messages: Sequence[Message]) -> list[int]:
        ids: list[int] = self._applied(
            conversation, messages, sanitize_control_tokens=True, tokenize=True, return_dict=False
        )
        return ids

    def _text(self, conversation: Conversation, messages: Sequence[Message]) -> str:
        text: str = self._applied(conversation, messages, tokenize=False)
        return text

    def _applied(self, conversation: Conversation, messages: Sequence[Message], **how: bool) -> Any:
        continues = messages[-1].role is Role.ASSISTANT
        started = conversation.started
        return self._tokenizer.apply_chat_template(
            [{"role": message.role.value, "content": message.content} for message in messages],
            add_generation_prompt=not continues,
            continue_final_message=continues,
            date_string=started.strftime("%d %b %Y"),
            strftime_now=started.strftime,
            **how,
        )


def _key(conversation: Conversation, length: int) -> _Key:
    return conversation.started, tuple((m.role, m.content) for m in conversation.messages[:length])
