"""Conversations that take turns: each goes on where it was, as far as the memory bound allows."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache

from llamacli.complexity import Budget
from llamacli.engine.base import Engine
from llamacli.engine.local.parking import Parking
from llamacli.events import Finished, TextDelta
from llamacli.messages import Conversation
from tests.settings import sampling


def turn(engine: Engine, conversation: Conversation) -> tuple[str, Finished]:
    events = list(engine.stream(conversation, sampling(seed=1), Budget(20)))
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1]


def test_three_conversations_take_turns_and_none_is_read_again(local_engine: Engine) -> None:
    rules = "be kind and " * 30  # the same beginning for all of them
    talks = [Conversation().with_system(rules).with_prompt(f"{name} " * 60) for name in ("one", "two", "three")]
    talks = [talk.with_answer(turn(local_engine, talk)[0]).with_prompt("and now") for talk in talks]
    for talk in talks:
        usage = turn(local_engine, talk)[1].usage
        assert usage.prompt_tokens - usage.cached_tokens < 40


def test_the_text_is_the_same_as_without_the_others(local_engine: Engine) -> None:
    first = Conversation().with_prompt("which command " * 60)
    second = Conversation().with_prompt("which command " * 40 + "starts a chat " * 30)
    alone = turn(local_engine, first)[0], turn(local_engine, second)[0]
    for _ in range(2):
        assert (turn(local_engine, first)[0], turn(local_engine, second)[0]) == alone


def cache_of(tokens: int) -> Any:
    cache = DynamicCache()
    cache.update(torch.zeros(1, 1, tokens, 8), torch.zeros(1, 1, tokens, 8), 0)
    return cache


@pytest.mark.parametrize(("limit", "kept"), [(10**9, True), (100 * 64 + 1, False), (0, False)])
def test_the_longest_unused_leaves_when_memory_is_short(limit: int, kept: bool) -> None:
    parking = Parking(limit)
    talks = [([number] * 100, cache_of(100)) for number in range(3)]
    current: Any = talks[0]
    for talk in (talks[1], talks[2]):
        assert parking.exchange(current, talk[0]) is None
        current = talk
    assert (parking.exchange(current, talks[0][0]) is talks[0]) == kept


def test_what_two_conversations_share_is_copied_and_not_taken() -> None:
    parking = Parking()
    first = ([1] * 100 + [2] * 100, cache_of(200))
    found = parking.exchange(first, [1] * 100 + [3] * 100)
    assert found is not None
    assert found[1] is not first[1]
    found[1].crop(100 - 200)
    assert parking.exchange(([1] * 100 + [3] * 100, found[1]), first[0]) is first
    assert first[1].get_seq_length() == 200
