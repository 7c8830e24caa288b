"""`llamacli serve` as a process: its run file, its end, and its neighbours."""

import json
import signal
import stat
import threading
import time
from pathlib import Path

import httpx2
import pytest

from llamacli import runfile
from tests.server.conftest import Start, llamacli, run_file
from tests.server.running import question


def test_a_server_s_life(start: Start, tmp_path: Path) -> None:
    process = start("-m", "builtin")
    told = json.loads(run_file(tmp_path).read_text())
    assert stat.S_IMODE(run_file(tmp_path).stat().st_mode) == 0o600
    assert (told["pid"], told["model"]) == (process.pid, "builtin")
    answer = httpx2.post(told["url"] + "/Llama", json={"input_data": "what is 17 + 25"}, timeout=30, trust_env=False)
    assert "42" in answer.json()["output_data"]

    status = llamacli(tmp_path, "serve", "--status")
    assert (status.returncode, status.stdout) == (0, f"builtin at {told['url']}, process {process.pid}\n")
    second = llamacli(tmp_path, "serve")
    assert second.returncode == 1
    assert "running already" in second.stderr

    stopped = llamacli(tmp_path, "serve", "--stop")
    assert (stopped.returncode, process.wait(10)) == (0, 0)
    assert not run_file(tmp_path).exists()
    assert llamacli(tmp_path, "serve", "--status").returncode == 1
    log = (tmp_path / "err").read_text()
    assert "POST /Llama 200" in log
    assert "17 + 25" not in log
    assert told["token"] not in log


def test_sigterm_amid_an_answer_lets_it_end(start: Start, tmp_path: Path) -> None:
    process = start("-m", "builtin", "--complexity", "off")
    url = json.loads(run_file(tmp_path).read_text())["url"]
    answers: list[httpx2.Response] = []

    def ask() -> None:
        body = question("tell me a story", max_tokens=200, temperature=2, seed=1)
        answers.append(httpx2.post(url + "/v1/chat/completions", json=body, timeout=30, trust_env=False))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    asking.join()
    assert process.wait(20) == 0
    assert answers[0].status_code == 200
    assert answers[0].json()["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--host", "0.0.0.0"], "have to show a token"),
        (["--idle", "soon"], "no length of time"),
        (["--allow", "nonsense"], "nonsense"),
    ],
)
def test_what_is_refused_before_anything_is_loaded(tmp_path: Path, argv: list[str], words: str) -> None:
    done = llamacli(tmp_path, "serve", *argv)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_run_file_is_believed_only_where_it_can_be(tmp_path: Path) -> None:
    running = runfile.Running("http://127.0.0.1:1", "t", 1, "builtin", "auto")
    runfile.write(tmp_path, running)
    assert runfile._read(runfile.run_file(tmp_path)) == running
    runfile.run_file(tmp_path).chmod(0o644)
    assert runfile._read(runfile.run_file(tmp_path)) is None
    runfile.run_file(tmp_path).write_text("{")
    runfile.run_file(tmp_path).chmod(0o600)
    assert runfile.find(tmp_path) is None


def test_a_program_that_took_the_port_is_not_believed(tmp_path: Path) -> None:
    from tests.engine.remote.servers import serving

    with serving(lambda exchange, path, body: exchange.json({"proof": "0" * 64})) as impostor:
        runfile.write(tmp_path, runfile.Running(impostor.url, "secret", 1, "builtin", "auto"))
        assert runfile.find(tmp_path) is None
        assert not any("secret" in str(headers) for _, _, headers in impostor.seen)
