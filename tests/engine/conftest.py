from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from llamacli import runfile
from llamacli.engine import Wanted, open_models
from llamacli.engine.base import Engine, EngineInfo
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.static import StaticDecoder
from llamacli.engine.remote import RemoteEngine
from tests.engine.remote import foreign
from tests.engine.remote.servers import EngineServer, serving
from tests.server.conftest import serving_at
from tests.settings import settings
from tests.tiny import save_llama


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def local_engine(tiny_llama: Path) -> Iterator[Engine]:
    models = open_models(settings(model=str(tiny_llama)), Wanted(classifier=False), lambda _: None)
    yield models.engine
    models.close()


@pytest.fixture(scope="session")
def quantized_engine(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same model in 4-bit by bitsandbytes."""
    chosen = settings(model=str(tiny_llama), quantization="4bit", cache_dir=tmp_path_factory.mktemp("copies"))
    models = open_models(chosen, Wanted(classifier=False), lambda _: None)
    assert models.engine.info.quantization == "4bit"
    yield models.engine
    models.close()


@pytest.fixture(scope="session")
def remote_engine(local_engine: Engine) -> Iterator[Engine]:
    """The same model behind a server."""
    with serving(EngineServer(local_engine)) as server:
        engine = RemoteEngine.at(server.url, None, "auto", lambda _: None)
        yield engine
        engine.close()


@pytest.fixture(scope="session")
def served_engine(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same model behind `llamacli serve`, a process of its own."""
    home = tmp_path_factory.mktemp("home")
    with serving_at(home, "-m", str(tiny_llama), "--classifier-device", "none"):
        running = runfile.find(home / ".local/share/llamacli")
        assert running is not None
        engine = RemoteEngine.at(running.url, running.token, "auto", lambda _: None)
        yield engine
        engine.close()


@pytest.fixture(scope="session")
def static_engine(tiny_llama: Path) -> Iterator[Engine]:
    """The same model over a cache of fixed size, as on a CUDA card, its steps run and not replayed."""
    model = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    info = EngineInfo("tiny", 4096, "cpu", "float32", "none")
    engine = LocalEngine(StaticDecoder(model, 4096, None), AutoTokenizer.from_pretrained(tiny_llama), info)
    yield engine
    engine.close()


def _asking(url: str, model: str) -> Iterator[Engine]:
    engine = RemoteEngine.at(url, None, model, lambda _: None)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def transformers_engine(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same model behind `transformers serve`."""
    with foreign.transformers_serve(tiny_llama, tmp_path_factory.mktemp("home")) as url:
        yield from _asking(url, str(tiny_llama))


@pytest.fixture(scope="session")
def llama_cpp_engine(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same model behind the server of llama.cpp."""
    with foreign.llama_cpp(tiny_llama, tmp_path_factory.mktemp("home")) as url:
        yield from _asking(url, "auto")


@pytest.fixture(scope="session")
def llama_cpp_python_engine(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same model behind the server of llama-cpp-python."""
    with foreign.llama_cpp_python(tiny_llama, tmp_path_factory.mktemp("home")) as url:
        yield from _asking(url, "auto")


@pytest.fixture(scope="session")
def vllm_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A model like it behind vLLM, which has no kernels for heads as small as those."""
    model = save_llama(tmp_path_factory.mktemp("tiny"), head_dim=32)
    with foreign.vllm(model, tmp_path_factory.mktemp("home")) as url:
        yield from _asking(url, "auto")
