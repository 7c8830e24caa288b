"""Saved conversations as only processes can lose them: many at once, and killed at any instant."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from llamacli.history import FILE_NAME, History

ROOT = Path(__file__).parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def start(path: Path, script: Mapping[str, object], *argv: str) -> "subprocess.Popen[str]":
    """The program with scripted models, as a process that reads and writes pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scripted_program", json.dumps(script), *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"LLAMACLI_DATA_DIR": str(path.parent)},
    )


def asked_at_once(path: Path, count: int, *options: str) -> list[str]:
    """Ask so many questions by as many processes at once; the ids of the conversations that they say they saved."""
    script = {"replies": [{"text": "An answer."}]}
    processes = [start(path, script, "ask", "--save", "--json", *options, "question", str(n)) for n in range(count)]
    ended = [process.communicate(timeout=100) for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    if not options:
        assert {err for _, err in ended} == {""}
    return [json.loads(out)["conversation"] for out, _ in ended]


def contents(path: Path, name: str) -> list[str]:
    return [message.content for message in History(path).read(name).conversation.messages]


def test_thirty_that_ask_at_once_save_thirty_conversations(path: Path) -> None:
    ids = asked_at_once(path, 30)
    assert len(set(ids)) == 30
    for number, name in enumerate(ids):
        assert contents(path, name) == [f"question {number}", "An answer."]
    assert len(History(path).search("question")) == 30


def test_those_that_go_on_with_one_conversation_at_once_lose_nothing(path: Path) -> None:
    [first] = asked_at_once(path, 1)
    ids = asked_at_once(path, 6, "--conversation", first)
    for number, name in enumerate(ids):
        said = contents(path, name)
        assert said[:2] == ["question 0", "An answer."]
        assert f"question {number}" in said[2::2]  # after others', where it began when they had ended


def test_two_hundred_that_are_killed_while_they_save_lose_no_turn_that_they_told_of(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_writers", str(path), "200"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kills"], found["lost"], found["integrity"]) == (200, 0, "ok")
    assert found["turns"] > 100


@pytest.mark.parametrize("seed", range(5))
def test_a_chat_that_is_killed_has_saved_every_answer_that_it_showed_to_its_end(path: Path, seed: int) -> None:
    script = {"replies": [{"text": f"Answer {number}."} for number in range(60)]}
    process = start(path, script, "chat")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"prompt {number}\n" for number in range(60)))
    process.stdin.flush()
    shown = [process.stdout.readline() for _ in range(random.Random(seed).randint(1, 40))]
    process.send_signal(signal.SIGKILL)
    shown += process.communicate()[0].splitlines(keepends=True)
    whole = [line for line in shown if line.endswith(".\n")]
    said = contents(path, History(path).latest())
    assert said[1::2][: len(whole)] == [line.strip() for line in whole]
