"""The models on disk: found and checked, in directories and in the hub's cache, without importing torch."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from huggingface_hub import constants, scan_cache_dir, snapshot_download
from huggingface_hub.errors import CacheNotFound, HFValidationError, LocalEntryNotFoundError

from llamacli.errors import BrokenModel, EngineFailed

LLAMA_3_1_8B = "meta-llama/Llama-3.1-8B-Instruct"
BART_LARGE_MNLI = "facebook/bart-large-mnli"
PRESETS: Mapping[str, str] = {"llama-3.1-8b": LLAMA_3_1_8B}

# No pickles, and no code: weights come as safetensors only. Some repositories hold them twice.
WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model"]
UNWANTED = ["*/*", "consolidated*"]


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository in the hub's cache; not `complete` where a download was broken off, or holds no such model."""

    repository: str
    path: Path
    bytes: int
    complete: bool


def on_disk(repository: str) -> Path | None:
    """The complete snapshot of a hub repository in the hub's cache, or None."""
    try:
        # The patterns are those of the download: without them the files left out would be missed.
        found = snapshot_download(repository, local_files_only=True, allow_patterns=WANTED, ignore_patterns=UNWANTED)
        return checked(Path(found))
    except (LocalEntryNotFoundError, BrokenModel):
        return None


def expanded(name: str) -> Path:
    """The path that a name may stand for, `~` and `~user` resolved where there is such a user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def checked(directory: Path) -> Path:
    """The directory itself; BrokenModel where configuration, tokenizer or weights are not there."""
    missing = [name for name in ("config.json", "tokenizer_config.json") if not (directory / name).is_file()]
    missing += _missing_weights(directory)
    if missing:
        raise BrokenModel(
            f"The model in {directory} is not complete.",
            reason=f"Missing: {', '.join(missing)}.",
            hint="A model directory holds config.json, a tokenizer and weights as safetensors.",
        )
    return directory


def configuration(directory: Path) -> dict[str, Any]:
    """The contents of config.json."""
    try:
        config: dict[str, Any] = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise _not_json(directory / "config.json", error) from error
    return config


def weight_bytes(directory: Path) -> int:
    """The size of the weights on disk."""
    return sum((directory / name).stat().st_size for name in _weight_files(directory))


def hub_cache() -> Path:
    """The directory of the hub's cache."""
    return Path(constants.HF_HUB_CACHE)


def hub_models() -> Iterator[HubModel]:
    """The repositories of models in the hub's cache, by name, with what is only half downloaded."""
    for repository in sorted(_repositories(), key=lambda each: str(each.repo_id)):
        name, path = repository.repo_id, repository.repo_path
        yield HubModel(name, path, stored_bytes(path), _is_complete(name))


def remove_from_hub_cache(repository: str) -> None:
    """Delete a repository from the hub's cache. Raises EngineFailed where the files stay."""
    found = next(each for each in _repositories() if each.repo_id == repository)
    revisions = (revision.commit_hash for revision in found.revisions)
    scan_cache_dir(hub_cache()).delete_revisions(*revisions).execute()  # it only logs what it cannot delete
    if found.repo_path.exists():
        raise EngineFailed(
            f"{found.repo_path} cannot be deleted.", hint="Look at whom it belongs to, or delete it by hand."
        )


def drop_parts(repository: str) -> None:
    """Delete the parts of files that broken-off downloads left: the hub's client starts such a file again."""
    folder = f"models--{repository.replace('/', '--')}"
    for part in (hub_cache() / folder / "blobs").glob("*.incomplete"):
        lock = hub_cache() / ".locks" / folder / f"{part.name.split('.')[0]}.lock"
        with suppress(Timeout):  # some process is just downloading it
            if lock.exists():
                with FileLock(lock, timeout=0):
                    part.unlink(missing_ok=True)
            else:
                part.unlink(missing_ok=True)


def stored_bytes(path: Path) -> int:
    """The size of all files below a directory, links not counted."""
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def _repositories() -> list[Any]:
    try:
        return [repository for repository in scan_cache_dir(hub_cache()).repos if repository.repo_type == "model"]
    except CacheNotFound:
        return []


def _is_complete(repository: str) -> bool:
    try:
        return on_disk(repository) is not None
    except HFValidationError:  # a folder that somebody made by hand
        return False


def _missing_weights(directory: Path) -> list[str]:
    return [name for name in _weight_files(directory) if not (directory / name).is_file()]


def _weight_files(directory: Path) -> list[str]:
    """The files that the weights are in, whether they are there or not."""
    index = directory / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _not_json(index, error) from error


def _not_json(file: Path, error: Exception) -> BrokenModel:
    return BrokenModel(f"{file} cannot be understood.", reason=str(error), hint="Download or copy the model again.")
