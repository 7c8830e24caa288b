"""Who may ask, and how much: looked at before anything else, and before a body is read."""

import asyncio
import hmac
import time
import traceback
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llamacli.errors import BadUsage
from llamacli.server.metrics import Metrics
from llamacli.server.policy import Policy, log
from llamacli.server.replies import refusal_json, stopping_json

_TOO_LARGE = "A request may have {:,} bytes."
_OPEN = frozenset({"/health"})
"""Paths that a probe may ask without a token."""


class Guard:
    """Middleware: refuses who may not ask (403), who shows no token (401), and what is too large (413)."""

    def __init__(self, app: ASGIApp, policy: Policy, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app = app
        self._policy = policy
        self._metrics = metrics
        self._paths = paths
        self._ranges = ranges(policy.allow)
        self._keys = [key.encode() for key in (policy.token, *policy.keys) if key]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it; write a line about it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(send, receive, self._policy.longest_body)
        started = time.perf_counter()
        refused = self._refusal(scope)
        try:
            if refused is not None:
                await refused(scope, receive, seen.send)
            else:
                await self._app(scope, seen.receive, seen.send)
        except Gone:
            seen.status = seen.status or 499  # nginx's number for a client that went away
        except asyncio.CancelledError:  # the server ends, and has waited long enough
            if not seen.status:
                await JSONResponse(stopping_json(), 503)(scope, receive, seen.send)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in the one shape
            log_failure(error)
            if not seen.status:
                await _refuse(500, "The server failed. Its log says where.", "unexpected")(scope, receive, seen.send)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.requests[path, seen.status] += 1
            log.info("%s %s %s %.0f ms", scope["method"], path, seen.status, 1000 * (time.perf_counter() - started))

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        policy, headers = self._policy, Headers(scope=scope)
        client = _address(scope)
        here = client is None or client.is_loopback
        if not here and policy.allow and not any(client in each for each in self._ranges):
            return _refuse(403, "This address may not ask.", "address_not_allowed")
        if policy.hosts and _name(headers.get("host", "")) not in policy.hosts:
            return _refuse(403, "The server is not called by this name.", "host_not_allowed")
        if (origin := headers.get("origin")) and origin not in policy.origins:
            return _refuse(403, "Web pages of this origin may not ask.", "origin_not_allowed")
        if scope["path"] not in _OPEN and scope["method"] != "OPTIONS" and not self._known(headers, here=here):
            return _refuse(401, "A token is needed: Authorization: Bearer ...", "invalid_api_key")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > policy.longest_body:
            return _too_large(policy.longest_body)
        return None

    def _known(self, headers: Headers, *, here: bool) -> bool:
        if here and self._policy.open_here:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode()
        return scheme.lower() == "bearer" and any(hmac.compare_digest(given, key) for key in self._keys)


def ranges(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    """Address ranges such as 10.0.0.0/8; BadUsage for what is none."""
    try:
        return [ip_network(text) for text in texts]
    except ValueError as error:
        raise BadUsage(f"{error}.", hint="llamacli serve --allow 192.168.1.0/24") from error


def log_failure(error: BaseException) -> None:
    """Write where something unexpected happened, but not its message: that may hold what somebody asked."""
    where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("unexpected %s at %s", type(error).__name__, " < ".join(reversed(where[-6:])))


class Gone(Exception):
    """The client went away."""


class _Seen:
    """The messages of one request: counts the bytes that come, remembers the status that goes."""

    def __init__(self, send: Send, receive: Receive, longest: int) -> None:
        self._send = send
        self._receive = receive
        self._longest = longest
        self._left = longest
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0 and not self.status:
            raise HTTPException(413, _TOO_LARGE.format(self._longest), {"Connection": "close"})
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _address(scope: Scope) -> IPv4Address | IPv6Address | None:
    client: tuple[str, int] | None = scope.get("client")
    if client is None:
        return None
    address = ip_address(client[0].partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _name(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


def _too_large(longest: int) -> JSONResponse:
    return _refuse(413, _TOO_LARGE.format(longest), "request_too_large")


def _refuse(status: int, message: str, code: str) -> JSONResponse:
    headers: dict[str, Any] = {"Connection": "close"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(refusal_json(message, status, code), status, headers)
