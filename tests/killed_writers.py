"""Chats that are killed while they save: `python -m tests.killed_writers FILE KILLS`, which ends with a line of JSON.

Each writer is a process of its own. It says of every turn that it has ended; then it is killed, at any instant, and
what it said has to be in the file. Every so often the file is taken away, so that some die while they make it.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from itertools import count
from pathlib import Path

from llamacli.chat import ChatSession
from llamacli.engine.scripted import ScriptedEngine, scripted_models
from llamacli.history import History, Recording
from llamacli.history.index import available
from tests.settings import settings

_LONGEST_S = 0.03
_FRESH_EACH = 20


def answer(turn: int) -> str:
    """What the writer's model says in a turn; some of it long enough to fill pages."""
    return f"Answer {turn}. " + "word " * (turn % 5 * 300)


def write(path: Path, said: int) -> None:
    """Ask until somebody ends it, and tell of every turn that has ended."""
    recording = Recording(path, saving=True)
    engine = ScriptedEngine.saying(*map(answer, range(200)))
    chat = ChatSession.of(scripted_models(engine, None), settings(max_tokens=5000), recorder=recording)
    for turn in count():
        list(chat.ask(f"Prompt {turn}"))
        os.write(said, f"{recording.id} {turn + 1}\n".encode())


def killed(path: Path, turns: int, after_s: float) -> tuple[str, int] | None:
    """The id and the turns that a writer told of, which is killed so long after it told of so many turns."""
    reading, writing = os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(reading)
        write(path, writing)
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:
        lines = [stream.readline() for _ in range(turns)]
        time.sleep(after_s)
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        lines += stream.readlines()
    return (lines[-1].split()[0], int(lines[-1].split()[1])) if lines else None


def lost(path: Path, name: str, turns: int) -> list[int]:
    """The turns that are not in the file as they were told."""
    contents = [message.content for message in History(path).read(name).conversation.messages]
    assert turns <= len(contents) // 2 <= turns + 1  # one more may be saved than was told
    return [turn for turn in range(turns) if contents[2 * turn : 2 * turn + 2] != [f"Prompt {turn}", answer(turn)]]


def main(path: Path, kills: int) -> dict[str, object]:
    """Kill so many; what was lost, and whether the file is whole."""
    rolls = random.Random(7)
    told: dict[str, int] = {}
    seen, missing = 0, 0
    for number in range(kills):
        if number % _FRESH_EACH == 0:
            told = {}
            for file in path.parent.glob(path.name + "*"):
                file.unlink()
        if (claim := killed(path, rolls.randint(0, 3), rolls.uniform(0, _LONGEST_S))) is not None:
            told[claim[0]] = claim[1]
            seen += claim[1]
        History(path).summaries()
        missing += sum(len(lost(path, name, turns)) for name, turns in told.items())
    connection = sqlite3.connect(path)
    whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if available(connection):
        connection.execute("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 1)")
    connection.close()
    return {"kills": kills, "turns": seen, "lost": missing, "integrity": whole}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
