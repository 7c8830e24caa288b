"""Servers that misbehave in every way of the table, and what a person sees of it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from datetime import date
from typing import Any

import pytest

from llamacli.chat import ChatSession
from llamacli.complexity import Budget
from llamacli.engine.remote import RemoteEngine
from llamacli.engine.remote.connection import Patience
from llamacli.engine.scripted import ScriptedEngine, scripted_models
from llamacli.errors import (
    BadToken,
    BadUsage,
    EngineFailed,
    LlamacliError,
    OutOfMemory,
    PromptTooLong,
    UnknownModel,
)
from llamacli.events import Event, Finished, FinishReason, LoadEvent, Notice, Reading, TextDelta
from llamacli.messages import Conversation
from tests.engine.remote.servers import EngineServer, Exchange, Respond, answering, listing, serving
from tests.settings import sampling, settings

HASTY = Patience(connect_s=1, first_token_s=0.4, between_s=0.2, ending_s=0.1, answer_s=1, pause_s=0.01)
HELLO = Conversation().with_prompt("hello")
OPEN: list[RemoteEngine] = []


@pytest.fixture(autouse=True)
def _closed_in_the_end() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Person:
    """Somebody who asks a server, and what they were told."""

    def __init__(self, url: str, model: str = "auto", key: str | None = None, patience: Patience = HASTY) -> None:
        self.told: list[LoadEvent] = []
        self.engine = RemoteEngine.at(url, key, model, self.told.append, patience)
        OPEN.append(self.engine)

    def ask(self, budget: Budget | int = 50, **choices: Any) -> list[Event]:
        chosen = budget if isinstance(budget, Budget) else Budget(budget)
        return list(self.engine.stream(HELLO, sampling(**choices), chosen))

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Notice)]


def asked(respond: Respond, budget: Budget | int = 50, **choices: Any) -> list[Event]:
    with serving(respond) as server:
        return Person(server.url).ask(budget, **choices)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def end(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def streaming(*steps: Callable[[Exchange], None]) -> Respond:
    def respond(exchange: Exchange, body: Any) -> None:
        exchange.begin()
        for step in steps:
            step(exchange)

    return answering(respond)


def says(text: str, **more: Any) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.text(text, **more)


def finishes(reason: str = "stop", **more: Any) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.text(None, reason, **more)


def sends(data: bytes) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.send(data)


def waits(seconds: float) -> Callable[[Exchange], None]:
    return lambda exchange: time.sleep(seconds)


USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}


def test_no_done_at_the_end() -> None:
    events = asked(streaming(says("one"), says(" two"), finishes(), Exchange.end))
    assert text_of(events) == "one two"
    assert end(events).reason is FinishReason.STOP


def test_done_without_a_reason_ends_the_answer() -> None:
    events = asked(streaming(says("one"), sends(b"data: [DONE]\n\n"), Exchange.end))
    assert (text_of(events), end(events).reason) == ("one", FinishReason.STOP)


def test_a_server_that_leaves_the_stream_open_after_the_end_is_not_waited_for() -> None:
    started = time.perf_counter()
    assert text_of(asked(streaming(says("one"), finishes(), waits(2)))) == "one"
    assert time.perf_counter() - started < 1.5 + 1  # the server's thread sleeps on while it is shut down


@pytest.mark.parametrize(
    "ending",
    [
        [finishes(usage=USAGE)],
        [finishes(), lambda exchange: exchange.event({"choices": [], "usage": USAGE})],
        [finishes(), lambda exchange: exchange.event({"choices": None, "usage": USAGE})],
    ],
)
def test_usage_comes_in_the_finish_chunk_or_in_one_of_its_own(ending: list[Callable[[Exchange], None]]) -> None:
    usage = end(asked(streaming(says("one"), says(" two"), *ending, Exchange.end))).usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (9, 4, 2)


def test_without_usage_chunks_are_counted_and_the_prompt_is_estimated() -> None:
    events = asked(streaming(says(""), says("one"), says(" two"), finishes("length", usage=None), Exchange.end))
    assert isinstance(events[0], Reading)
    assert end(events).usage.completion_tokens == 2
    assert end(events).usage.prompt_tokens == events[0].prompt_tokens > 0
    assert end(events).reason is FinishReason.LENGTH


def test_a_whole_answer_in_place_of_a_stream() -> None:
    whole = {"choices": [{"message": {"content": "all of it"}, "finish_reason": "stop"}], "usage": USAGE}
    events = asked(answering(lambda exchange, body: exchange.json(whole)))
    assert text_of(events) == "all of it"
    assert end(events).usage.completion_tokens == 2


def test_characters_and_lines_that_are_cut_between_packets() -> None:
    data = 'data: {"choices": [{"delta": {"content": "안녕 🦙"}, "finish_reason": "stop"}]}\r\n\r\n'.encode()
    pieces = [sends(data[place : place + 1]) for place in range(len(data))]
    comment = sends(b": keep-alive\n\nevent: message\n")
    assert text_of(asked(streaming(comment, *pieces, Exchange.end))) == "안녕 🦙"


@pytest.mark.parametrize(
    "line",
    [
        b'data: {"error": {"message": "the card fell out", "code": 500}}\n\n',
        b'data: {"error": "the card fell out"}\n\n',
        b'data: {"detail": "the card fell out"}\n\n',
        b'data: {"error": "the card "fell out"}\n\n',  # transformers serve quotes nothing
        b'data: [1, "the card fell out"]\n\n',
    ],
)
def test_an_error_amid_the_stream_keeps_what_came_and_says_so(line: bytes) -> None:
    with serving(streaming(says("one"), says(" two"), sends(line), Exchange.end)) as server:
        chat = ChatSession.of(scripted_models(Person(server.url).engine, None), settings(complexity="low"))
        with pytest.raises(EngineFailed) as failed:
            list(chat.ask("hello"))
    assert "fell out" in failed.value.reason
    assert chat.conversation.messages[-1].content == "one two"
    assert chat.conversation.messages[-1].stopped


def test_an_error_of_our_own_server_amid_the_stream_is_that_error() -> None:
    line = b'data: {"error": {"message": "No memory.", "code": "out_of_memory", "reason": "Why.", "hint": "-n 5"}}\n\n'
    with pytest.raises(OutOfMemory) as failed:
        asked(streaming(says("one"), sends(line), Exchange.end))
    assert (failed.value.message, failed.value.reason, failed.value.hint) == ("No memory.", "Why.", "-n 5")


@pytest.mark.parametrize("leave", [Exchange.drop, Exchange.end])
def test_a_connection_that_is_dropped_keeps_what_came_and_says_so(leave: Callable[[Exchange], None]) -> None:
    with serving(streaming(says("one"), leave)) as server:
        stream = Person(server.url).engine.stream(HELLO, sampling(), Budget(50))
        kept: list[Event] = []
        with pytest.raises(EngineFailed, match="broke off"):
            kept.extend(stream)
        assert len(server.asked) == 1, "nothing is asked again once an answer has begun"
    assert text_of(kept) == "one"


def test_a_server_that_falls_silent_before_the_first_token() -> None:
    with pytest.raises(EngineFailed, match=r"said nothing for 0\.4 s"):
        asked(streaming(waits(1)))
    with pytest.raises(EngineFailed, match=r"said nothing for 0\.4 s"):
        asked(answering(lambda exchange, body: time.sleep(1)))


def test_a_server_that_falls_silent_between_two_tokens() -> None:
    comments = [sends(b": still here\n\n"), waits(0.1)] * 6
    with pytest.raises(EngineFailed, match=r"said nothing for 0\.2 s"):
        asked(streaming(says("one"), *comments))


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EngineFailed, match="cannot be reached"):
        Person(f"http://127.0.0.1:{port}")


def refusing(status: int, value: Any, times: int = 1000, headers: Mapping[str, str] | None = None) -> Respond:
    left = iter(range(times))

    def respond(exchange: Exchange, body: Any) -> None:
        if next(left, None) is not None:
            exchange.json(value, status, headers)
        else:
            exchange.begin()
            exchange.text("at last", "stop")
            exchange.end()

    return answering(respond)


def test_a_busy_server_is_asked_again() -> None:
    with serving(refusing(503, {"detail": "loading"}, times=2)) as server:
        assert text_of(Person(server.url).ask()) == "at last"
        assert len(server.asked) == 3


def test_a_server_that_stays_busy_or_asks_for_long_patience_is_given_up() -> None:
    with serving(refusing(429, {"error": "slow down"})) as server:
        with pytest.raises(EngineFailed, match="busy") as failed:
            Person(server.url).ask()
        assert len(server.asked) == 3
    assert failed.value.reason == "slow down"
    with serving(refusing(503, {}, headers={"Retry-After": "3600"})) as server:
        with pytest.raises(EngineFailed, match="busy"):
            Person(server.url).ask()
        assert len(server.asked) == 1


def test_a_connection_that_is_dropped_before_the_answer_is_made_anew() -> None:
    drops = iter([True, True, False])

    def respond(exchange: Exchange, body: Any) -> None:
        if next(drops):
            exchange.drop()
        else:
            exchange.begin()
            exchange.text("at last", "stop")
            exchange.end()

    assert text_of(asked(answering(respond))) == "at last"


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (401, {"error": {"message": "no such key"}}, BadToken),
        (403, {"detail": "no such key"}, BadToken),
        (404, {"error": {"message": "no such key", "code": "anything"}}, UnknownModel),
        (400, {"message": "no such key"}, BadUsage),
        (422, {"detail": [{"loc": ["body"], "msg": "no such key"}]}, BadUsage),
        (413, b"no such key", PromptTooLong),
        (500, b"<html>no such key</html>", EngineFailed),
        (302, {"error": "no such key"}, EngineFailed),
    ],
)
def test_a_refusal_has_one_of_our_errors_and_the_server_s_words(
    status: int, value: Any, kind: type[LlamacliError]
) -> None:
    with pytest.raises(kind) as failed:
        asked(refusing(status, value))
    assert "no such key" in failed.value.reason
    assert type(failed.value) is kind


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "the request exceeds the available context size",
        "Input is too long",
    ],
)
def test_a_prompt_that_does_not_fit_is_too_long(words: str) -> None:
    with pytest.raises(PromptTooLong) as failed:
        asked(refusing(400, {"error": {"message": words}}))
    assert failed.value.reason == words


def strict(allowed: set[str], status: int, *, named: bool) -> Respond:
    """Refuses a body with other fields, by their names or by whatever words."""

    def respond(exchange: Exchange, body: Any) -> None:
        unexpected = set(body) - allowed
        if unexpected:
            words = f"cannot take {unexpected}" if named else "bad request"
            exchange.json({"detail": words}, status)
        else:
            exchange.begin()
            exchange.text("taken", "stop")
            exchange.end()

    return answering(respond)


OPENAI = {"model", "messages", "stream", "temperature", "top_p", "max_tokens", "seed", "stop", "stream_options"}


@pytest.mark.parametrize(("status", "named"), [(422, True), (400, True), (400, False), (422, False)])
def test_refused_fields_are_left_out_with_one_notice(status: int, named: bool) -> None:
    allowed = OPENAI if named else OPENAI - {"stream_options"}
    with serving(strict(allowed, status, named=named)) as server:
        person = Person(server.url)
        assert text_of(person.ask(seed=3)) == text_of(person.ask(seed=3)) == "taken"
        assert len(server.asked) == 3, "the second question leaves them out at once"
        assert server.asked[-1]["seed"] == 3
    assert person.notices == ["The server does not take top_k and repetition_penalty: its own choice counts."]


def test_a_server_that_is_known_by_its_refusal_is_asked_in_its_own_way() -> None:
    def respond(exchange: Exchange, body: Any) -> None:
        if unexpected := {"top_k", "repetition_penalty"} & set(body):
            exchange.json({"detail": f"Unexpected fields in the request: {unexpected}"}, 422)
        else:
            exchange.begin()
            exchange.text(body["generation_config"], "stop")
            exchange.end()

    with serving(answering(respond)) as server:
        person = Person(server.url)
        taken = [json.loads(text_of(person.ask(temperature=temperature))) for temperature in (0.5, 0)]
        assert len(server.asked) == 3
    assert taken[0] == {"do_sample": True, "top_k": 51, "repetition_penalty": 1.21}
    assert not taken[1]["do_sample"]
    assert person.notices == []


def test_more_tokens_than_the_server_has_room_for_are_asked_for_without_a_number() -> None:
    def respond(exchange: Exchange, body: Any) -> None:
        if "max_tokens" in body:
            words = "max_tokens=900 cannot be greater than the context length"
            exchange.json({"error": {"message": words}}, 400)
        else:
            exchange.begin()
            exchange.text("taken", "length")
            exchange.end()

    with serving(answering(respond)) as server:
        person = Person(server.url)
        assert end(person.ask(900)).reason is FinishReason.LENGTH
        assert text_of(person.ask(900)) == "taken"
        assert "max_tokens" in server.asked[2], "it may fit the next time"
    assert person.notices == []


@pytest.mark.parametrize(
    ("owner", "sent", "told"),
    [
        ("llamacpp", {"top_k": 51, "repeat_penalty": 1.21}, 0),
        ("library", {}, 1),
        ("vllm", {"top_k": 51, "repetition_penalty": 1.21}, 0),
    ],
)
def test_each_server_is_asked_by_its_own_names(owner: str, sent: dict[str, Any], told: int) -> None:
    empty = {"choices": [], "input_tokens": 5}
    with serving(answering(lambda exchange, body: exchange.json(empty), owner)) as server:
        person = Person(server.url)
        with pytest.raises(EngineFailed):
            person.ask()
    ours = {"top_k", "repetition_penalty", "repeat_penalty"}
    assert {name: value for name, value in server.asked[0].items() if name in ours} == sent
    assert len(person.notices) == told


def test_a_server_that_ignores_the_budget_and_the_stop_text_is_cut_here() -> None:
    words = [says(f" w{number}") for number in range(30)]
    events = asked(streaming(*words, finishes(), Exchange.end), budget=7)
    assert (text_of(events), end(events).reason) == ("".join(f" w{n}" for n in range(7)), FinishReason.LENGTH)
    assert end(events).usage.completion_tokens == 7
    stopped = asked(streaming(*words, finishes(), Exchange.end), stop=["w3"])
    assert (text_of(stopped), end(stopped).reason) == (" w0 w1 w2 ", FinishReason.STOP)


def test_a_budget_that_is_decided_at_once_is_asked_for_and_a_later_one_closes_the_stream() -> None:
    decided: Future[int] = Future()
    decided.set_result(250)
    with serving(streaming(says("one"), finishes(), Exchange.end)) as server:
        person = Person(server.url)
        person.ask(Budget(100, decided))
        person.ask(Budget(100, Future()))
        assert [body["max_tokens"] for body in server.asked] == [250, 500]


def test_closing_closes_the_socket_at_once() -> None:
    def endless(exchange: Exchange, body: Any) -> None:
        exchange.begin()
        while True:
            exchange.text("more ")
            time.sleep(0.01)

    with serving(answering(endless)) as server:
        stream = Person(server.url).engine.stream(HELLO, sampling(), Budget(100_000))
        while not isinstance(next(stream), TextDelta):
            pass
        stream.close()
        assert server.gone.get(timeout=1)
    assert not any(thread.name == "reader" for thread in threading.enumerate())


def test_closing_does_not_wait_for_a_server_that_is_silent() -> None:
    patient = Patience(between_s=60)
    with serving(streaming(says("one"), waits(1.5))) as server:
        stream = Person(server.url, patience=patient).engine.stream(HELLO, sampling(), Budget(50))
        next(stream)
        next(stream)
        started = time.perf_counter()
        stream.close()
        assert time.perf_counter() - started < 0.5


def test_the_key_is_sent_and_the_address_may_end_in_its_version_or_not() -> None:
    with serving(streaming(says("one"), finishes(), Exchange.end)) as server:
        for url in (server.url, server.url + "/", server.url + "/v1", server.url + "/v1/"):
            Person(url, key="sk-1").ask()
        assert {path for path, _, _ in server.seen} == {"/v1/models", "/v1/chat/completions"}
        assert {headers["Authorization"] for _, _, headers in server.seen} == {"Bearer sk-1"}
        shown = Person(server.url.replace("//", "//ada:secret@")).engine.info.device
    assert "secret" not in shown
    with pytest.raises(BadUsage, match="key"):
        Person("http://127.0.0.1:1", key="sk\n1")


LLAMA_CPP = {"id": "small", "owned_by": "llamacpp", "meta": {"n_ctx": 77}}


@pytest.mark.parametrize("counts", [True, False])
def test_tokens_are_counted_where_the_server_can_and_estimated_where_it_is_too_old(counts: bool) -> None:
    def respond(exchange: Exchange, path: str, body: Any) -> None:
        if path == "/v1/models":
            exchange.json({"data": [LLAMA_CPP]})
        else:
            exchange.json({"input_tokens": 33} if counts else {"error": "File Not Found"}, 200 if counts else 404)

    with serving(respond) as server:
        engine = Person(server.url).engine
        assert engine.info.context_window == 77
        assert [engine.count_tokens(HELLO) for _ in range(2)] == ([33, 33] if counts else [6, 6])
        assert len(server.seen) == (3 if counts else 2)


def test_a_prompt_that_is_too_long_for_llama_cpp_is_refused_with_both_numbers() -> None:
    said = {"message": "request exceeds the available context size", "n_prompt_tokens": 9010, "n_ctx": 8192}
    with pytest.raises(PromptTooLong, match="9,010 tokens given, 8,192 fit"):
        asked(refusing(400, {"error": said}))


def test_auto_is_the_first_model_that_is_listed() -> None:
    with serving(lambda exchange, path, body: listing(exchange, max_model_len=77)) as server:
        info = Person(server.url).engine.info
        assert (info.model, info.context_window) == ("small", 77)
        assert Person(server.url, "other").engine.info.model == "other"


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_without_a_list_needs_a_name(status: int) -> None:
    def respond(exchange: Exchange, path: str, body: Any) -> None:
        if path == "/v1/models":
            exchange.json({"detail": "Not Found"}, status)
        else:
            exchange.begin()
            exchange.text(body["model"], "stop")
            exchange.end()

    with serving(respond) as server:
        assert text_of(Person(server.url, "large").ask()) == "large"
        with pytest.raises(UnknownModel, match="lists no models"):
            Person(server.url)


BEGUN = HELLO.with_answer("It is")


def test_an_answer_is_continued_where_the_server_knows_how() -> None:
    with serving(EngineServer(ScriptedEngine.saying("It is so."))) as server:
        engine = Person(server.url).engine
        day = Conversation(BEGUN.messages, date(2024, 7, 26))
        list(engine.stream(day, sampling(), Budget(5)))
        body = server.asked[0]
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["chat_template_kwargs"] == {"date_string": "26 Jul 2024"}


def test_elsewhere_continuing_is_refused_before_anything_is_sent() -> None:
    with serving(streaming(says("one"), finishes(), Exchange.end)) as server:
        with pytest.raises(BadUsage, match="cannot go on"):
            list(Person(server.url).engine.stream(BEGUN, sampling(), Budget(5)))
        assert server.asked == []


@pytest.fixture
def closed() -> Iterator[RemoteEngine]:
    with serving(streaming()) as server:
        engine = Person(server.url).engine
        engine.close()
        engine.close()
        yield engine


def test_a_closed_engine_says_so(closed: RemoteEngine) -> None:
    with pytest.raises(EngineFailed, match="closed"):
        list(closed.stream(HELLO, sampling(), Budget(5)))
