"""`llamacli config`, the whole program, and where it finds what it shows."""

from pathlib import Path
from typing import Any

import pytest

from llamacli.settings import SETTINGS
from tests.shell import NOWHERE, run


def shown(*, env: dict[str, str] | None = None, cwd: Path = NOWHERE) -> dict[str, Any]:
    """Each setting as `config --json` shows it."""
    listed = run("config", "--json", env=env, cwd=cwd).json
    assert listed["schema"] == 1
    return {entry["id"]: entry for entry in listed["settings"]}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A working directory, and an environment with a configuration directory."""
    (tmp_path / "work").mkdir()
    (tmp_path / "conf").mkdir()
    return tmp_path / "work", {"LLAMACLI_CONFIG_DIR": str(tmp_path / "conf")}


def test_every_setting_is_shown_in_the_order_of_the_table() -> None:
    assert list(shown()) == [setting.name for setting in SETTINGS]
    assert [line.split()[0] for line in run("config").out.splitlines()] == [setting.name for setting in SETTINGS]


def test_each_place_beats_the_ones_below_it(places: tuple[Path, dict[str, str]]) -> None:
    cwd, env = places
    conf = Path(env["LLAMACLI_CONFIG_DIR"]) / ".env"
    conf.write_text("LLAMACLI_TOP_K=3\nLLAMACLI_SEED=3\nLLAMACLI_MODEL=three\n")
    (cwd / ".env").write_text("LLAMACLI_TOP_K=2\nLLAMACLI_SEED=2\n")
    found = shown(env={**env, "LLAMACLI_TOP_K": "1"}, cwd=cwd)
    assert [(found[name]["value"], found[name]["source"]) for name in ("top_k", "seed", "model", "top_p")] == [
        (1, "LLAMACLI_TOP_K in the environment"),
        (2, "LLAMACLI_SEED in ./.env"),
        ("three", f"LLAMACLI_MODEL in {conf}"),
        (0.63, "default"),
    ]


def test_an_option_beats_the_environment() -> None:
    result = run("ask", "hi", "--top-k", "9", env={"LLAMACLI_TOP_K": "1"})
    assert result.settings is not None
    assert (result.settings.top_k, result.settings.sources["top_k"]) == (9, "option --top-k")


def test_a_flag_may_be_taken_back() -> None:
    result = run("ask", "hi", "--no-stats", env={"LLAMACLI_STATS": "1"})
    assert result.err == ""


def test_the_directories_are_not_taken_from_the_working_directory(places: tuple[Path, dict[str, str]]) -> None:
    cwd, env = places
    (cwd / ".env").write_text("LLAMACLI_DATA_DIR=/elsewhere\nLLAMACLI_SEED=2\n")
    result = run("config", "--json", env=env, cwd=cwd)
    assert result.err == "LLAMACLI_DATA_DIR in ./.env is ignored: put it into your environment instead.\n"
    found = {entry["id"]: entry["value"] for entry in result.json["settings"]}
    assert (found["data_dir"], found["seed"]) == (str(NOWHERE / ".local/share/llamacli"), 2)


def test_in_the_configuration_directory_its_file_is_ones_own(places: tuple[Path, dict[str, str]]) -> None:
    conf = Path(places[1]["LLAMACLI_CONFIG_DIR"])
    (conf / ".env").write_text("LLAMACLI_DATA_DIR=/elsewhere\n")
    assert shown(env=places[1], cwd=conf)["data_dir"]["value"] == "/elsewhere"


def test_a_file_neither_interpolates_nor_enters_the_environment(
    places: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cwd, env = places
    monkeypatch.setenv("SECRET", "leaked")
    (cwd / ".env").write_text("LLAMACLI_SYSTEM='Say ${SECRET}'\nOTHER=1\n")
    assert shown(env=env, cwd=cwd)["system"]["value"] == "Say ${SECRET}"
    assert "OTHER" not in __import__("os").environ


@pytest.mark.parametrize("content", [b"LLAMACLI_SEED=\xff\n", None])
def test_a_file_that_cannot_be_read_is_ignored_with_a_notice(
    places: tuple[Path, dict[str, str]], content: bytes | None
) -> None:
    cwd, env = places
    if content is None:
        (cwd / ".env").mkdir()
    else:
        (cwd / ".env").write_bytes(content)
    result = run("config", env=env, cwd=cwd)
    assert ("is ignored" in result.err) == (content is not None)


def test_secrets_are_masked() -> None:
    result = run("config", env={"HF_TOKEN": "hf_secret"})
    assert "hf_secret" not in result.out
    assert "********" in result.out
    assert shown(env={"HUGGING_FACE_TOKEN": "hf_secret"})["hub_token"] == {
        "id": "hub_token",
        "value": "********",
        "source": "HUGGING_FACE_TOKEN in the environment",
    }


def test_a_value_that_is_not_allowed_is_refused_with_its_origin() -> None:
    result = run("config", env={"LLAMACLI_TOP_K": "many"}, status=2)
    assert "LLAMACLI_TOP_K in the environment" in result.err
