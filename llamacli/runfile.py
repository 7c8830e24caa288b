"""The run file: where a server of this user is, for the commands that would rather ask it than load a model.

It holds a token, so it is private, and is believed only where nobody else could have written it. A server is believed
only where it proves that it knows the token: another program may have its port by now.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ALIKE = ("device", "quantization", "classifier_device")
"""Settings that place models: a server is of use where it was started with those that are wanted."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its address, the token that it takes, its process, its model and what that was called when asked for.

    `rates` is the device of its classifier, empty where it has none. `placed` is what each setting that places models
    was, and what it came to. `auto` is whether its model is what `auto` is on this machine, where nothing is said of
    devices and nothing of its memory is taken yet, and `notice` what a person who did not choose it has to know.
    """

    url: str
    token: str
    pid: int
    model: str
    asked: str
    rates: str = ""
    placed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    auto: bool = False
    notice: str = ""

    def serves(self, settings: Any) -> bool:
        """Whether it serves the model that these settings want, placed as they want it."""
        wishes = wished(settings)
        alike = all(wish == self.placed.get(name, ("",))[0] for name, wish in wishes.items())
        if self.asked == settings.model and alike:
            return True
        named = self.auto if settings.model == "auto" else model_key(settings.model) in (self.model, self.asked)
        return named and all(self._is_placed(name, wish) for name, wish in wishes.items())

    def _is_placed(self, name: str, wish: str) -> bool:
        there = self.placed.get(name, ())
        on_any_card = wish == "cuda" and any(text.startswith("cuda:") for text in there)
        return wish in ("auto", *there) or on_any_card or (name, wish) == ("classifier_device", "none")


def wished(settings: Any) -> dict[str, str]:
    """The settings that place models."""
    return {name: str(getattr(settings, name)) for name in _ALIKE}


def model_key(name: str) -> str:
    """A model's name that means the same from every directory."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in ("auto", "builtin") and path.is_dir() else name


def run_file(data_dir: Path) -> Path:
    """Where it is."""
    return data_dir / "server.json"


def write(data_dir: Path, running: Running) -> None:
    """Write the run file, for this user's eyes only."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=data_dir, prefix=".server-")  # mode 0600
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(running), file)
    os.replace(name, run_file(data_dir))


def remove(data_dir: Path, token: str) -> None:
    """Delete the run file, if it is still the one with this token."""
    found = _read(run_file(data_dir))
    if found is not None and found.token == token:
        with suppress(OSError):
            run_file(data_dir).unlink()


def find(data_dir: Path, patience_s: float = 1.0) -> Running | None:
    """The server of this user that is running; None where there is none, or it does not prove to be it."""
    running = _read(run_file(data_dir))
    return running if running is not None and _proves(running, patience_s) else None


def proof_of(token: str, nonce: str) -> str:
    """What only a server that knows the token can answer to a nonce."""
    return hmac.new(token.encode(), b"llamacli:" + nonce.encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> Running | None:
    try:
        with path.open(encoding="utf-8") as file:
            about = os.fstat(file.fileno())
            if sys.platform != "win32" and (about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077):
                return None
            return Running(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


def _proves(running: Running, patience_s: float) -> bool:
    from http.client import HTTPConnection, HTTPException  # rarely needed, and slow to import

    nonce = secrets.token_hex(16)
    address = urlsplit(running.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=patience_s)
    try:
        connection.request("GET", "/health", headers={"X-Llamacli-Nonce": nonce})
        told = json.loads(connection.getresponse().read(10_000))
        return hmac.compare_digest(str(told["proof"]), proof_of(running.token, nonce))
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()
