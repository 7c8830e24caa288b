"""A running server of the same user answers in place of models that would have to be loaded."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llamacli.runfile import Running
from tests.server.conftest import Start, environment, llamacli, run_file, serving_at
from tests.settings import settings

PROGRAM = (
    "import sys\nfrom llamacli.cli.main import main\nstatus = main(sys.argv[1:])\n"
    "print('torch' in sys.modules, status, file=sys.stderr)\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of somebody whose server is running, with the model that `auto` is on a machine without a card."""
    made = tmp_path_factory.mktemp("home")
    with serving_at(made, "-m", "builtin", "--device", "cpu"):
        yield made


def said(home: Path, *argv: str) -> tuple[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv], capture_output=True, text=True, env=environment(home), cwd=home,
        timeout=100, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.stdout, done.stderr.splitlines()


SAMPLED = ("--seed", "3", "--temperature", "1.5")


def test_warm_and_cold_say_the_same(home: Path) -> None:
    words = ("한국어로", "긴", "이야기를", "해", "줘", "🦙", "or", "in", "English")
    warm, warm_errors = said(home, "ask", *SAMPLED, *words)
    assert warm_errors[-1] == "False 0"
    cold, cold_errors = said(home, "ask", "--no-server", *SAMPLED, *words)
    assert cold_errors[-1] == "True 0"
    assert (warm, warm_errors[:-1]) == (cold, cold_errors[:-1])
    assert warm_errors[0].startswith("Using the small built-in model. ")


def test_json_says_the_same_but_for_the_times(home: Path) -> None:
    told = []
    for more in ((), ("--no-server",)):
        out, _ = said(home, "ask", "--json", "--no-save", *more, *SAMPLED, "which", "command", "starts", "a", "chat")
        found = json.loads(out)
        found.pop("timings")
        found["usage"].pop("cached_tokens")  # the template's first tokens were read before
        scores = found["complexity"]["scores"]
        found["complexity"]["scores"] = {level: round(score, 2) for level, score in scores.items()}
        told.append(found)
    assert told[0] == told[1]


def test_classify_and_chat_are_warm_too_and_stats_say_so(home: Path) -> None:
    out, errors = said(home, "classify", "--scores", "write", "a", "business", "plan")
    assert errors == ["False 0"]
    assert out == said(home, "classify", "--no-server", "--scores", "write", "a", "business", "plan")[0]
    _, errors = said(home, "ask", "--stats", "hello")
    assert any(line.startswith("Asking the server at http://127.0.0.1:") for line in errors)
    chat = subprocess.run(
        [sys.executable, "-c", PROGRAM, "chat"], input="I am Ada.\nwhat is my name\n", capture_output=True, text=True,
        env=environment(home), cwd=home, timeout=100, check=False,
    )  # fmt: skip
    assert "Ada" in chat.stdout
    assert chat.stderr.splitlines()[-1] == "False 0"


def test_errors_are_the_same(home: Path) -> None:
    words = "word " * 9000
    warm, cold = (said(home, "ask", *more, words)[1] for more in ((), ("--no-server",)))
    assert warm[:-1] == cold[:-1]
    assert warm[0].startswith("error: The prompt is too long: ")
    assert warm[-1].endswith(" 2")


def test_another_model_is_not_asked_of_the_server(home: Path) -> None:
    out, errors = said(home, "ask", "-m", "/nowhere/model", "hi")
    assert out == ""
    assert errors[-1].startswith("True ")


CPU = {"device": ("auto", "cpu"), "quantization": ("auto", "none"), "classifier_device": ("auto", "cpu")}


@pytest.mark.parametrize(
    ("server", "wish", "serves"),
    [
        ({}, {}, False),
        ({"auto": True}, {}, True),
        ({"auto": True}, {"model": "other"}, False),
        ({}, {"model": "builtin"}, True),
        ({"asked": "auto"}, {}, True),
        ({"asked": "auto", "placed": {"device": ("cpu", "cpu")}}, {}, False),
        ({"asked": "auto", "placed": CPU | {"device": ("cpu", "cpu")}}, {"device": "cpu"}, True),
        ({"auto": True}, {"device": "cpu"}, True),
        ({"auto": True}, {"device": "cuda"}, False),
        ({"auto": True, "placed": {"device": ("auto", "cuda:0")}}, {"device": "cuda"}, True),
        ({"auto": True, "placed": {"device": ("auto", "cuda:0")}}, {"device": "cuda:1"}, False),
        ({"auto": True}, {"quantization": "4bit"}, False),
        ({"auto": True}, {"classifier_device": "none"}, True),
        ({"auto": True}, {"classifier_device": "cuda:0"}, False),
    ],
)
def test_a_server_is_asked_where_it_has_what_would_have_been_loaded(
    server: dict[str, Any], wish: dict[str, Any], serves: bool
) -> None:
    told: dict[str, Any] = {
        "url": "http://127.0.0.1:1",
        "token": "t",
        "pid": 1,
        "model": "builtin",
        "asked": "builtin",
        "rates": "cpu",
    }
    running = Running(**told | {"placed": CPU} | server)
    assert running.serves(settings(**{"model": "auto"} | wish)) is serves


def test_a_server_that_was_killed_is_no_obstacle(start: Start, tmp_path: Path) -> None:
    process = start()
    process.kill()
    process.wait()
    assert run_file(tmp_path).exists()
    out, errors = said(tmp_path, "ask", "what", "is", "17", "+", "25")
    assert "42" in out
    assert errors[-1] == "True 0"
    assert llamacli(tmp_path, "serve", "--status").returncode == 1


def test_ctrl_c_stops_the_answer_here_and_there(home: Path) -> None:
    # At this temperature the built-in model goes on for long.
    options = ["-m", "builtin", "-n", "1500", "--temperature", "5", "--top-p", "1"]
    command = [sys.executable, "-m", "llamacli", "ask", *options, "hello"]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    asking = subprocess.Popen(command, env=environment(home), cwd=home, stdin=null, stdout=pipe, stderr=pipe)
    assert asking.stdout is not None
    assert asking.stdout.read(1)
    asking.send_signal(signal.SIGINT)
    _, err = asking.communicate(timeout=20)
    assert (asking.returncode, err) == (130, b"The answer was stopped.\n")
    started = time.monotonic()
    out, _ = said(home, "ask", "what", "is", "17", "+", "25")
    assert "42" in out
    assert time.monotonic() - started < 10
