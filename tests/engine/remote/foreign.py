"""Servers that nobody here wrote, as processes on this machine, with a model that is made here."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest

_TRANSFORMERS = "from transformers.cli.transformers import main; main()"
_LLAMA_CPP = """
import signal, sys, xllamacpp
wishes = xllamacpp.CommonParams()
wishes.model.path, wishes.hostnames, wishes.port = sys.argv[1], ["127.0.0.1"], int(sys.argv[2])
wishes.n_ctx, wishes.n_parallel, wishes.cpuparams.n_threads = 4096, 1, 2
server = xllamacpp.Server(wishes)
signal.pause()
"""
_OTHER = "LLAMA_CPP_PYTHON"
_COMPILE = "python -m venv other; other/bin/pip install 'llama-cpp-python[server]'"
_VLLM = "VLLM_PYTHON"


@contextmanager
def transformers_serve(model: Path, home: Path) -> Iterator[str]:
    """`transformers serve`, which loads the model that a request names by its directory."""
    for name in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(name)
    port = _free_port()
    command = [sys.executable, "-c", _TRANSFORMERS, "serve", str(model), "--port", str(port), "--host", "127.0.0.1"]
    with _running(command, port, home, "/health") as url:
        yield url


@contextmanager
def llama_cpp(model: Path, home: Path) -> Iterator[str]:
    """llama.cpp's own server, out of the wheel of xllamacpp."""
    for name in ("xllamacpp", "gguf"):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not here: pip install xllamacpp gguf")
    port = _free_port()
    with _running([sys.executable, "-c", _LLAMA_CPP, str(_gguf(model, home)), str(port)], port, home, "/health") as url:
        yield url


@contextmanager
def llama_cpp_python(model: Path, home: Path) -> Iterator[str]:
    """The server of llama-cpp-python, written in Python; compiled for ten minutes, so not among the requirements."""
    if _OTHER not in os.environ:
        pytest.skip(f"{_COMPILE}; {_OTHER}=other/bin/python python -m pytest -k llama_cpp_python")
    port = _free_port()
    options = ["--model", str(_gguf(model, home)), "--port", str(port), "--n_ctx", "4096", "--n_threads", "2"]
    command = [os.environ[_OTHER], "-m", "llama_cpp.server", *options]
    with _running(command, port, home, "/v1/models") as url:
        yield url


@contextmanager
def vllm(model: Path, home: Path) -> Iterator[str]:
    """vLLM, which needs an environment of its own, two gigabytes of it, and a minute to start."""
    if _VLLM not in os.environ:
        pytest.skip(f"{_VLLM}=other/bin/python python -m pytest -o timeout=600 -k vllm, with vLLM in that environment")
    port = _free_port()
    options = ["--model", str(model), "--port", str(port), "--host", "127.0.0.1", "--enforce-eager"]
    command = [os.environ[_VLLM], "-m", "vllm.entrypoints.openai.api_server", *options]
    with _running(command, port, home, "/health", starting_s=300) as url:
        yield url


def _gguf(model: Path, home: Path) -> Path:
    from tests.engine.remote.gguf_file import write_gguf

    return write_gguf(model, home / "model.gguf")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], port: int, home: Path, path: str, starting_s: float = 90) -> Iterator[str]:
    environ = {**os.environ, "HOME": str(home), "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url + path, process, home / "log", time.monotonic() + starting_s)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path, until: float) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        try:
            if httpx2.get(url, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
