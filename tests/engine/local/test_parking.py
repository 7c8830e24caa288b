"""Conversations that take turns: each goes on where it was, as far as the memory bound allows."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache

from llamacli.complexity import Budget
from llamacli.engine.base import Engine
from llamacli.engine.local import parking
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.parking import Parking
from llamacli.events import Finished, TextDelta
from llamacli.messages import Conversation
from tests.settings import sampling


def turn(engine: Engine, conversation: Conversation) -> tuple[str, Finished]:
    events = list(engine.stream(conversation, sampling(seed=1), Budget(20)))
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1]


@pytest.fixture(params=["local", "static"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


def test_three_conversations_take_turns_and_none_is_read_again(engine: Engine) -> None:
    rules = "be kind and " * 30  # the same beginning for all of them
    talks = [Conversation().with_system(rules).with_prompt(f"{name} " * 60) for name in ("one", "two", "three")]
    talks = [talk.with_answer(turn(engine, talk)[0]).with_prompt("and now") for talk in talks]
    for talk in talks:
        usage = turn(engine, talk)[1].usage
        assert usage.prompt_tokens - usage.cached_tokens < 40


def test_the_text_is_the_same_as_without_the_others(engine: Engine) -> None:
    first = Conversation().with_prompt("which command " * 60)
    second = Conversation().with_prompt("which command " * 40 + "starts a chat " * 30)
    alone = turn(engine, first)[0], turn(engine, second)[0]
    for _ in range(2):
        assert (turn(engine, first)[0], turn(engine, second)[0]) == alone


def cache_of(tokens: int) -> Any:
    cache = DynamicCache()
    cache.update(torch.zeros(1, 1, tokens, 8), torch.zeros(1, 1, tokens, 8), 0)
    return cache


@pytest.mark.parametrize(("limit", "kept"), [(10**9, True), (100 * 64 + 1, False), (0, False)])
def test_the_longest_unused_leaves_when_memory_is_short(limit: int, kept: bool) -> None:
    places = Parking(limit)
    talks = [([number] * 100, cache_of(100)) for number in range(3)]
    current: Any = talks[0]
    for talk in (talks[1], talks[2]):
        assert places.exchange(current, talk[0]) is None
        current = talk
    assert (places.exchange(current, talks[0][0]) is talks[0]) == kept


def test_what_two_conversations_share_is_copied_and_not_taken() -> None:
    places = Parking()
    first = ([1] * 100 + [2] * 100, cache_of(200))
    found = places.exchange(first, [1] * 100 + [3] * 100)
    assert found is not None
    assert found[1] is not first[1]
    found[1].crop(100 - 200)
    assert places.exchange(([1] * 100 + [3] * 100, found[1]), first[0]) is first
    assert first[1].get_seq_length() == 200


@pytest.mark.parametrize(("free", "device"), [(3 << 30, "cuda"), (2 << 30, "cpu")])
def test_what_has_no_room_on_its_card_is_kept_in_main_memory(
    free: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 8 << 30))
    assert parking._place(torch.device("cuda"), 1000).type == device


def test_a_copy_holds_what_was_read_and_no_more(static_engine: Engine) -> None:
    turn(static_engine, Conversation().with_prompt("which command " * 60))
    assert isinstance(static_engine, LocalEngine)
    decoder = static_engine._decoder
    kept_ids, kept = parking.sliced((decoder._ids, decoder._cache))
    assert parking.sliced((kept_ids, kept))[1] is kept
    keys = decoder._cache.layers[0].keys
    assert torch.equal(kept.layers[0].keys, keys[:, :, : len(kept_ids)])
    assert kept.layers[0].keys.untyped_storage().nbytes() < keys.nbytes
    assert kept.layers[0].keys.data_ptr() != keys.data_ptr()


def test_what_is_parked_outlives_a_failure(engine: Engine) -> None:
    first, second = (Conversation().with_prompt(f"{name} " * 60) for name in ("one two", "which command"))
    alone = turn(engine, first)[0], turn(engine, second)[0]
    assert isinstance(engine, LocalEngine)
    engine.run(engine._decoder.forget)
    assert (turn(engine, first)[0], turn(engine, second)[0]) == alone
