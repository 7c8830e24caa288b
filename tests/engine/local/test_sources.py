"""Models from a hub, by the real client: what is downloaded, how that is told, and every way in which it fails."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from llamacli.engine.local.disk import hub_models, on_disk, remove_from_hub_cache
from llamacli.engine.local.sources import Source, locate
from llamacli.errors import BadToken, GatedModel, LlamacliError, ModelNotOnDisk, ModelUnavailable, UnknownModel
from llamacli.events import LoadEvent, LoadProgress, Notice
from tests.hub import TOKEN, Hub, as_the_hub
from tests.settings import settings

NAME = "some/model"


@pytest.fixture
def hub(tmp_path: Path, tiny_llama: Path) -> Iterator[Hub]:
    with as_the_hub(tmp_path / "cache") as made:
        made.publish(NAME, tiny_llama)
        made.files[NAME] |= {"original/weights.pth": b"pickle", "consolidated.safetensors": b"twice", "README.md": b"#"}
        yield made


def located(name: str = NAME, **options: object) -> Source:
    return locate(name, settings(model=name, **options))


def fetched(told: list[LoadEvent] | None = None) -> Path:
    return located().files("model", (told if told is not None else []).append)


def test_a_model_is_planned_with_before_it_is_downloaded(hub: Hub) -> None:
    source = located()
    assert source.directory is None
    assert source.config["num_hidden_layers"] == 2
    assert source.weights_bytes == len(hub.files[NAME]["model.safetensors"])
    assert [line for line in hub.asked if "safetensors" in line] == []


def test_a_download_says_its_size_first_and_then_how_far_it_is(hub: Hub, tmp_path: Path) -> None:
    told: list[LoadEvent] = []
    directory = fetched(told)
    assert {file.name for file in directory.iterdir()} == {
        name for name in hub.files[NAME] if "/" not in name and name not in ("README.md", "consolidated.safetensors")
    }
    notice, *progress = told
    assert notice == Notice(f"Downloading {NAME}, 0 MB, to {tmp_path / 'cache'}.")
    steps = [event for event in progress if isinstance(event, LoadProgress)]
    assert {(event.role, event.phase, event.unit) for event in steps} == {("model", f"downloading {NAME}", "bytes")}
    done = [event.done for event in steps]
    assert done == sorted(done)
    assert steps[-1].done == steps[-1].total - 1  # it is ready when it is loaded


def test_what_is_on_disk_is_not_asked_for_again(hub: Hub) -> None:
    directory = fetched()
    hub.asked.clear()
    hub.down = True
    assert located(offline=True).directory == located().directory == directory == on_disk(NAME)
    assert not hub.asked


def test_a_connection_that_is_lost_is_taken_up_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the client's pauses between its tries
    hub.cut["model.safetensors"] = 2
    directory = fetched()
    assert (directory / "model.safetensors").read_bytes() == hub.files[NAME]["model.safetensors"]
    assert [line for line in hub.asked if "model.safetensors bytes=" in line]


def test_a_download_that_breaks_off_is_told_and_what_is_complete_is_kept(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.cut["model.safetensors"] = 1000  # halves of halves, until the client gives up
    with pytest.raises(ModelNotOnDisk, match="broke off") as caught:
        fetched()
    assert "again" in caught.value.hint
    assert on_disk(NAME) is None
    assert [(model.repository, model.complete) for model in hub_models()] == [(NAME, False)]
    hub.cut.clear()
    hub.asked.clear()
    assert (fetched() / "model.safetensors").read_bytes() == hub.files[NAME]["model.safetensors"]
    assert [line for line in hub.asked if line.startswith("GET") and "config.json" in line] == []
    assert on_disk(NAME) is not None


def test_what_a_killed_download_left_is_deleted_unless_somebody_is_writing_it(hub: Hub, tmp_path: Path) -> None:
    blobs = tmp_path / "cache" / "models--some--model" / "blobs"
    located()
    for name in ("dead.1234.incomplete", "alone.1234.incomplete", "alive.1234.incomplete"):
        (blobs / name).write_bytes(b"part")
    locks = tmp_path / "cache" / ".locks" / "models--some--model"
    (locks / "dead.lock").touch()
    with FileLock(locks / "alive.lock"):
        fetched()
    assert [path.name for path in blobs.glob("*.incomplete")] == ["alive.1234.incomplete"]


def test_no_room_on_the_disk_is_told_before_the_download(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 9 * 10**5, 10**5))
    with pytest.raises(ModelUnavailable, match="no room") as caught:
        located()
    assert caught.value.status == 3
    assert "llamacli models list" in caught.value.hint
    assert not any("safetensors" in line for line in hub.asked)


@pytest.mark.parametrize(
    ("name", "token", "error", "message", "hint"),
    [
        (NAME, None, GatedModel, f"{NAME} is gated: its licence", "export HF_TOKEN"),
        (NAME, TOKEN, GatedModel, f"{NAME} is gated, and this token", "account of the token"),
        (NAME, "hf_bad", BadToken, "does not accept the token", "export HF_TOKEN"),
        ("some/other", None, UnknownModel, "some/other is not on the hub", "-m builtin"),
        ("some/other", TOKEN, UnknownModel, "some/other is not on the hub", "-m builtin"),
        ("some/data", None, UnknownModel, "some/data cannot be loaded", "-m builtin"),
        ("no name!", None, UnknownModel, "no name! is neither", "-m builtin"),
    ],
    ids=["gated", "gated for the token", "bad token", "unknown", "unknown with token", "no weights", "no name"],
)
def test_a_model_that_the_hub_does_not_give_is_status_3(
    hub: Hub, name: str, token: str | None, error: type[LlamacliError], message: str, hint: str
) -> None:
    hub.gated.add(NAME)
    hub.files["some/data"] = {"data.json": b"{}", "weights.pth": b"pickle"}
    with pytest.raises(error) as caught:
        located(name, hub_token=token)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.status == 3


def test_the_token_opens_a_gated_model(hub: Hub) -> None:
    hub.gated.add(NAME)
    hub.members.add(NAME)
    assert located(hub_token=TOKEN).files("model", lambda _: None).is_dir()


def test_a_hub_that_fails_or_cannot_be_reached_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.down = True
    with pytest.raises(ModelNotOnDisk, match="answers with an error"):
        located()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelNotOnDisk, match="cannot be reached"):
        located()


def test_offline_nothing_is_asked(hub: Hub) -> None:
    with pytest.raises(ModelNotOnDisk, match="--offline forbids"):
        located(offline=True)
    assert not hub.asked


def test_a_model_is_removed_from_the_cache(hub: Hub) -> None:
    directory = fetched()
    (model,) = hub_models()
    assert (model.repository, model.complete) == (NAME, True)
    assert model.bytes > len(hub.files[NAME]["model.safetensors"])
    remove_from_hub_cache(NAME)
    assert not directory.exists()
    assert list(hub_models()) == []
