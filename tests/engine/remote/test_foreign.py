"""What is particular to servers that nobody here wrote; the rest is in the contract."""

import httpx2
import pytest

from llamacli.complexity import Budget
from llamacli.engine.base import Engine
from llamacli.engine.remote import RemoteEngine
from llamacli.errors import BadUsage, LlamacliError, UnknownModel
from llamacli.events import Event, Finished, FinishReason, LoadEvent, Notice
from llamacli.messages import Conversation
from tests.engine.test_contract import text_of
from tests.settings import sampling

HELLO = Conversation().with_prompt("which command starts a chat")


def remote(engine: Engine) -> RemoteEngine:
    assert isinstance(engine, RemoteEngine)
    return engine


def assert_alike(theirs: list[Event], ours: list[Event]) -> None:
    """Where the budget cuts a character in two, they leave out what is there of it."""
    assert text_of(ours).startswith(text_of(theirs))
    assert len(text_of(ours)) - len(text_of(theirs)) <= 2


@pytest.mark.parametrize("name", ["transformers", "llama_cpp"])
def test_the_sampling_is_taken_as_it_is_meant(name: str, local_engine: Engine, request: pytest.FixtureRequest) -> None:
    """The likeliest tokens, those seen before made unlikelier, are those of our own decoding."""
    opened = remote(request.getfixturevalue(f"{name}_engine"))
    told: list[LoadEvent] = []
    engine = RemoteEngine.at(opened._connection.url, None, opened.info.model, told.append)
    for choices in ({"temperature": 0, "repetition_penalty": 1.5}, {"temperature": 2, "top_k": 1}):
        theirs, ours = (list(each.stream(HELLO, sampling(**choices), Budget(40))) for each in (engine, local_engine))
        assert_alike(theirs, ours)
    engine.close()
    assert [event for event in told if isinstance(event, Notice)] == []


def test_llama_cpp_goes_on_with_an_answer_and_counts_its_tokens(llama_cpp_engine: Engine, local_engine: Engine) -> None:
    greedy = sampling(temperature=0)
    begun = HELLO.with_answer("one two")
    assert llama_cpp_engine.count_tokens(begun) == local_engine.count_tokens(begun)
    theirs, ours = (list(each.stream(begun, greedy, Budget(30))) for each in (llama_cpp_engine, local_engine))
    assert_alike(theirs, ours)
    last = theirs[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.completion_tokens) == (FinishReason.LENGTH, 30)
    assert llama_cpp_engine.info.context_window == 4096


def test_what_transformers_serve_cannot_do_is_one_of_our_errors(transformers_engine: Engine) -> None:
    url = remote(transformers_engine)._connection.url
    with pytest.raises(BadUsage, match="cannot go on"):
        list(transformers_engine.stream(HELLO.with_answer("Type"), sampling(), Budget(5)))
    with pytest.raises(UnknownModel, match="lists no models"):
        RemoteEngine.at(url, None, "auto", lambda _: None)
    other = RemoteEngine.at(url, None, "another/model", lambda _: None)
    with pytest.raises(LlamacliError):
        list(other.stream(HELLO, sampling(), Budget(5)))
    other.close()
    assert httpx2.get(url + "/health", trust_env=False).is_success
