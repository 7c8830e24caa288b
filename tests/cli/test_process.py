"""What only a process can show: signals, closed descriptors, and its end while a model still loads."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llamacli.cli.context import World

Start = Callable[..., "subprocess.Popen[bytes]"]

PROGRAM = """
import sys
from concurrent.futures import Future
from dataclasses import replace
from llamacli.cli.context import World
from llamacli.cli.main import entry_point
from llamacli.engine import Models
from llamacli.engine.scripted import Reply, ScriptedClassifier, ScriptedEngine, scripted_models

engine = ScriptedEngine.saying(Reply("one two " + "more " * 400, pause_s=0.05))

def open_models(settings, wanted, report):
    if settings.model == "endless":
        print("loading", file=sys.stderr, flush=True)
        return Models(Future(), None)
    return scripted_models(engine, ScriptedClassifier())

entry_point(replace(World.of_process(), open_models=open_models))
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the program in a shell, with a slow scripted model; `-m endless` never finishes loading."""
    processes: list[subprocess.Popen[bytes]] = []

    def started(*argv: str, redirect: str = "</dev/null") -> "subprocess.Popen[bytes]":
        command = ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-c", PROGRAM, *argv]
        root = Path(__file__).parent.parent.parent
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, bufsize=0)
        processes.append(process)
        return process

    yield started
    for process in processes:
        with process:
            process.kill()


def ended(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes, int]:
    out, err = process.communicate(timeout=20)
    return out, err, process.returncode


def first_bytes(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.read(3)


def test_ctrl_c_keeps_what_came(start: Start) -> None:
    process = start("ask", "count")
    assert first_bytes(process) == b"one"
    process.send_signal(signal.SIGINT)
    out, err, status = ended(process)
    assert out.endswith(b"\n")
    assert b"more " * 300 not in out
    assert (err, status) == (b"The answer was stopped.\n", 130)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_being_told_to_end_ends_the_answer_in_order(start: Start, number: signal.Signals, status: int) -> None:
    process = start("ask", "count")
    first_bytes(process)
    process.send_signal(number)
    out, err, ended_with = ended(process)
    assert out.endswith(b"\n")
    assert (err, ended_with) == (b"", status)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_loading_can_be_interrupted(start: Start, number: signal.Signals, status: int) -> None:
    process = start("ask", "count", "-m", "endless")
    assert process.stderr is not None
    assert process.stderr.readline() == b"loading\n"
    process.send_signal(number)
    assert ended(process) == (b"", b"", status)


def test_a_reader_that_goes_away_ends_it_quietly(start: Start) -> None:
    process = start("ask", "count")
    first_bytes(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(20)) == (b"", 141)


def test_closed_descriptors_are_no_obstacle(start: Start) -> None:
    assert ended(start("ask", "count", "-n", "2", redirect="<&-"))[0] == b"one two\n"
    assert ended(start("ask", "count", "-n", "2", redirect="</dev/null 2>&-"))[::2] == (b"one two\n", 0)
    assert ended(start("ask", "count", "-n", "2", redirect="</dev/null >&-"))[0::2] == (b"", 0)


def test_a_full_disk_is_told(start: Start) -> None:
    _, err, status = ended(start("ask", "count", redirect="</dev/null >/dev/full"))
    assert (err, status) == (
        b"error: Writing or reading: No space left on device.\nhint: Check its space and its permissions.\n",
        1,
    )


def test_python_m_is_the_same_program() -> None:
    shown = subprocess.run([sys.executable, "-m", "llamacli", "--version"], capture_output=True, check=True, text=True)
    assert shown.stdout.startswith("llamacli ")


INTERRUPTED_IMPORT = """
import os, runpy, signal, sys
class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "llamacli.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
runpy.run_module("llamacli", run_name="__main__")
"""


def test_ctrl_c_is_quiet_while_the_program_is_still_imported() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_silent_pipe_is_awaited_five_seconds_at_least() -> None:
    assert World.of_process().patience_s == 5
