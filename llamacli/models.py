"""The models on disk: which there are and how large they are, fetched from the hub and deleted."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llamacli import builtin
from llamacli.errors import BadUsage, ModelNotOnDisk
from llamacli.events import LoadEvent
from llamacli.settings import Settings


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model, or the quantized copy of one, by the name that deletes it.

    `kind` says where it is: "builtin" in the package, "hub" in the hub's cache, or "copy". `of` is the hub id, or what
    a copy was made of. `path` is None for a preset that is not on disk; what is not `complete` was broken off while
    it was downloaded, or is no language model.
    """

    id: str
    kind: Literal["builtin", "hub", "copy"]
    of: str
    bytes: int
    path: Path | None
    complete: bool
    quantization: str = "none"


def list_models(settings: Settings) -> list[StoredModel]:
    """The built-in model, the presets, what else is in the hub's cache, and the quantized copies."""
    from llamacli.engine.local.disk import PRESETS, stored_bytes

    built_in = StoredModel(
        "builtin", "builtin", "llamacli", stored_bytes(builtin.MODEL_DIR), builtin.MODEL_DIR, complete=True
    )
    hub = list(_in_hub_cache())
    absent = (
        StoredModel(name, "hub", repository, 0, None, complete=False)
        for name, repository in PRESETS.items()
        if repository not in {model.of for model in hub}
    )
    presets_first = sorted([*absent, *hub], key=lambda model: (model.id not in PRESETS, model.id))
    return [built_in, *presets_first, *_copies(settings)]


def pull_model(name: str, settings: Settings, report: Callable[[LoadEvent], None]) -> Path:
    """Download what the hub has of a model and the disk has not; the directory with its files.

    Raises ModelUnavailable where it cannot be had, BadUsage for what is no model of the hub.
    """
    if name == "auto" or name in ("builtin", "") or Path(name).expanduser().is_dir():
        raise BadUsage(f"{name!r} is not downloaded from the hub.", hint="llamacli models pull llama-3.1-8b")
    if settings.offline:
        raise ModelNotOnDisk(f"--offline forbids to download {name}.", hint=f"llamacli models pull {name} --no-offline")
    from llamacli.engine.local.disk import PRESETS
    from llamacli.engine.local.progress import quiet
    from llamacli.engine.local.sources import download, look_up

    quiet()
    return download(look_up(PRESETS.get(name, name), settings), "model", report)


def models_to_remove(name: str, settings: Settings) -> list[StoredModel]:
    """What is deleted under a name: a model together with its copies, or one copy.

    Raises BadUsage for a name that is not on disk, and for the built-in model.
    """
    if name == "builtin":
        raise BadUsage("The built-in model is a part of llamacli.", hint="See llamacli models list.")
    on_disk = [model for model in list_models(settings) if model.path is not None and model.kind != "builtin"]
    sources = {name} | {model.of for model in on_disk if model.kind == "hub" and name == model.id}
    found = [model for model in on_disk if name == model.id or model.of in sources]
    if not found:
        raise BadUsage(f"No model called {name!r} is on disk.", hint="See llamacli models list.")
    return found


def remove_models(models: list[StoredModel]) -> None:
    """Delete them. Raises EngineFailed or OSError where files stay."""
    from llamacli.engine.local.disk import remove_from_hub_cache

    for model in models:
        if model.kind == "hub":
            remove_from_hub_cache(model.of)
        elif model.path is not None:
            shutil.rmtree(model.path)


def _in_hub_cache() -> Iterator[StoredModel]:
    from llamacli.engine.local.disk import PRESETS, hub_models

    names = {repository: name for name, repository in PRESETS.items()}
    for model in hub_models():
        name = names.get(model.repository, model.repository)
        yield StoredModel(name, "hub", model.repository, model.bytes, model.path, model.complete)


def _copies(settings: Settings) -> Iterator[StoredModel]:
    from llamacli.engine.local.checkpoints import copies

    for copy in copies(settings.cache_dir):
        made_of = copy.about
        yield StoredModel(
            copy.id, "copy", made_of.model, copy.bytes, copy.path, complete=True, quantization=made_of.quantization
        )
