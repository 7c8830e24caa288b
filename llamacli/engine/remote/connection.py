"""The way to a server: requests, retries before the first token, and chunks that can be waited for."""

import json
import re
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx2

from llamacli import __version__
from llamacli.engine.remote.failures import BUSY, broken_off, refusal, silent, translated
from llamacli.errors import BadUsage, LlamacliError


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a server may take: to be reached, to its first token, between two, after the last.

    `answer_s` is for what is no stream. Of the `tries`, each waits longer than the one before, or as long as a busy
    server asks for.
    """

    connect_s: float = 5.0
    first_token_s: float = 600.0
    between_s: float = 120.0
    ending_s: float = 2.0
    answer_s: float = 20.0
    tries: int = 3
    pause_s: float = 0.4
    longest_pause_s: float = 5.0


class Refused(Exception):
    """A server does not take this request; `error` is ours for it, `said` its own words."""

    def __init__(self, error: LlamacliError, said: str) -> None:
        super().__init__(said)
        self.error = error
        self.said = said


class Connection:
    """A client of one server."""

    def __init__(self, endpoint: str, key: str | None, patience: Patience) -> None:
        self.url = re.sub(r"//[^/@]*@", "//", endpoint.rstrip("/"))
        """The endpoint as people may see it: without the user and the password that it may hold."""
        self.patience = patience
        self._root, self._base = _addresses(endpoint.rstrip("/"))
        if key and not (key.isascii() and key.isprintable()):
            raise BadUsage("The API key has characters that no key has.", hint="Set LLAMACLI_API_KEY anew.")
        headers = {"User-Agent": f"llamacli/{__version__}"} | ({"Authorization": f"Bearer {key}"} if key else {})
        with translated(self.url):
            # A proxy that is set for the world is not asked for a server on this machine.
            # Certificates take a while to load, and plain HTTP has none to check; no redirection is followed.
            secure = not self.url.lower().startswith("http://")
            self._client = httpx2.Client(headers=headers, trust_env=not _on_this_machine(self.url), verify=secure)

    def get(self, path: str) -> Any:
        """The JSON at a path; those below /v1 are below the endpoint's own version."""
        return self._json("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that answers a body."""
        return self._json("POST", path, body)

    def stream(self, body: Mapping[str, Any]) -> "Chunks":
        """The chunks of an answer. Raises Refused where the server does not take the request."""
        response = self._send("POST", "/v1/chat/completions", body, self.patience.first_token_s, stream=True)
        return Chunks(response, self.url)

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            response = self._send(method, path, body, self.patience.answer_s, stream=False)
            return response.json()
        except Refused as refused:
            raise refused.error from refused
        except ValueError as error:
            raise broken_off(self.url, "It did not answer with JSON.") from error

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, read_s: float, *, stream: bool
    ) -> httpx2.Response:
        patience = self.patience
        timeout = httpx2.Timeout(patience.connect_s, read=read_s)
        address = self._base + path.removeprefix("/v1") if path.startswith("/v1/") else self._root + path
        for attempt in range(1, patience.tries + 1):
            last = attempt == patience.tries
            pause = patience.pause_s * attempt
            try:
                with translated(self.url):
                    request = self._client.build_request(method, address, json=body, timeout=timeout)
                    response = self._client.send(request, stream=stream)
                    if response.is_success:
                        return response
                    said = _read(response)
            except LlamacliError as error:
                if last or not isinstance(error.__cause__, httpx2.NetworkError | httpx2.RemoteProtocolError):
                    raise
            else:
                model = str(body.get("model", "")) if body else ""
                wait = _retry_after(response, pause)
                if last or response.status_code not in BUSY or wait > patience.longest_pause_s:
                    raise Refused(refusal(response.status_code, said, self.url, model), json.dumps(said))
                pause = wait
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _addresses(url: str) -> tuple[str, str]:
    """The root of a server, and where its version 1 is: people give either."""
    base = url if url.rpartition("/")[2].startswith("v") and url.rpartition("/")[2][1:].isdigit() else url + "/v1"
    return base.rpartition("/")[0], base


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _read(response: httpx2.Response) -> Any:
    """The body of a refusal, whatever it is, as far as its words may reach."""
    text = ""
    for piece in response.iter_text():
        text += piece
        if len(text) > 100_000:
            break
    response.close()
    try:
        return json.loads(text) if text else response.reason_phrase
    except ValueError:
        return text


def _retry_after(response: httpx2.Response, otherwise: float) -> float:
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return otherwise


class Chunks:
    """The data of a stream's events, read in a thread, so that each is waited for just as long as it may take."""

    def __init__(self, response: httpx2.Response, url: str) -> None:
        self._response = response
        self._url = url
        self._queue: SimpleQueue[str | Exception | None] = SimpleQueue()
        self._reader = Thread(target=self._read, name="reader", daemon=True)
        self._reader.start()

    def next(self, seconds: float) -> str | None:
        """The next data, `[DONE]` among them; None where the stream has ended. Raises ours after so many seconds."""
        try:
            data = self._queue.get(timeout=seconds)
        except Empty:
            raise silent(self._url, seconds) from None
        if isinstance(data, Exception):
            raise data
        return data

    def close(self) -> None:
        """Close the socket at once, whatever the reader waits for."""
        stream = self._response.extensions.get("network_stream")
        wire = stream.get_extra_info("socket") if stream is not None else None
        if wire is not None and self._reader.is_alive():
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._response.close()

    def _read(self) -> None:
        try:
            with translated(self._url):
                for data in self._data():
                    self._queue.put(data)
                    if data == "[DONE]":
                        return
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            self._queue.put(error)
            return
        self._queue.put(None)

    def _data(self) -> Iterable[str]:
        kind = self._response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            return (event.data.strip() for event in httpx2.EventSource(self._response))
        return [self._response.read().decode(errors="replace").strip()]
