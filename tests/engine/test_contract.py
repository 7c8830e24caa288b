"""What every engine promises, run over each of them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from llamacli.complexity import Budget
from llamacli.engine.base import Engine
from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.errors import LlamacliError, PromptTooLong
from llamacli.events import Event, Finished, FinishReason, Reading, TextDelta
from llamacli.messages import Conversation
from tests.settings import sampling

LONG = " ".join(f"word{number}" for number in range(600))
HELLO = Conversation().with_prompt("which command starts a chat? 안녕 🦙")


LOCAL = ["local", "quantized", "static"]
FOREIGN = ["transformers", "llama_cpp", "llama_cpp_python", "vllm"]


CANNOT = {
    ("transformers", "an_answer_is_one_reading_then_text_then_one_finished"): "tells the prompt's tokens in the end",
    ("transformers", "a_conversation_that_does_not_fit_is_refused_with_both_numbers"): "does not look at the window",
    ("transformers", "an_answer_ends_where_the_window_is_full"): "does not look at the window",
    ("llama_cpp_python", "the_budget_is_the_most_tokens_of_an_answer"): "tells no tokens, and some have no text",
    ("llama_cpp_python", "a_budget_that_fails_fails_the_answer"): "tells no tokens, and some have no text",
    ("llama_cpp_python", "closing_the_stream_stops_the_model_and_the_next_answer_is_right"): "goes on by itself",
    ("llama_cpp_python", "a_conversation_that_does_not_fit_is_refused_with_both_numbers"): "breaks off",
    ("llama_cpp_python", "an_answer_ends_where_the_window_is_full"): "does not tell its window",
    ("vllm", "a_conversation_that_does_not_fit_is_refused_with_both_numbers"): "counts no further than its window",
}
"""What a server does not do, whatever its client does."""


@pytest.fixture(params=["scripted", *LOCAL, "remote", "served", *FOREIGN])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if lack := CANNOT.get((request.param, request.node.originalname.removeprefix("test_"))):
        pytest.skip(f"{request.param} {lack}")
    if request.param == "scripted":
        yield ScriptedEngine.saying(LONG)
    else:
        yield request.getfixturevalue(f"{request.param}_engine")


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def threads() -> set[threading.Thread]:
    """Those of this program: not of a server that tests run in this process."""
    return {thread for thread in threading.enumerate() if "process_request_thread" not in thread.name}


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def test_an_answer_is_one_reading_then_text_then_one_finished(engine: Engine) -> None:
    events = list(engine.stream(HELLO, sampling(seed=1), Budget(20)))
    assert isinstance(events[0], Reading)
    assert events[0].prompt_tokens == engine.count_tokens(HELLO)
    assert all(isinstance(event, TextDelta) and event.text for event in events[1:-1])
    assert text_of(events)
    assert finished(events).usage.prompt_tokens == events[0].prompt_tokens


def test_the_budget_is_the_most_tokens_of_an_answer(engine: Engine) -> None:
    events = list(engine.stream(HELLO, sampling(seed=1), Budget(7)))
    assert finished(events).reason is FinishReason.LENGTH
    assert finished(events).usage.completion_tokens == 7


def test_a_promised_budget_is_waited_for_only_at_the_low_one(engine: Engine) -> None:
    decided: Future[int] = Future()
    stream = engine.stream(HELLO, sampling(seed=1), Budget(5, decided))
    assert next(event for event in stream if isinstance(event, TextDelta)).tokens < 5
    threading.Timer(0.1, decided.set_result, [12]).start()
    assert finished(list(stream)).usage.completion_tokens == 12


def test_the_decision_about_the_budget_has_begun_when_the_answer_does(engine: Engine) -> None:
    begun = threading.Event()
    stream = engine.stream(HELLO, sampling(seed=1), Budget(5, begin=begun.set))
    assert not begun.is_set()
    while not isinstance(next(stream), TextDelta):
        pass
    assert begun.is_set()
    stream.close()


def test_a_budget_that_fails_fails_the_answer(engine: Engine) -> None:
    decided: Future[int] = Future()
    decided.set_exception(LlamacliError("the classifier broke"))
    with pytest.raises(LlamacliError, match="the classifier broke"):
        list(engine.stream(HELLO, sampling(seed=1), Budget(5, decided)))
    assert finished(list(engine.stream(HELLO, sampling(seed=1), Budget(5)))).usage.completion_tokens == 5


def test_the_same_seed_gives_the_same_text_and_another_seed_another(engine: Engine) -> None:
    def said(seed: int) -> str:
        return text_of(list(engine.stream(HELLO, sampling(seed=seed, temperature=1.5), Budget(30))))

    assert said(1) == said(1)
    if not isinstance(engine, ScriptedEngine):
        assert said(1) != said(2)


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(engine: Engine) -> None:
    whole = text_of(list(engine.stream(HELLO, sampling(seed=3), Budget(40))))
    middle = len(whole) // 2
    stop = whole[middle : middle + 3]
    events = list(engine.stream(HELLO, sampling(seed=3, stop=[stop]), Budget(40)))
    assert text_of(events) == whole[: whole.find(stop)]
    assert finished(events).reason is FinishReason.STOP


def test_closing_the_stream_stops_the_model_and_the_next_answer_is_right(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    whole = text_of(list(engine.stream(HELLO, sampling(seed=4), Budget(30))))
    before = threads()
    stream = engine.stream(HELLO, sampling(seed=4), Budget(100_000))
    for _ in range(3):
        next(stream)
    stream.close()
    assert threads() == before
    if isinstance(engine, ScriptedEngine):
        assert engine.sampled == 30 + 2
    tries = 5 if request.node.callspec.params["engine"] == "transformers" else 1  # which hears of it a little later
    assert whole in (text_of(list(engine.stream(HELLO, sampling(seed=4), Budget(30)))) for _ in range(tries))


def test_a_conversation_that_does_not_fit_is_refused_with_both_numbers(engine: Engine) -> None:
    given = Conversation().with_prompt("word " * 6000)
    with pytest.raises(PromptTooLong, match=rf"{engine.count_tokens(given):,} tokens given, .* fit"):
        list(engine.stream(given, sampling(), Budget(5)))


def test_an_answer_ends_where_the_window_is_full(engine: Engine) -> None:
    few, many = (engine.count_tokens(Conversation().with_prompt("word " * words)) for words in (5, 105))
    words = 5 + int(100 * (engine.info.context_window - 120 - few) / (many - few))
    filler = Conversation().with_prompt("word " * words)
    room = engine.info.context_window - engine.count_tokens(filler)
    assert 100 <= room <= 130
    events = list(engine.stream(filler, sampling(temperature=0, repetition_penalty=2), Budget(100_000)))
    assert finished(events).reason is FinishReason.LENGTH
    assert finished(events).usage.completion_tokens == room


def test_an_answer_that_fails_midway_raises_our_error_and_the_engine_lives(
    failing: Callable[[], tuple[Engine, type[LlamacliError]]],
) -> None:
    engine, expected = failing()
    stream = engine.stream(HELLO, sampling(seed=1), Budget(20))
    with pytest.raises(expected):
        list(stream)
    assert text_of(list(engine.stream(HELLO, sampling(seed=1), Budget(5))))


@pytest.fixture(params=["scripted", *LOCAL, "remote"])
def failing(request: pytest.FixtureRequest) -> Callable[[], tuple[Engine, type[LlamacliError]]]:
    """An engine whose next answer fails in the middle."""
    if request.param == "scripted":
        fault = Reply("one two three", fault=LlamacliError("broken"), fault_after=2)
        return lambda: (ScriptedEngine.saying(fault, LONG), LlamacliError)
    if request.param == "remote":
        at_the_server = request.getfixturevalue("local_engine")
        return lambda: (request.getfixturevalue("remote_engine"), _failing_once(at_the_server)[1])
    return lambda: _failing_once(request.getfixturevalue(f"{request.param}_engine"))


def _failing_once(engine: Engine) -> tuple[Engine, type[LlamacliError]]:
    from llamacli.engine.local.generation import LocalEngine
    from llamacli.errors import OutOfMemory

    assert isinstance(engine, LocalEngine)
    calls = 0

    def fail_at_the_third(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            handle.remove()
            raise MemoryError

    handle = engine._decoder.model.model.rotary_emb.register_forward_pre_hook(fail_at_the_third)
    return engine, OutOfMemory
