import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

Start = Callable[..., "subprocess.Popen[bytes]"]


def environment(home: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("LLAMACLI_", "XDG_", "HF_"))}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


def llamacli(home: Path, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run the program as its user would."""
    command = [sys.executable, "-m", "llamacli", *argv]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(home), cwd=home, timeout=100,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def run_file(home: Path) -> Path:
    return home / ".local/share/llamacli/server.json"


@contextmanager
def serving_at(home: Path, *argv: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`llamacli serve` of somebody who lives at `home`, on any free port, once it serves."""
    command = [sys.executable, "-m", "llamacli", "serve", "--port", "0", *argv]
    with (home / "err").open("wb") as err:
        process = subprocess.Popen(command, env=environment(home), cwd=home, stderr=err, stdout=err)
    try:
        until = time.monotonic() + 60
        while not run_file(home).exists():
            assert process.poll() is None, (home / "err").read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield process
    finally:
        with process:
            process.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server at home in `tmp_path`."""
    with ExitStack() as stack:
        yield lambda *argv: stack.enter_context(serving_at(tmp_path, *argv))
