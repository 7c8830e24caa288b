"""What there is to run models with: cards, libraries and models on disk, without loading or downloading anything."""

import shutil
from logging import CRITICAL, getLogger
from pathlib import Path

import torch
import transformers  # noqa: F401 - whether it can be imported is part of the survey
from huggingface_hub import get_token

from llamacli import builtin
from llamacli.engine.local.disk import (
    BART_LARGE_MNLI,
    LLAMA_3_1_8B,
    PRESETS,
    checked,
    configuration,
    expanded,
    hub_cache,
    on_disk,
    weight_bytes,
)
from llamacli.engine.local.hardware import detect
from llamacli.engine.survey import Stored, Survey
from llamacli.errors import LlamacliError
from llamacli.placement import Choice, Machine, Wishes, choose_model, shape_from_config
from llamacli.settings import Settings

_DRIVER = Path("/proc/driver/nvidia/version")


def survey(settings: Settings) -> Survey:
    """Look at the machine, and at the models that these settings could use."""
    machine = detect()
    return Survey(
        machine,
        cuda=torch.version.cuda or "",
        driver=_DRIVER.exists() or shutil.which("nvidia-smi") is not None,
        bitsandbytes_fault=_bitsandbytes_fault(needs_cuda=bool(machine.usable())),
        logged_in=get_token() is not None,
        stored=_stored(settings),
        free_bytes={path: _free(path) for path in (hub_cache(), settings.cache_dir)},
    )


def choose(settings: Settings, machine: Machine, wishes: Wishes) -> Choice:
    """What `auto` is on this machine; raises BadUsage for wishes that no model fulfils here."""
    return choose_model(
        machine,
        llama_on_disk=on_disk(LLAMA_3_1_8B) is not None,
        hub_token=(settings.hub_token or get_token()) is not None,
        offline=settings.offline,
        wishes=wishes,
    )


def choose_here(settings: Settings) -> Choice:
    """What `auto` is on this machine, with the memory that is free now."""
    return choose(settings, detect(), Wishes(settings.device, settings.classifier_device, settings.quantization))


def _bitsandbytes_fault(*, needs_cuda: bool) -> str:
    getLogger("bitsandbytes").setLevel(CRITICAL)  # it tells what is said here, with a traceback
    try:
        from bitsandbytes.cextension import lib
    except (ImportError, OSError, RuntimeError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    if needs_cuda and not lib.compiled_with_cuda:
        return f"it has no library for CUDA {torch.version.cuda}, which this PyTorch is built with"
    return ""


def _stored(settings: Settings) -> dict[str, Stored]:
    places = {
        "builtin": builtin.MODEL_DIR,
        "builtin-classifier": builtin.CLASSIFIER_DIR,
        "llama-3.1-8b": on_disk(LLAMA_3_1_8B),
        BART_LARGE_MNLI: on_disk(BART_LARGE_MNLI),
    }
    if settings.model not in ("auto", *places):
        directory = expanded(settings.model)
        places[settings.model] = directory if directory.is_dir() else _in_cache(settings.model)
    found = {name: _describe(name, place) for name, place in places.items() if place is not None}
    return {name: stored for name, stored in found.items() if stored is not None}


def _in_cache(name: str) -> Path | None:
    try:
        return on_disk(PRESETS.get(name, name))
    except ValueError:  # no name that the hub could have
        return None


def _describe(name: str, directory: Path) -> Stored | None:
    """The model in a directory; None where its files cannot be read or do not say how large it is."""
    try:
        size = weight_bytes(checked(directory))
        return Stored(directory, size, shape_from_config(configuration(directory), name, weights_bytes=size))
    except (LlamacliError, OSError):
        return None


def _free(path: Path) -> int:
    """Bytes free on the disk that the path is on, or would be on."""
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    return shutil.disk_usage(there).free
