"""Small OpenAI-compatible servers on this machine: one that answers with an engine, and any that misbehaves."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

from llamacli.complexity import Budget
from llamacli.engine.base import Engine
from llamacli.engine.remote.failures import code_of
from llamacli.errors import LlamacliError
from llamacli.events import Finished, Reading, TextDelta, Usage
from llamacli.messages import Conversation, Message, Role
from llamacli.sampling import Sampling


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer. A stream is chunked; what is not finished was dropped."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Say nothing."""

    def json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self.send(f"data: {text}\n\n".encode())

    def text(self, text: str | None = None, reason: str | None = None, **more: Any) -> None:
        delta = {} if text is None else {"content": text}
        self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more})

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def drop(self) -> None:
        self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.seen.append((self.path, body, dict(self.headers)))
        try:
            self.server.respond(self, self.path, body)
        except ConnectionError:
            self.close_connection = True
            self.server.gone.put(self.path)


Respond = Callable[[Exchange, str, Any], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    respond: Respond

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.respond = respond
        self.seen: list[tuple[str, Any, dict[str, str]]] = []
        self.gone: Queue[str] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def asked(self) -> list[Any]:
        """The bodies of the questions."""
        return [body for path, body, _ in self.seen if path == "/v1/chat/completions"]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are gone."""


@contextmanager
def serving(respond: Respond) -> Iterator[_Server]:
    """A server that runs while the block lasts."""
    server = _Server(respond)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listing(exchange: Exchange, owner: str = "someone", **more: Any) -> None:
    exchange.json({"object": "list", "data": [{"id": "small", "owned_by": owner, **more}]})


def answering(respond: Callable[[Exchange, Any], None], owner: str = "someone") -> Respond:
    """A server with a list of models, and this answer to every question."""

    def all_paths(exchange: Exchange, path: str, body: Any) -> None:
        if path == "/v1/models":
            listing(exchange, owner)
        else:
            respond(exchange, body)

    return all_paths


@dataclass
class EngineServer:
    """Answers with an engine, much as vLLM does."""

    engine: Engine
    owner: str = "vllm"
    seen: list[Any] = field(default_factory=list)

    def __call__(self, exchange: Exchange, path: str, body: Any) -> None:
        if path == "/v1/models":
            listing(exchange, self.owner, max_model_len=self.engine.info.context_window)
        elif path == "/tokenize":
            exchange.json({"count": self.engine.count_tokens(_conversation(body))})
        else:
            self._answer(exchange, body)

    def _answer(self, exchange: Exchange, body: Any) -> None:
        begun = False
        usage = Usage()
        stream = self.engine.stream(_conversation(body), _sampling(body), Budget(body["max_tokens"]))
        try:
            with closing(stream):
                for event in stream:
                    if not begun:
                        exchange.begin()
                        begun = True
                    if isinstance(event, Reading):
                        usage = Usage(event.prompt_tokens, event.cached_tokens)
                        exchange.text("", usage=_usage_json(usage))
                    elif isinstance(event, TextDelta):
                        told = Usage(usage.prompt_tokens, usage.cached_tokens, event.tokens)
                        exchange.text(event.text, usage=_usage_json(told))
                    elif isinstance(event, Finished):
                        exchange.text(None, event.reason.value)
                        exchange.event({"choices": [], "usage": _usage_json(event.usage)})
            exchange.event("[DONE]")
            exchange.end()
        except LlamacliError as error:
            said = {"error": {"message": error.message, "code": code_of(type(error)), "hint": error.hint}}
            if begun:
                exchange.event(said)
                exchange.end()
            else:
                exchange.json(said, 400)


def _conversation(body: Any) -> Conversation:
    messages = tuple(Message(Role(each["role"]), each["content"]) for each in body["messages"])
    day = datetime.strptime(body["chat_template_kwargs"]["date_string"], "%d %b %Y").date()
    return Conversation(messages, day)


def _sampling(body: Any) -> Sampling:
    names = ("temperature", "top_k", "top_p", "repetition_penalty")
    return Sampling(**{name: body[name] for name in names}, seed=body.get("seed"), stop=tuple(body.get("stop", ())))


def _usage_json(usage: Usage) -> Any:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
