"""`llamacli doctor` on this machine, the whole program."""

from pathlib import Path
from typing import Any

import pytest

from llamacli.terminal.doctor_reports import doctor_text
from tests.shell import run


def checks(**options: Any) -> dict[str, dict[str, str]]:
    """Each check as `doctor --json` shows it."""
    shown = run("doctor", "--json", **options).json
    assert shown["schema"] == 1
    return {check["id"]: check for check in shown["checks"]}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"LLAMACLI_CACHE_DIR": str(tmp_path / "cache"), "LLAMACLI_DEVICE": "cpu"}


def test_this_machine_can_run_something(env: dict[str, str]) -> None:
    found = checks(env=env)
    assert {"python", "torch", "transformers", "bitsandbytes", "memory", "disk-hub", "disk-cache"} <= set(found)
    assert found["model:builtin"]["status"] == "ok"
    assert found["model"]["finding"].startswith("Using the small built-in model.")
    assert "on the CPU" in found["placement"]["finding"]


def test_for_people_each_check_is_a_line_with_its_remedy_below(env: dict[str, str]) -> None:
    result = run("doctor", env={**env, "OMP_NUM_THREADS": "1"})
    lines = result.out.splitlines()
    [place] = [place for place, line in enumerate(lines) if "OMP_NUM_THREADS" in line]
    assert lines[place].startswith("warn  OMP_NUM_THREADS ")
    assert lines[place + 1].strip().startswith("-> Unset it")
    assert result.err == ""


def test_the_token_is_never_shown(env: dict[str, str]) -> None:
    env = {**env, "HUGGING_FACE_TOKEN": "hf_secret"}
    result = run("doctor", env=env)
    assert "HUGGING_FACE_TOKEN in the environment" in result.out
    assert "hf_secret" not in result.out + result.err


def test_a_file_in_the_working_directory_is_told(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LLAMACLI_TOP_K=9\nLLAMACLI_DATA_DIR=/elsewhere\n")
    found = checks(env=env, cwd=tmp_path)
    assert "top_k" in found["./.env"]["finding"]
    assert "LLAMACLI_DATA_DIR" in found["ignored"]["finding"]


def test_nothing_that_can_run_is_status_1(env: dict[str, str]) -> None:
    assert "fail  model" in run("doctor", "--model", "./nowhere", env=env, status=1).out
    assert "fail  model" in run("doctor", "--model", "~nobody-here/x", env=env, status=1).out
    assert run("doctor", "--json", "--device", "cuda:77", env=env, status=1).json["can_run"] is False


def test_libraries_that_cannot_be_imported_are_a_finding(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise OSError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr("llamacli.doctor.survey_machine", broken)
    result = run("doctor", env=env, status=1)
    assert "libtorch.so" in result.out


def test_lines_are_wrapped_under_their_finding() -> None:
    from llamacli.doctor import Check, Diagnosis, Status

    shown = doctor_text(
        Diagnosis((Check("a", Status.OK, "one two " * 9), Check("bb", Status.WARN, "x", "y")), True), 40
    )
    first, *rest = shown.splitlines()
    assert first == "ok    a   one two one two one two one"
    assert rest[0].startswith(" " * 10 + "two")
    assert rest[-1] == " " * 10 + "-> y"
