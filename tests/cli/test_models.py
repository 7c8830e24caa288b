"""`llamacli models`: what is on disk, fetched and deleted, from a hub on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from llamacli.engine.local import checkpoints
from llamacli.engine.local.checkpoints import About
from tests.hub import Hub, as_the_hub, serving
from tests.pseudo_terminal import PseudoTerminal
from tests.shell import Result, run
from tests.tiny import save_llama

ROOT = Path(__file__).parent.parent.parent
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def hub(tmp_path: Path, tiny: Path) -> Iterator[Hub]:
    with as_the_hub(tmp_path / "hub") as made:
        made.publish("some/model", tiny)
        made.publish(LLAMA, tiny)
        yield made


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"LLAMACLI_CACHE_DIR": str(tmp_path / "llamacli")}


def listed(env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found = run("models", "list", "--json", env=env).json
    assert found["schema"] == 1
    return {model["id"]: model for model in found["models"]}


def copied(env: Mapping[str, str], made_of: str) -> str:
    """Put something where a copy would be; its name."""
    about = About(made_of, "abc", "4bit", "bfloat16")
    cache = Path(env["LLAMACLI_CACHE_DIR"])

    def write(path: Path) -> None:
        (path / "model.safetensors").write_bytes(b"weights" * 300_000)

    checkpoints.save(cache, about, 10, write)
    return about.key


def test_presets_are_listed_where_nothing_is_on_disk(hub: Hub, env: dict[str, str]) -> None:
    found = listed(env)
    assert list(found) == ["builtin", "llama-3.1-8b"]
    assert found["builtin"]["complete"]
    assert found["builtin"]["bytes"] > 1_000_000
    assert found["llama-3.1-8b"] == {
        "id": "llama-3.1-8b",
        "kind": "hub",
        "of": LLAMA,
        "bytes": 0,
        "path": None,
        "complete": False,
        "quantization": "none",
    }
    line = run("models", "list", env=env).out.splitlines()[1]
    assert " ".join(line.split()) == "llama-3.1-8b - not on disk: llamacli models pull llama-3.1-8b"
    assert not hub.asked


def test_a_model_is_pulled_listed_and_removed_with_its_copies(hub: Hub, env: dict[str, str], tmp_path: Path) -> None:
    pulled = run("models", "pull", "llama-3.1-8b", env=env)
    directory = Path(pulled.out.removesuffix("\n"))
    assert (directory / "model.safetensors").is_file()
    assert pulled.err == f"Downloading {LLAMA}, 0 MB, to {tmp_path / 'hub'}.\n"
    assert run("models", "pull", "llama-3.1-8b", env=env).err == ""  # nothing is new
    copy, other = copied(env, LLAMA), copied(env, "/some/directory")
    found = listed(env)
    assert list(found) == ["builtin", "llama-3.1-8b", copy, other]
    assert found["llama-3.1-8b"]["bytes"] > (directory / "model.safetensors").stat().st_size
    assert found[copy]["quantization"] == "4bit"
    lines = run("models", "list", env=env).out.splitlines()
    assert f"{LLAMA}, in the hub's cache" in lines[1]
    assert lines[2].split() == [copy, "2.1", "MB", "4bit", "copy", "of", LLAMA]
    removed = run("models", "remove", "llama-3.1-8b", "--yes", env=env)
    assert removed.out == ""
    assert removed.err.startswith("Deleted llama-3.1-8b (0.")
    assert copy in removed.err
    assert list(listed(env)) == ["builtin", "llama-3.1-8b", other]
    assert not directory.exists()


def test_a_copy_is_removed_alone(hub: Hub, env: dict[str, str]) -> None:
    run("models", "pull", "some/model", env=env)
    copy = copied(env, "some/model")
    run("models", "remove", copy, "--yes", env=env)
    assert list(listed(env)) == ["builtin", "llama-3.1-8b", "some/model"]
    run("models", "remove", "some/model", "-y", env=env)
    assert list(listed(env)) == ["builtin", "llama-3.1-8b"]


def test_a_download_that_broke_off_is_listed_as_not_complete(hub: Hub, env: dict[str, str]) -> None:
    hub.files["some/model"]["broken.safetensors"] = b"weights"
    hub.cut["broken.safetensors"] = 0
    run("models", "pull", "some/model", env=env)
    (blob,) = (path for path in listed_path(env, "some/model").rglob("broken.safetensors"))
    blob.unlink()
    assert not listed(env)["some/model"]["complete"]
    assert run("models", "list", env=env).out.endswith("in the hub's cache, not complete\n")


def listed_path(env: Mapping[str, str], name: str) -> Path:
    return Path(listed(env)[name]["path"])


@pytest.mark.parametrize("name", ["nothing", "llama-3.1-8b", "builtin"])
def test_what_is_not_on_disk_is_not_removed(hub: Hub, env: dict[str, str], name: str) -> None:
    assert "llamacli models list" in run("models", "remove", name, "--yes", env=env, status=2).err


def test_without_a_terminal_only_yes_deletes(hub: Hub, env: dict[str, str]) -> None:
    run("models", "pull", "some/model", env=env)
    refused = run("models", "remove", "some/model", env=env, stdin=b"y\n", status=2)
    assert "--yes" in refused.err
    assert "some/model" in listed(env)


def test_offline_nothing_is_pulled(hub: Hub, env: dict[str, str]) -> None:
    assert "--offline forbids" in run("models", "pull", "some/model", "--offline", env=env, status=3).err
    assert not hub.asked


@pytest.mark.parametrize("name", ["auto", "builtin", "."])
def test_only_models_of_the_hub_are_pulled(hub: Hub, env: dict[str, str], name: str) -> None:
    assert "is not downloaded from the hub" in run("models", "pull", name, env=env, status=2).err


def test_a_model_that_cannot_be_had_is_status_3(hub: Hub, env: dict[str, str]) -> None:
    hub.gated.add(LLAMA)
    assert f"{LLAMA} is gated" in run("models", "pull", "llama-3.1-8b", env=env, status=3).err
    assert "some/other is not on the hub" in run("models", "pull", "some/other", env=env, status=3).err
    bad = run("models", "pull", "some/model", env={**env, "HUGGING_FACE_TOKEN": "hf_bad"}, status=3)
    assert "does not accept the token" in bad.err


# The program as a person starts it, with the hub and its cache named by the environment.


def environment(hub: Hub, home: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG")},
        "HOME": str(home),
        "HF_ENDPOINT": hub.url,
        "TERM": "xterm-256color",
        "OMP_NUM_THREADS": "1",
    }


def program(*argv: str) -> list[str]:
    return [sys.executable, "-m", "llamacli", *argv]


def test_a_model_of_the_hub_answers(tmp_path: Path, tiny: Path) -> None:
    with serving() as hub:
        hub.publish("some/model", tiny)
        hub.gated.add("some/model")
        hub.members.add("some/model")
        given = {**environment(hub, tmp_path), "HUGGING_FACE_TOKEN": "hf_good"}
        command = program("ask", "hello", "-m", "some/model", "-n", "4", "--temperature", "0")
        done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr.startswith("Downloading some/model, 0 MB, to ")
        hub.asked.clear()
        again = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert again.stdout == done.stdout
        assert "Downloading" not in again.stderr
        assert not hub.asked


def test_a_person_sees_the_progress_interrupts_it_and_is_asked_before_deleting(tmp_path: Path, tiny: Path) -> None:
    with serving() as hub:
        hub.publish("some/model", tiny)
        hub.held = Event()
        given = environment(hub, tmp_path)
        with PseudoTerminal(program("models", "pull", "some/model"), given, ROOT) as terminal:
            terminal.until("downloading some/model")
            terminal.signal(signal.SIGINT)
            assert terminal.status() == 130
        hub.held.set()
        with PseudoTerminal(program("models", "pull", "some/model"), given, ROOT) as terminal:
            assert terminal.status() == 0
        for answer, said in (("n", "Nothing was deleted."), ("y", "Deleted some/model")):
            with PseudoTerminal(program("models", "remove", "some/model"), given, ROOT) as terminal:
                terminal.until("Delete some/model")
                terminal.press(f"{answer}\n")
                terminal.until(said)
                assert terminal.status() == 0
    assert not list((tmp_path / ".cache" / "huggingface" / "hub").glob("models--*"))


def test_the_list_needs_no_torch() -> None:
    script = (
        "import sys\nfrom llamacli.cli.main import main\nmain(['models', 'list'])\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60, stdout=subprocess.DEVNULL)


def test_help_is_shown_without_a_command() -> None:
    shown: Result = run("models")
    assert [line.split()[0] for line in shown.out.split("Commands:\n")[1].splitlines()] == ["list", "pull", "remove"]
