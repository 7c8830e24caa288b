"""The contract over a server that nobody here wrote: `transformers serve` with the built-in model."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import httpx2
import pytest

from llamacli import builtin
from llamacli.complexity import Budget
from llamacli.engine.remote import RemoteEngine
from llamacli.errors import BadUsage, LlamacliError, UnknownModel
from llamacli.events import Event, Finished, FinishReason, LoadEvent, Notice, Reading, TextDelta
from llamacli.messages import Conversation
from tests.settings import sampling

HELLO = Conversation().with_prompt("which command starts a chat")
GREEDY = {"temperature": 0, "seed": 1}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for name in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(name)
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "from transformers.cli.transformers import main; main()"
    options = ["serve", str(builtin.MODEL_DIR), "--port", str(port), "--host", "127.0.0.1"]
    environ = {**os.environ, "HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", script, *options], env=environ, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process, home / "log")
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 90
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        try:
            if httpx2.get(address + "/health", trust_env=False).is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.2)


@pytest.fixture
def told() -> list[LoadEvent]:
    return []


@pytest.fixture
def engine(url: str, told: list[LoadEvent]) -> Iterator[RemoteEngine]:
    opened = RemoteEngine.at(url, None, str(builtin.MODEL_DIR), told.append)
    yield opened
    opened.close()


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_an_answer_is_one_reading_then_text_then_one_finished(engine: RemoteEngine, told: list[LoadEvent]) -> None:
    events = list(engine.stream(HELLO, sampling(**GREEDY), Budget(60)))
    assert isinstance(events[0], Reading)
    assert all(isinstance(event, TextDelta) and event.text for event in events[1:-1])
    assert isinstance(events[-1], Finished)
    assert "llamacli chat" in text_of(events)
    assert events[-1].reason is FinishReason.STOP
    assert events[-1].usage.prompt_tokens > 0
    notices = [event.text for event in told if isinstance(event, Notice)]
    assert notices == ["The server does not take top_k and repetition_penalty: its own choice counts."]


def test_the_budget_is_the_most_tokens_of_an_answer(engine: RemoteEngine) -> None:
    last = list(engine.stream(HELLO, sampling(**GREEDY), Budget(4)))[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.completion_tokens) == (FinishReason.LENGTH, 4)


def test_a_budget_that_is_decided_late_closes_the_stream(engine: RemoteEngine) -> None:
    decided: Future[int] = Future()
    stream = engine.stream(HELLO, sampling(**GREEDY), Budget(2, decided))
    kept: list[Event] = [next(stream), next(stream)]
    decided.set_result(5)
    kept += stream
    assert isinstance(kept[-1], Finished)
    assert kept[-1].reason is FinishReason.LENGTH
    assert kept[-1].usage.completion_tokens <= 5


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(engine: RemoteEngine) -> None:
    whole = text_of(list(engine.stream(HELLO, sampling(**GREEDY), Budget(60))))
    stop = whole[len(whole) // 2 :][:4]
    events = list(engine.stream(HELLO, sampling(**GREEDY, stop=[stop]), Budget(60)))
    assert text_of(events) == whole[: whole.find(stop)]


def test_closing_the_stream_and_asking_again(engine: RemoteEngine) -> None:
    whole = text_of(list(engine.stream(HELLO, sampling(**GREEDY), Budget(30))))
    stream = engine.stream(HELLO, sampling(**GREEDY), Budget(1000))
    for _ in range(2):
        next(stream)
    stream.close()
    assert text_of(list(engine.stream(HELLO, sampling(**GREEDY), Budget(30)))) == whole


def test_what_the_server_cannot_do_is_one_of_our_errors(engine: RemoteEngine, url: str) -> None:
    with pytest.raises(BadUsage, match="cannot go on"):
        list(engine.stream(HELLO.with_answer("Type"), sampling(), Budget(5)))
    with pytest.raises(UnknownModel, match="lists no models"):
        RemoteEngine.at(url, None, "auto", lambda _: None)
    other = RemoteEngine.at(url, None, "another/model", lambda _: None)
    with pytest.raises(LlamacliError):
        list(other.stream(HELLO, sampling(), Budget(5)))
    other.close()
