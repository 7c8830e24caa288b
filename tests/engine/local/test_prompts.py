"""Prompts by their exact ids: what was read before is taken over, and gives the same as reading all of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacli.engine.local.prompts import PromptEncoder
from llamacli.messages import Conversation
from tests.tiny import tokenizer

WORDS = tokenizer()
TEXTS = st.lists(
    st.sampled_from(["one two", " three ", "안녕", "<|eot_id|>", "<|start_header_id|>", "\n", "🦙"]), min_size=1
)


class Counting:
    """A tokenizer that counts the characters that it encodes."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.characters = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def encode(self, text: str, **options: Any) -> Any:
        self.characters += len(text)
        return self._real.encode(text, **options)


@given(st.lists(TEXTS.map("".join), min_size=2, max_size=7))
def test_a_conversation_turn_by_turn_has_the_ids_of_the_whole(said: list[str]) -> None:
    encoder, conversation = PromptEncoder(WORDS), Conversation()
    for place, text in enumerate(said):
        if place % 2 == 0:
            conversation = conversation.with_prompt(text)
            assert encoder.encode(conversation) == PromptEncoder(WORDS).encode(conversation)
        else:
            conversation = conversation.with_answer(text)
            encoder.remember(conversation, PromptEncoder(WORDS).encode(conversation))


@pytest.mark.parametrize("last", ["and then", "and then <|eot_id|>"])
def test_the_sampled_ids_of_an_answer_stay(last: str) -> None:
    encoder, asked = PromptEncoder(WORDS), Conversation().with_prompt("one")
    letter_by_letter = [WORDS.encode(letter)[0] for letter in "two"]
    sampled = encoder.encode(asked) + letter_by_letter
    encoder.remember(asked.with_answer("two"), sampled)
    assert encoder.encode(asked.with_answer("two").with_prompt(last))[: len(sampled)] == sampled
    assert encoder.encode(asked.with_answer("two")) == sampled


def test_what_was_read_before_is_not_encoded_again() -> None:
    counting = Counting(WORDS)
    encoder, conversation = PromptEncoder(counting), Conversation().with_prompt("one two three " * 500)
    conversation = conversation.with_answer("four")
    encoder.remember(conversation, encoder.encode(conversation))
    counting.characters = 0
    encoder.encode(conversation.with_prompt("and then"))
    assert 0 < counting.characters < 200


def test_a_conversation_of_very_many_messages_takes_no_longer_than_its_text() -> None:
    encoder, began = PromptEncoder(WORDS), Conversation().with_prompt("one").with_answer("two")
    encoder.remember(began, [1, 2, 3])
    message = began.messages[0]
    many = replace(began, messages=(message, began.messages[1]) * 10_000 + (message,))
    assert encoder.encode(many)[:3] == [1, 2, 3]
