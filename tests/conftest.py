"""What holds for all tests: they run as if nobody had set anything."""

import os

import pytest

_PERSONAL = ("HF_TOKEN", "HUGGING_FACE_TOKEN", "NO_COLOR", "FORCE_COLOR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name in _PERSONAL or name.startswith("LLAMACLI_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp()))  # where programs keep what they are asked
