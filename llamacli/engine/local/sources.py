"""Where a model's files are: the package, a directory, the hub's cache on disk, or the hub."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from llamacli import builtin
from llamacli.engine.local.failures import translated
from llamacli.errors import BrokenModel, ModelNotOnDisk, UnknownModel
from llamacli.settings import Settings

LLAMA_3_1_8B = "meta-llama/Llama-3.1-8B-Instruct"
PRESETS: Mapping[str, str] = {"llama-3.1-8b": LLAMA_3_1_8B}

# No pickles, and no code: weights come as safetensors only.
_WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model"]
_UNWANTED = ["original/*", "onnx/*", "*/*"]


def files_of(name: str, settings: Settings) -> Path:
    """The directory with the files of the model called `name`; downloads them only where they are not on disk.

    Raises UnknownModel, GatedModel, BadToken, ModelNotOnDisk; BrokenModel where files are missing.
    """
    if name == "builtin":
        return checked(builtin.MODEL_DIR)
    directory = Path(name).expanduser()
    if directory.is_dir():
        return checked(directory)
    if name.startswith((".", "/", "~")):
        raise UnknownModel(
            f"There is no directory {name}.", hint="Check the path, or use the built-in model: -m builtin"
        )
    with translated():
        return _from_hub(PRESETS.get(name, name), settings)


def on_disk(repository: str) -> Path | None:
    """The complete snapshot of a hub repository in the hub's cache, or None."""
    try:
        snapshot = Path(snapshot_download(repository, local_files_only=True))
        return checked(snapshot)
    except (LocalEntryNotFoundError, BrokenModel):
        return None


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
    except ValueError as error:
        raise BrokenModel(
            f"{directory / 'config.json'} is not JSON.", reason=str(error), hint="Download or copy the model again."
        ) from error
    return config


def weight_bytes(directory: Path) -> int:
    """The size of the weights on disk."""
    return sum(file.stat().st_size for file in directory.glob("*.safetensors"))


def _missing_weights(directory: Path) -> list[str]:
    index = directory / "model.safetensors.index.json"
    if not index.is_file():
        return [] if any(directory.glob("*.safetensors")) else ["model.safetensors"]
    names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return sorted(name for name in names if not (directory / name).is_file())


def _from_hub(repository: str, settings: Settings) -> Path:
    found = on_disk(repository)
    if found is not None:
        return found
    if settings.offline:
        raise ModelNotOnDisk(
            f"{repository} is not on disk, and --offline forbids to download it.",
            hint="Run once without --offline, or use the built-in model: -m builtin",
        )
    return checked(
        Path(snapshot_download(repository, token=settings.hub_token, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    )
