from collections.abc import Iterator
from pathlib import Path

import pytest

from llamacli.engine import Wanted, open_models
from llamacli.engine.base import Engine
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
