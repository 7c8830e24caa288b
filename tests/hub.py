"""A small server on this machine that answers like the Hugging Face hub, and a fixture that makes it the hub.

The client is the real `huggingface_hub`. What the server sends is what the hub was seen to send: a gated or unknown
repository is told by the header X-Error-Code, a token that it does not know by X-Error-Message alone.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from huggingface_hub import constants

TOKEN = "hf_good"
COMMIT = "a" * 40


def _set() -> Event:
    event = Event()
    event.set()
    return event


@dataclass
class Hub:
    """What the hub has.

    `cut` files are broken off after half of what is asked for, so many times; weights come when `held` is set.
    """

    url: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    down: bool = False
    held: Event = field(default_factory=_set)
    asked: list[str] = field(default_factory=list)

    def publish(self, repository: str, directory: Path, **more: bytes) -> None:
        """Put a directory on the hub."""
        found = {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}
        self.files[repository] = found | more

    def refusal(self, repository: str, token: str | None, *, file: bool) -> tuple[int, dict[str, str]] | None:
        """The status and headers of a refusal, if it is one."""
        if self.down:
            return 503, {}
        if token not in (None, TOKEN):
            return 401, {"X-Error-Message": "Invalid credentials in Authorization header"}
        if repository not in self.files:
            return (404 if token else 401), {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
        if file and repository in self.gated and repository not in self.members:
            said = f"Access to model {repository} is restricted."
            return (403 if token else 401), {"X-Error-Code": "GatedRepo", "X-Error-Message": said}
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        self.hub.asked.append(f"{self.command} {self.path} {self.headers.get('Range') or ''}")

    def _answer(self, *, body: bool) -> None:
        api = re.match(r"/api/models/([^/]+/[^/?]+)(/tree/)?", self.path)
        resolved = re.match(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path)
        match = api or resolved
        assert match is not None, self.path
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        refusal = self.hub.refusal(match[1], token, file=resolved is not None)
        if refusal is not None:
            status, headers = refusal
            self._send(status, b"{}", headers, body=body)
        elif resolved is not None:
            self._file(resolved[1], resolved[2], body=body)
        else:
            self._send(200, json.dumps(self._listing(match[1], tree=bool(match[2]))).encode(), {}, body=body)

    def _listing(self, repository: str, *, tree: bool) -> Any:
        files = self.hub.files[repository].items()
        if tree:
            return [{"type": "file", "path": name, "size": len(data), "oid": _etag(data)} for name, data in files]
        siblings = [{"rfilename": name, "size": len(data), "blobId": _etag(data)} for name, data in files]
        return {"id": repository, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False, "downloads": 0}

    def _file(self, repository: str, name: str, *, body: bool) -> None:
        data = self.hub.files[repository][name]
        if body and name.endswith(".safetensors"):
            self.hub.held.wait(30)
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"ETag": f'"{_etag(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = body and self.hub.cut.get(name, 0) > 0
        if cut:
            self.hub.cut[name] -= 1
        self._send(206 if start else 200, data[start:], headers, body=body, cut=cut)

    def _send(self, status: int, data: bytes, headers: dict[str, str], *, body: bool, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are gone."""


def _etag(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that runs while the block lasts."""
    hub = Hub()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def as_the_hub(cache: Path) -> Iterator[Hub]:
    """A hub that this process takes for the hub, with a cache of its own."""
    with serving() as hub, pytest.MonkeyPatch.context() as patch:
        # They are read from the environment when the library is imported.
        patch.setattr(constants, "ENDPOINT", hub.url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        patch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)  # small models, small pieces
        patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
        yield hub
