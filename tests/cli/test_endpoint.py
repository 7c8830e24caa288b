"""`--endpoint`: the same commands, with a model that runs on a server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llamacli.engine.scripted import Reply, ScriptedEngine
from llamacli.errors import EngineFailed
from tests.engine.remote.servers import EngineServer, Exchange, answering, serving

ROOT = Path(__file__).parent.parent.parent
IMPORTED = (
    "import sys\nfrom llamacli.cli.main import main\nstatus = main(sys.argv[1:])\n"
    "print(sorted({'torch', 'transformers'} & set(sys.modules)), status, file=sys.stderr)\n"
)


def run(*argv: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", IMPORTED, *argv]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.run(
        command, capture_output=True, text=True, env=environ, cwd=cwd, timeout=60, stdin=subprocess.DEVNULL, check=False
    )


def test_an_answer_comes_from_the_server_and_nothing_heavy_is_imported() -> None:
    with serving(EngineServer(ScriptedEngine.saying("From afar, 안녕."))) as server:
        done = run("ask", "--endpoint", server.url, "--complexity", "off", "--json", "hi")
    assert done.stderr.splitlines() == ["[] 0"]
    told = json.loads(done.stdout)
    assert (told["answer"], told["model"], told["devices"]["model"]) == ("From afar, 안녕.", "small", server.url)


def test_the_built_in_classifier_sets_the_budget_here() -> None:
    with serving(EngineServer(ScriptedEngine.saying("word " * 600))) as server:
        done = run("ask", "--json", "write a business plan", env={"LLAMACLI_ENDPOINT": server.url + "/v1"})
    told = json.loads(done.stdout)
    assert told["complexity"]["source"] == "classifier"
    assert told["usage"]["completion_tokens"] == told["complexity"]["max_tokens"]
    assert told["finish_reason"] == "length"


def test_a_dropped_connection_keeps_what_came_and_says_so() -> None:
    def drop(exchange: Exchange, body: Any) -> None:
        exchange.begin()
        exchange.text("Half an")
        exchange.drop()

    with serving(answering(drop)) as server:
        done = run("ask", "--endpoint", server.url, "-n", "50", "hi")
    assert done.stdout == "Half an\n"
    assert "broke off amid its answer" in done.stderr
    assert done.stderr.splitlines()[-1] == "[] 1"


def test_an_error_of_the_server_s_model_is_the_same_error_here() -> None:
    fault = Reply("one two three", fault=EngineFailed("The card failed.", hint="--device cpu"), fault_after=1)
    with serving(EngineServer(ScriptedEngine.saying(fault))) as server:
        done = run("ask", "--endpoint", server.url, "-n", "50", "hi")
    assert done.stdout == "one\n"
    assert done.stderr.splitlines() == ["error: The card failed.", "hint: --device cpu", "[] 1"]


@pytest.mark.parametrize(("url", "status"), [("ftp://host", 2), ("host:8000", 2), ("http://", 2)])
def test_what_is_no_address_is_refused(url: str, status: int) -> None:
    assert run("ask", "--endpoint", url, "hi").stderr.splitlines()[-1] == f"[] {status}"


def test_a_found_dotenv_neither_names_a_server_nor_sends_a_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LLAMACLI_ENDPOINT=http://127.0.0.1:1\nLLAMACLI_API_KEY=sk-theirs\n")
    with serving(EngineServer(ScriptedEngine.saying("Mine."))) as server:
        done = run("ask", "-n", "5", "hi", env={"LLAMACLI_ENDPOINT": server.url}, cwd=tmp_path)
        assert not any("Authorization" in headers for _, _, headers in server.seen)
    assert done.stdout == "Mine.\n"
    assert "LLAMACLI_ENDPOINT in ./.env is ignored" in run("config", cwd=tmp_path).stderr
    assert "LLAMACLI_API_KEY in ./.env is ignored" in done.stderr
    assert "sk-theirs" not in done.stderr
