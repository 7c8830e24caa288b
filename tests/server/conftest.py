import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `llamacli serve` at home in `tmp_path`, on any free port, and wait until it serves."""
    processes: list[subprocess.Popen[bytes]] = []

    def started(*argv: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "llamacli", "serve", "--port", "0", *argv]
        with (tmp_path / "err").open("wb") as err:
            process = subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, stderr=err, stdout=err)
        processes.append(process)
        until = time.monotonic() + 60
        while not run_file(tmp_path).exists():
            assert process.poll() is None, (tmp_path / "err").read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
        return process

    yield started
    for process in processes:
        with process:
            process.send_signal(signal.SIGKILL)
