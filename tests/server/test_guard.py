"""Who is refused, and what is never written down."""

import asyncio
import logging
from typing import Any

import httpx2
import pytest

from llamacli.engine.scripted import Reply, ScriptedEngine, scripted_models
from llamacli.errors import BadUsage
from llamacli.server import Policy, create_app, log
from tests.server.running import question, serving
from tests.settings import settings

KEY = "sk-very-secret"


def asked(
    policy: Policy, client: str, path: str = "/v1/models", method: str = "GET", **headers: str
) -> httpx2.Response:
    """The answer to a client at any address."""

    async def ask() -> httpx2.Response:
        app = create_app(lambda: scripted_models(ScriptedEngine.saying("Hi."), None), settings(), policy)
        transport = httpx2.ASGITransport(app, client=(client, 5000))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http,
        ):
            return await http.request(method, path, headers=headers)

    return asyncio.run(ask())


OPEN = Policy(keys=frozenset({KEY}), open_here=False, allow=("10.1.0.0/16", "2001:db8::/32"))


@pytest.mark.parametrize(
    ("client", "token", "status"),
    [
        ("10.1.2.3", KEY, 200),
        ("10.1.2.3", None, 401),
        ("10.1.2.3", "sk-wrong", 401),
        ("10.2.2.3", KEY, 403),
        ("2001:db8::7", KEY, 200),
        ("2001:db9::7", KEY, 403),
        ("::ffff:10.1.2.3", KEY, 200),
        ("::ffff:10.2.2.3", KEY, 403),
        ("127.0.0.1", KEY, 200),
        ("127.0.0.1", None, 401),
    ],
)
def test_other_machines_need_an_allowed_address_and_a_token(client: str, token: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = asked(OPEN, client, **headers)
    assert response.status_code == status
    if status != 200:
        assert response.json()["error"]["message"]
    assert ("www-authenticate" in response.headers) == (status == 401)


def test_this_machine_needs_no_token_unless_there_is_a_key() -> None:
    assert asked(Policy(token="t"), "127.0.0.1").status_code == 200
    assert asked(Policy(token="t"), "192.0.2.1").status_code == 401
    assert asked(Policy(token="t"), "192.0.2.1", Authorization="Bearer t").status_code == 200
    assert asked(Policy(token="t"), "192.0.2.1", "/health").status_code == 200
    assert asked(Policy(), "192.0.2.1", Authorization="Bearer ").status_code == 401


def test_web_pages_may_not_ask_unless_they_are_named() -> None:
    assert asked(Policy(), "127.0.0.1", Origin="http://evil.example").status_code == 403
    allowed = Policy(origins=frozenset({"http://mine.example"}))
    named = asked(allowed, "127.0.0.1", Origin="http://mine.example")
    assert named.status_code == 200
    assert named.headers["access-control-allow-origin"] == "http://mine.example"
    preflight = {"Origin": "http://mine.example", "Access-Control-Request-Method": "POST"}
    assert asked(allowed, "127.0.0.1", "/Llama", "OPTIONS", **preflight).status_code == 200
    assert "access-control-allow-origin" not in asked(Policy(), "127.0.0.1").headers


def test_a_name_that_was_made_to_point_here_is_refused() -> None:
    here = Policy(hosts=frozenset({"localhost", "127.0.0.1"}))
    assert asked(here, "127.0.0.1", Host="evil.example").status_code == 403
    assert asked(here, "127.0.0.1", Host="localhost:8642").status_code == 200


def test_what_is_no_range_is_refused_at_the_start() -> None:
    with pytest.raises(BadUsage, match="nonsense"):
        asked(Policy(allow=("nonsense",)), "127.0.0.1")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_100_megabytes_is_refused_early(chunked: bool) -> None:
    sent = 0

    def body() -> Any:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"} | ({} if chunked else {"Content-Length": "100000000"})
    with serving(ScriptedEngine.saying("Hi.")) as server:
        try:
            response = server.client.post("/Llama", content=body(), headers=headers)
        except httpx2.NetworkError:  # refused while it was being sent
            assert sent < 60
        else:
            assert response.status_code in (400, 413)
        assert sent < 100
        assert server.ask().status_code == 200


def test_prompts_and_secrets_are_never_written_down(caplog: pytest.LogCaptureFixture) -> None:
    prompt = "my-private-question"
    fault = RuntimeError(f"cannot digest {prompt}")
    engine = ScriptedEngine.saying(
        "an answer of mine", Reply("x", fault=fault), Reply("y z", fault=fault, fault_after=1)
    )
    policy = Policy(token="run-token", keys=frozenset({KEY}), open_here=False)
    log.propagate = True
    with caplog.at_level(logging.DEBUG), serving(engine, policy=policy) as server:
        for bearer in ("run-token", KEY, "sk-a-wrong-one"):
            headers = {"Authorization": f"Bearer {bearer}"}
            server.client.get("/v1/models", params={"q": prompt}, headers=headers)
        headers = {"Authorization": f"Bearer {KEY}"}
        statuses = [server.post("/v1/chat/completions", question(prompt), **headers).status_code for _ in range(2)]
        streamed = server.post("/v1/chat/completions", question(prompt, stream=True), **headers)
        server.post("/Llama", {"input_data": 7, "x": prompt}, **headers)
        server.client.get(f"/{prompt}", headers=headers)
    assert statuses == [200, 500]
    assert prompt not in streamed.text
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    text = "\n".join(record.getMessage() for record in ours)
    assert text.count("POST /v1/chat/completions") == 3
    assert text.count("unexpected RuntimeError at scripted.py") == 2
    for secret in (prompt, "an answer of mine", KEY, "run-token", "sk-a-wrong-one"):
        assert secret not in text
