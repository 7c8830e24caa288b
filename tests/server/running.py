"""The server in a thread of this process, around any engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from llamacli.engine import Models
from llamacli.engine.base import Classifier, Engine
from llamacli.engine.scripted import scripted_models
from llamacli.server import Policy, create_app, listen, run
from tests.settings import settings

JSON = {"Content-Type": "application/json"}


class Running:
    """A server, and a client of it."""

    def __init__(self, url: str, app: Any) -> None:
        self.url = url
        self.app = app
        self.client = httpx2.Client(base_url=url, timeout=30, trust_env=False)

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        return self.client.post(path, json=body, headers=headers)

    def ask(self, words: str = "hello", **more: Any) -> httpx2.Response:
        return self.post("/v1/chat/completions", question(words, **more))


def question(words: str = "hello", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": words}], **more}


@contextmanager
def serving(
    engine: Engine | None = None,
    classifier: Classifier | None = None,
    *,
    open_models: Callable[[], Models] | None = None,
    policy: Policy | None = None,
    idle_s: float | None = None,
    **options: Any,
) -> Iterator[Running]:
    """The server while the block lasts; what fails in it fails the test."""
    opened = open_models or (lambda: scripted_models(engine, classifier))
    app = create_app(opened, settings(**options), policy or Policy(), idle_s=idle_s)
    bound = listen("127.0.0.1", 0)
    ready, failures = threading.Event(), []

    def work() -> None:
        try:
            run(app, bound, ready.set, grace_s=1)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=work, name="server")
    thread.start()
    assert ready.wait(30)
    running = Running(f"http://127.0.0.1:{bound.getsockname()[1]}", app)
    try:
        if not failures:
            yield running
    finally:
        running.client.close()
        app.state.server.should_exit = True
        thread.join(20)
        bound.close()
    assert not thread.is_alive()
    if failures:
        raise failures[0]
