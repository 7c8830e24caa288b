"""What is found of this machine, its libraries and the models on its disk."""

from pathlib import Path

import pytest

from llamacli.engine import survey_machine
from tests.settings import settings
from tests.tiny import save_llama


def test_this_machine_is_described_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cache = tmp_path / "not" / "there"
    found = survey_machine(settings(cache_dir=cache))
    assert capfd.readouterr() == ("", "")
    assert found.machine.ram_mib > 500
    assert found.bitsandbytes_fault == ""
    assert found.free_bytes[cache] > 0
    assert {"builtin", "builtin-classifier"} <= set(found.stored)
    assert not cache.exists()


def test_a_model_that_was_asked_for_is_described_where_it_is_whole(tiny_llama: Path) -> None:
    stored = survey_machine(settings(model=str(tiny_llama))).stored[str(tiny_llama)]
    assert stored.directory == tiny_llama
    assert stored.size == (tiny_llama / "model.safetensors").stat().st_size
    assert stored.shape.layers == 2


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_model_that_is_not_whole_is_not_there(tmp_path: Path, missing: str) -> None:
    directory = save_llama(tmp_path / "model")
    (directory / missing).unlink()
    assert str(directory) not in survey_machine(settings(model=str(directory))).stored


@pytest.mark.parametrize("name", ["no name!", "nobody/nothing", "./nowhere"])
def test_a_model_that_is_not_on_disk_is_not_there(name: str) -> None:
    assert name not in survey_machine(settings(model=name)).stored
