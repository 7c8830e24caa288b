"""What the server answers, asked over a real connection."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest

from llamacli.complexity import Level
from llamacli.engine import Models
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.errors import OutOfMemory, UnknownModel
from llamacli.messages import Role
from llamacli.server import Policy
from tests.server.running import Running, question, serving

LONG = " ".join(f"w{number}" for number in range(600))


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine.saying("One two three.")


@pytest.fixture
def server(engine: ScriptedEngine) -> Iterator[Running]:
    with serving(engine, ScriptedClassifier({"hard": Level.HIGH})) as running:
        yield running


def chunks_of(response: httpx2.Response) -> list[Any]:
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_whole_answer(server: Running) -> None:
    told = server.ask(max_tokens=50).json()
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"] == {"role": "assistant", "content": "One two three.", "refusal": None}
    assert told["choices"][0]["finish_reason"] == "stop"
    assert told["usage"]["completion_tokens"] == 3
    assert told["usage"]["total_tokens"] == told["usage"]["prompt_tokens"] + 3


def test_a_streamed_answer(server: Running) -> None:
    chunks = chunks_of(server.ask(stream=True))
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in chunks) == "One two three."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in each for each in chunks)
    assert len({each["id"] for each in chunks}) == 1


def test_usage_comes_at_the_end_or_in_each_chunk(server: Running) -> None:
    apart = chunks_of(server.ask(stream=True, stream_options={"include_usage": True}))
    assert apart[-1]["choices"] == []
    assert apart[-1]["usage"]["completion_tokens"] == 3
    assert apart[0]["usage"] is None
    each = chunks_of(server.ask(stream=True, stream_options={"continuous_usage_stats": True}))
    assert [chunk["usage"]["completion_tokens"] for chunk in each] == [0, 1, 2, 3, 3]


def test_the_request_chooses_and_the_settings_fill_in(server: Running, engine: ScriptedEngine) -> None:
    server.ask(max_completion_tokens=2, seed=7, top_k=3, repetition_penalty=1.5, temperature=0, stop="x")
    server.ask(max_tokens=2, top_p=0.5, stop=["y", "z"])
    first, second = engine.requests
    assert (first.sampling.seed, first.sampling.top_k, first.sampling.repetition_penalty) == (7, 3, 1.5)
    assert (first.sampling.temperature, first.sampling.top_p, first.sampling.stop) == (0, 0.63, ("x",))
    assert (second.sampling.top_p, second.sampling.stop, second.sampling.top_k) == (0.5, ("y", "z"), 51)
    assert first.budget.at_least == 2


def test_without_max_tokens_the_complexity_sets_the_budget() -> None:
    with serving(ScriptedEngine.saying(LONG), ScriptedClassifier({"hard": Level.HIGH})) as server:
        made = [server.ask(words).json()["usage"]["completion_tokens"] for words in ("easy", "hard")]
        named = server.ask("easy", complexity="medium").json()
    assert made == [100, 500]
    assert named["usage"]["completion_tokens"] == 250
    assert named["choices"][0]["finish_reason"] == "length"


def test_messages_come_as_they_were_said(server: Running, engine: ScriptedEngine) -> None:
    parts = [{"type": "text", "text": "who "}, {"type": "text", "text": "am I"}]
    messages = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "I am Ada."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": parts},
    ]
    server.post("/v1/chat/completions", {"messages": messages, "chat_template_kwargs": {"date_string": "26 Jul 2024"}})
    seen = engine.requests[0].conversation
    assert [(m.role, m.content) for m in seen.messages] == [
        (Role.SYSTEM, "Be kind."),
        (Role.USER, "I am Ada."),
        (Role.ASSISTANT, "Hello."),
        (Role.USER, "who am I"),
    ]
    assert seen.started.isoformat() == "2024-07-26"


def test_an_answer_at_the_end_goes_on(server: Running, engine: ScriptedEngine) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Well"}]
    server.post("/v1/chat/completions", {"messages": messages, "continue_final_message": True})
    assert engine.requests[0].conversation.messages[-1].content == "Well"


def test_the_old_interface_still_answers(server: Running, engine: ScriptedEngine) -> None:
    assert server.post("/Llama", {"input_data": "hello"}).json() == {"output_data": "One two three."}
    assert server.post("/Llama", {"input_text": "h" * 500}).json() == {"output_data": "One two three."}
    pieces = chunks_of(server.post("/Llama", {"input_data": "hello", "stream": True}))
    assert "".join(piece["output_data"] for piece in pieces) == "One two three."
    for wrong in ({"input_data": ""}, {"input_data": "h" * 501}, {}, {"input_data": 5}):
        assert server.post("/Llama", wrong).status_code == 422


def test_our_own_additions(server: Running) -> None:
    rated = server.post("/v1/classify", {"input": ["easy", "hard"]}).json()["data"]
    assert [(each["level"], each["max_tokens"]) for each in rated] == [("low", 100), ("high", 500)]
    assert server.post("/v1/classify", {"input": "hard"}).json()["data"][0]["scores"]["high"] == 0.8
    counted = server.post("/v1/tokenize", question("one two three")).json()
    assert counted == {"count": 4, "max_model_len": 4096}
    listed = server.client.get("/v1/models").json()["data"]
    assert [(each["id"], each["owned_by"], each["max_model_len"]) for each in listed] == [
        ("scripted", "llamacli", 4096)
    ]
    assert server.client.get("/v1/models/scripted").json() == listed[0]
    assert server.client.get("/health").json()["status"] == "ok"


def test_metrics_count_requests_and_tokens(server: Running) -> None:
    server.ask()
    server.client.get("/nothing/secret-path")
    text = server.client.get("/metrics").text
    assert 'llamacli_requests_total{path="/v1/chat/completions",status="200"} 1' in text
    assert 'llamacli_requests_total{path="other",status="404"} 1' in text
    assert 'llamacli_tokens_total{kind="completion"} 3' in text
    assert "secret-path" not in text
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert all(line.split("{")[0].split()[0] in names for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/chat/completions", "{", 400, "json_invalid"),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "system", "content": "x"}]}, 400, "bad_usage"),
        ("POST", "/v1/chat/completions", question("word " * 5000), 400, "context_length_exceeded"),
        ("POST", "/v1/chat/completions", question(model="gpt-5"), 404, "model_not_found"),
        ("POST", "/v1/chat/completions", {"messages": []}, 422, "too_short"),
        ("POST", "/v1/chat/completions", question(temperature=9), 422, "less_than_equal"),
        ("POST", "/v1/chat/completions", question(max_tokens=0), 422, "greater_than_equal"),
        ("POST", "/v1/chat/completions", question(n=2), 422, "value_error"),
        ("POST", "/v1/chat/completions", question(tools=[{}]), 422, "value_error"),
        ("POST", "/v1/tokenize", question(chat_template_kwargs={"date_string": "today"}), 422, "value_error"),
        ("POST", "/v1/chat/completions", '{"messages":[{"role":"user","content":"\\ud800"}]}', 422, "value_error"),
        ("POST", "/Llama", '{"input_data":"\\udfff"}', 422, "string_unicode"),
        ("POST", "/v1/classify", '{"input":["a","\\ud800"]}', 422, "string_type"),
        ("GET", "/nowhere", None, 404, None),
        ("GET", "/Llama", None, 405, None),
    ],
)
def test_every_error_has_one_shape(
    server: Running, method: str, path: str, body: Any, status: int, code: str | None
) -> None:
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    response = server.client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    error = response.json()["error"]
    assert response.status_code == status
    assert {"message", "type", "param", "code"} <= set(error)
    assert error["code"] == code
    assert error["message"]


def test_a_body_without_a_type_is_json_and_another_type_is_told_what_to_be(server: Running) -> None:
    body = json.dumps({"input_data": "hello"}).encode()
    assert server.client.post("/Llama", content=body).json() == {"output_data": "One two three."}
    form = server.client.post("/Llama", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert form.status_code == 422
    assert "application/json" in form.json()["error"]["message"]


def test_who_waits_when_the_server_ends_is_told_so() -> None:
    engine = ScriptedEngine.saying(Reply(LONG, pause_s=0.02))
    answers: dict[bool, httpx2.Response] = {}

    def ask(server: Running, stream: bool) -> None:
        body = question(stream=stream)
        answers[stream] = httpx2.post(server.url + "/v1/chat/completions", json=body, timeout=30, trust_env=False)

    with serving(engine) as server:
        threads = [threading.Thread(target=ask, args=(server, stream)) for stream in (True, False)]
        for thread in threads:
            thread.start()
        until(lambda: engine.sampled > 3 and server.app.state.house.turns.waiting == 1)
    for thread in threads:
        thread.join()
    assert engine.sampled < 600
    last = answers[True].text.strip().splitlines()[-1] if answers[True].status_code == 200 else answers[True].text
    errors = [json.loads(text.removeprefix("data: "))["error"] for text in (last, answers[False].text)]
    assert [error["code"] for error in errors] == ["stopping", "stopping"]


def test_an_answer_that_fails_has_our_error_before_its_first_event_and_after() -> None:
    fault = OutOfMemory("No memory.", reason="It is small.", hint="-n 5")
    with serving(ScriptedEngine.saying(Reply("one two", fault=fault, fault_after=1))) as server:
        whole = server.ask()
        lines = server.ask(stream=True).text.strip().splitlines()
    assert whole.status_code == 500
    assert whole.json()["error"] | {"type": ""} == {
        "message": "No memory.", "type": "", "param": None, "code": "out_of_memory",
        "reason": "It is small.", "hint": "-n 5",
    }  # fmt: skip
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "out_of_memory"


def test_what_cannot_be_loaded_ends_the_server_with_its_error() -> None:
    def fails() -> Models:
        raise UnknownModel("There is no such model.")

    with pytest.raises(UnknownModel), serving(open_models=fails):
        pass


def test_the_official_client(server: Running) -> None:
    with openai.OpenAI(base_url=server.url + "/v1", api_key="unused", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "hello"}]
        whole = client.chat.completions.create(model="scripted", messages=messages, max_tokens=20)
        assert whole.choices[0].message.content == "One two three."
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 3
        with client.chat.completions.create(
            model="scripted", messages=messages, stream=True, stream_options={"include_usage": True}
        ) as stream:
            chunks = list(stream)
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "One two three."
        assert chunks[-1].usage is not None
        assert [each.id for each in client.models.list()] == ["scripted"]
        with pytest.raises(openai.NotFoundError, match="no model"):
            client.chat.completions.create(model="gpt-5", messages=messages)
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "word " * 5000}])
        assert refused.value.code == "context_length_exceeded"


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_stops_its_answer_within_a_token(stream: bool) -> None:
    engine = ScriptedEngine.saying(Reply(LONG, pause_s=0.02), "Next.")
    with serving(engine) as server:
        if stream:
            with server.client.stream("POST", "/v1/chat/completions", json=question(stream=True)) as response:
                pieces = response.iter_text()
                next(pieces)
                until(lambda: engine.sampled >= 3)
        else:
            with pytest.raises(httpx2.ReadTimeout):
                server.client.post("/v1/chat/completions", json=question(), timeout=0.2)
        gone_at = engine.sampled
        assert server.ask().json()["choices"][0]["message"]["content"] == "Next."
        assert engine.sampled <= gone_at + 3 + 1  # the socket's end is seen within a token or two, and "Next." is one
        assert 'reason="interrupted"} 1' in server.client.get("/metrics").text


def test_the_first_to_come_is_the_first_served_and_too_many_are_refused() -> None:
    engine = ScriptedEngine.saying(Reply("slow " * 30, pause_s=0.02))
    order: list[int] = []

    def ask(server: Running, number: int) -> None:
        httpx2.post(server.url + "/v1/chat/completions", json=question(f"n{number}"), timeout=30, trust_env=False)
        order.append(number)

    with serving(engine, policy=Policy(longest_queue=3)) as server:
        turns, threads = server.app.state.house.turns, []
        for number in range(4):
            threads.append(threading.Thread(target=ask, args=(server, number)))
            threads[-1].start()
            while turns.running + turns.waiting <= number:
                time.sleep(0.005)
        refused = server.ask()
        for thread in threads:
            thread.join()
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["error"]["code"] == "busy"
    assert [request.conversation.messages[0].content for request in engine.requests] == ["n0", "n1", "n2", "n3"]
    assert order == [0, 1, 2, 3]


def test_models_that_nobody_asks_are_unloaded_and_come_back() -> None:
    engines: list[ScriptedEngine] = []

    def opened() -> Models:
        engines.append(ScriptedEngine.saying("Here."))
        return scripted_models(engines[-1], None)

    with serving(open_models=opened, idle_s=0.2) as server:
        assert server.ask().status_code == 200
        until(lambda: engines[0].closed)
        assert server.client.get("/health").json()["loaded"] is False
        assert server.client.get("/v1/models").json()["data"][0]["id"] == "scripted"
        assert server.ask().json()["choices"][0]["message"]["content"] == "Here."
        assert len(engines) == 2
    assert all(each.closed for each in engines)
