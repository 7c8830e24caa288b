"""How a server behaves under load, and how soon it answers: `python -m tests.server.measure warm|load|cache|schema`.

It starts `llamacli serve` with the built-in model as a process of its own and ends in one line of JSON. `schema` needs
schemathesis, which no test does.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]

from tests.server.conftest import environment, run_file, serving_at

CLIENTS, SECONDS = 50, 60.0


def first_byte_s(home: Path, *argv: str) -> float:
    """Seconds from the start of a command to the first byte of its answer."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "llamacli", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environment(home), cwd=home,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.read(1)
        taken = time.perf_counter() - started
        process.stdout.read()
    return taken


def warm(home: Path, _: str) -> dict[str, Any]:
    """The first byte of `ask` and of `classify`, warm and cold."""
    words = ("which", "command", "starts", "a", "chat")
    told = {}
    for command in ("ask", "classify"):
        times = [[first_byte_s(home, command, *more, *words) for _ in range(5)] for more in ((), ("--no-server",))]
        for kind, each in zip(("warm", "cold"), times, strict=True):
            told[f"{command}_{kind}_s"] = round(median(each), 3)
    return told


def cache(home: Path, url: str) -> dict[str, Any]:
    """The first token of the second turn of a conversation of 2,000 tokens against that of the first."""
    history = [{"role": "user", "content": "one two three four " * 500}]
    told: dict[str, Any] = {}
    for turn in ("first", "second"):
        started = time.perf_counter()
        body = {"messages": history, "max_tokens": 8, "seed": 1, "stream": True}
        body["stream_options"] = {"include_usage": True}
        usage: dict[str, Any] = {}
        text, taken = "", 0.0
        with httpx2.stream("POST", url + "/v1/chat/completions", json=body, timeout=60, trust_env=False) as response:
            for line in response.iter_lines():
                chunk = json.loads(line[6:]) if line.startswith("data: {") else {}
                for choice in chunk.get("choices", []):
                    piece = choice["delta"].get("content", "")
                    taken = taken or (time.perf_counter() - started if piece else 0.0)
                    text += piece
                usage = chunk.get("usage") or usage
        history += [{"role": "assistant", "content": text}, {"role": "user", "content": "and now"}]
        told |= {f"{turn}_s": round(taken, 4), f"{turn}_tokens": usage}
    return told | {"times": round(told["first_s"] / told["second_s"], 1)}


def load(home: Path, url: str, clients: int = CLIENTS, seconds: float = SECONDS) -> dict[str, Any]:
    """Many clients at once, of whom some break off in mid-stream: who was answered, refused, lost or mixed up."""
    process = psutil.Process(json.loads(run_file(home).read_text())["pid"])
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        rolls = random.Random(number)
        with httpx2.Client(base_url=url, timeout=seconds + 60, trust_env=False) as http:
            while time.monotonic() < until:
                counts[one(http, rolls, leaves=number < clients * 2 // 5 and rolls.random() < 0.3)] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    memory = []
    while any(thread.is_alive() for thread in threads):
        memory.append(process.memory_info().rss)
        time.sleep(0.5)
    left = httpx2.get(url + "/metrics", trust_env=False).text
    running = next(line for line in left.splitlines() if line.startswith("llamacli_requests_running"))
    third = len(memory) // 3
    grown = (median(memory[-third:]) - median(memory[third : 2 * third])) / 2**20
    return {"requests": dict(counts), "grown_mib": round(grown, 1), "running_after": int(running.split()[1])}


def one(http: httpx2.Client, rolls: random.Random, *, leaves: bool) -> str:
    """One question, and whether its answer is its own: the built-in model can add."""
    first, second = rolls.randrange(10, 50), rolls.randrange(10, 50)
    body = {
        "messages": [{"role": "user", "content": f"what is {first} + {second}"}],
        "stream": True, "temperature": 0, "max_tokens": 30,
    }  # fmt: skip
    text = ""
    with http.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code == 503:
            time.sleep(float(response.headers["Retry-After"]) * rolls.random())
            return "refused"
        for line in response.iter_lines():
            if line.startswith("data: {"):
                text += json.loads(line[6:])["choices"][0]["delta"].get("content", "")
                if leaves and text:
                    return "left"
            elif line == "data: [DONE]":
                return "answered" if text.startswith(f"{first} + {second} =") else "mixed up: " + text
    return "lost"


def schema(home: Path, url: str) -> dict[str, Any]:
    """Schemathesis against the OpenAPI document, which should meet no 500."""
    command = [
        "schemathesis",
        "run",
        url + "/openapi.json",
        "--checks",
        "not_a_server_error",
        "-n",
        "50",
        "--max-time",
        "120",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home)  # it leaves files
    sys.stderr.write(done.stdout[-4000:] + done.stderr[-2000:])
    return {"status": done.returncode}


MEASURES: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "warm": warm, "load": load, "cache": cache, "schema": schema,
}  # fmt: skip


def main() -> None:
    """Measure what is named."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        # Fewer places than clients, so that some are refused.
        with serving_at(home, "--queue", "30"):
            url = json.loads(run_file(home).read_text())["url"]
            sys.stdout.write(json.dumps(MEASURES[sys.argv[1]](home, url)) + "\n")


if __name__ == "__main__":
    main()
