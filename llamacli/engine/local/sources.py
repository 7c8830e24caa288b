"""Where a model's files come from: the package, a directory, the hub's cache on disk, or the hub."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

from llamacli import builtin
from llamacli.engine.local.disk import (
    PRESETS,
    UNWANTED,
    WANTED,
    checked,
    configuration,
    drop_parts,
    expanded,
    hub_cache,
    on_disk,
    weight_bytes,
)
from llamacli.engine.local.failures import translated
from llamacli.engine.local.progress import download_bar
from llamacli.errors import ModelNotOnDisk, ModelUnavailable, UnknownModel
from llamacli.events import LoadEvent, LoadProgress, Notice
from llamacli.settings import Settings

Report = Callable[[LoadEvent], None]

LOOK_UP_S = 10.0
"""Seconds that the hub has for its first answer."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A model of the hub: the files of it that are wanted, and how many bytes of them are not here yet."""

    repository: str
    token: str | None
    config: Mapping[str, Any]
    weights_bytes: int
    missing_bytes: int


@dataclass(frozen=True, slots=True)
class Source:
    """A model that can be had: its configuration and size are known, its files are in `directory` or on the hub."""

    config: Mapping[str, Any]
    weights_bytes: int
    directory: Path | None
    remote: Remote | None = None

    def files(self, role: str, report: Report) -> Path:
        """The directory with its files, which may take a download."""
        if self.directory is not None:
            return self.directory
        assert self.remote is not None
        return download(self.remote, role, report)


def locate(name: str, settings: Settings) -> Source:
    """Where the model called `name` is: a preset, a directory or a hub id. The hub is asked only on a miss.

    Raises UnknownModel, GatedModel, BadToken, ModelNotOnDisk; BrokenModel where files are missing.
    """
    if name == "builtin":
        return in_directory(checked(builtin.MODEL_DIR))
    directory = expanded(name)
    if directory.is_dir():
        return in_directory(checked(directory))
    if name.startswith((".", "/", "~")):
        raise UnknownModel(
            f"There is no directory {name}.", hint="Check the path, or use the built-in model: -m builtin"
        )
    repository = PRESETS.get(name, name)
    with translated(repository):
        found = on_disk(repository)
    if found is not None:
        return in_directory(found)
    remote = look_up(repository, settings)
    return Source(remote.config, remote.weights_bytes, None, remote)


def in_directory(directory: Path) -> Source:
    """The model whose files are in a directory."""
    return Source(configuration(directory), weight_bytes(directory), directory)


def look_up(repository: str, settings: Settings) -> Remote:
    """What the hub has of a repository, which the disk has room for; only its configuration is downloaded.

    Raises UnknownModel, GatedModel, BadToken, ModelNotOnDisk; ModelUnavailable for want of room.
    """
    if settings.offline:
        raise ModelNotOnDisk(
            f"{repository} is not on disk, and --offline forbids to download it.",
            hint="Run once without --offline, or use the built-in model: -m builtin",
        )
    with translated(repository):
        info = HfApi(token=settings.hub_token).model_info(repository, files_metadata=True, timeout=LOOK_UP_S)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        wanted = list(filter_repo_objects(sizes, allow_patterns=WANTED, ignore_patterns=UNWANTED))
        weights = [file for file in wanted if file.endswith(".safetensors")]
        if "config.json" not in wanted or not weights:
            raise UnknownModel(
                f"{repository} cannot be loaded.",
                reason="It has no config.json with weights as safetensors beside it.",
                hint="Choose a repository for transformers, or use the built-in model: -m builtin",
            )
        config = hf_hub_download(repository, "config.json", token=settings.hub_token)
        here = {file for file in wanted if try_to_load_from_cache(repository, file, revision=info.sha)}
    remote = Remote(
        repository,
        settings.hub_token,
        configuration(Path(config).parent),
        sum(sizes[file] for file in weights),
        sum(sizes[file] for file in wanted if file not in here),
    )
    drop_parts(repository)
    _check_room(remote)
    return remote


def download(remote: Remote, role: str, report: Report) -> Path:
    """Download the files that are not here yet.

    Raises ModelUnavailable where the hub fails, or the disk is full all the same.
    """
    size = remote.missing_bytes
    if size:
        report(Notice(f"Downloading {remote.repository}, {gigabytes(size)}, to {hub_cache()}."))

    def tell(done: int) -> None:
        report(LoadProgress(role, f"downloading {remote.repository}", max(0, min(done, size - 1)), size, "bytes"))

    with translated(remote.repository):
        return checked(_snapshot(remote, tell))


def gigabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def _snapshot(remote: Remote, tell: Callable[[int], None]) -> Path:
    try:
        return Path(
            snapshot_download(
                remote.repository,
                token=remote.token,
                allow_patterns=WANTED,
                ignore_patterns=UNWANTED,
                tqdm_class=download_bar(tell),
            )
        )
    except Exception as error:
        if isinstance(error, HfHubHTTPError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        # Whatever the libraries for HTTP and for the hub's own protocol raise.
        raise ModelNotOnDisk(
            f"The download of {remote.repository} broke off.",
            reason=str(error).strip().split("\n")[0],
            hint="Run the same command again: files that are complete are kept.",
        ) from error


def _check_room(remote: Remote) -> None:
    cache = hub_cache()
    parent = next(place for place in (cache, *cache.parents) if place.exists())
    free = shutil.disk_usage(parent).free
    if free < remote.missing_bytes:
        raise ModelUnavailable(
            f"There is no room for {remote.repository} in {cache}.",
            reason=f"It needs {gigabytes(remote.missing_bytes)} more, and {gigabytes(free)} are free.",
            hint="Free some space (see llamacli models list), or move the cache: export HF_HOME=/path/with/room",
        )
