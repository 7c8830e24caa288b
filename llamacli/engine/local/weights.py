"""Weights from files onto devices, as placed: quantized, copied once quantized, spread over cards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from llamacli.engine.local import checkpoints
from llamacli.engine.local.building import Site
from llamacli.engine.local.disk import configuration
from llamacli.engine.local.progress import Tell, steps_told
from llamacli.engine.local.rehearsal import rehearse
from llamacli.engine.local.sources import Report, gigabytes
from llamacli.errors import EngineFailed
from llamacli.events import LoadProgress, Notice
from llamacli.placement import RolePlacement

LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""What every `from_pretrained` is told. Were it silent on code from a model, it would ask at the terminal."""
SHARD = "500MB"
"""Files of a copy: progress is told between two of them, and until one is written no other thread runs."""

_site = Site()


def read_weights(kind: Any, directory: Path, place: RolePlacement, tell: Tell) -> Any:
    """The model in `directory` by the `kind` of AutoModel, on its devices; tells how many tensors it has read."""
    with _site.alone() as built:

        def reading(done: int, total: int) -> None:
            built()
            tell(done, total)

        config = AutoConfig.from_pretrained(directory, **LOCAL)
        quantized = bool(getattr(config, "quantization_config", None))
        if kind is AutoModelForCausalLM:
            rehearse(config, place)
        with steps_told(reading):
            model = kind.from_pretrained(directory, **_arguments(kind, directory, place, quantize=not quantized)).eval()
    if quantized and not hasattr(model.config, "quantization_config"):
        _cast(model, getattr(torch, place.dtype))
    return model


def _cast(model: nn.Module, dtype: torch.dtype) -> None:
    """Make one type of a model whose quantization was undone while it was read.

    transformers leaves what was not quantized, embeddings and norms, in the type of the file. Buffers stay as they are:
    the frequencies of the positions are meant to be in float32.
    """
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)


def causal_model(directory: Path, name: str, place: RolePlacement, cache_dir: Path, report: Report) -> Any:
    """The language model in `directory`; a model that has to be quantized is, the second time, its copy."""

    def tell(done: int, total: int) -> None:
        report(LoadProgress("model", f"loading {name}", done, total, "tensors"))

    if place.quantization == "none" or "quantization_config" in configuration(directory):
        return read_weights(AutoModelForCausalLM, directory, place, tell)
    made_of = checkpoints.about(directory, place)
    copy = checkpoints.find(cache_dir, made_of)
    if copy is not None:
        try:
            return read_weights(AutoModelForCausalLM, copy.path, place, tell)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a copy, it can be made again
            report(Notice(f"The {place.quantization} copy of {name} cannot be read and is made again: {error}"))
            copy.remove()
    model = read_weights(AutoModelForCausalLM, directory, place, tell)
    _save(model, made_of, name, cache_dir, report)
    return model


def classifier_model(directory: Path, place: RolePlacement, tell: Tell) -> Any:
    """The classifier in `directory`.

    It is built in torch's default dtype and converted piece by piece: while it is built a language model may already
    be answering, and transformers would change the default dtype below that.
    """
    exact = replace(place, devices=("cpu",), dtype="float32")
    model = read_weights(AutoModelForSequenceClassification, directory, exact, tell)
    return model.to(device=place.device, dtype=getattr(torch, place.dtype))


def device_map(model: nn.Module, place: RolePlacement) -> dict[str, str]:
    """The device of each part of a model that is spread: its layers in order, as many on each as placed.

    What comes before the layers, and a head that is tied to the embeddings, is on the first device; what comes
    after them on the last. Raises EngineFailed where the model does not have its layers in one list.
    """
    name, layers = _layers(model, sum(place.layers))
    owners = [device for device, count in zip(place.devices, place.layers, strict=True) for _ in range(count)]
    devices = {f"{name}.{number}": device for number, device in enumerate(owners)}
    reached = False
    for path, module in _beside(model, name):
        reached = reached or module is layers
        if module is not layers:
            late = reached and any(True for _ in module.parameters()) and not _is_tied(module, model)
            devices[path] = place.devices[-1 if late else 0]
    return devices


def _arguments(kind: Any, directory: Path, place: RolePlacement, *, quantize: bool) -> dict[str, Any]:
    """How `from_pretrained` carries out the placement; what comes quantized has a form of its own."""
    arguments: dict[str, Any] = {**LOCAL, "use_safetensors": True, "dtype": getattr(torch, place.dtype)}
    if len(place.devices) > 1:
        with torch.device("meta"):
            empty = kind.from_config(AutoConfig.from_pretrained(directory, **LOCAL))
        arguments["device_map"] = device_map(empty, place)
    elif place.device != "cpu":
        arguments["device_map"] = {"": place.device}
    if quantize and place.quantization != "none":
        arguments["quantization_config"] = _quantization(place)
    return arguments


def _quantization(place: RolePlacement) -> Any:
    from transformers import BitsAndBytesConfig

    if place.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, place.dtype),
    )


def _save(model: Any, made_of: checkpoints.About, name: str, cache_dir: Path, report: Report) -> None:
    """Make the copy now: writing holds Python's lock, so it could not be hidden behind the first answer."""

    def tell(done: int, total: int) -> None:
        report(LoadProgress("model", f"saving the {made_of.quantization} copy of {name}, once", done, total, "files"))

    def write(path: Path) -> None:
        with steps_told(tell):
            model.save_pretrained(path, max_shard_size=SHARD)

    lost = f"The {made_of.quantization} copy of {name} is not saved, and the next start will be as slow:"
    try:
        checkpoints.save(cache_dir, made_of, model.get_memory_footprint(), write)
    except checkpoints.NoRoom as error:
        report(Notice(f"{lost} it needs {gigabytes(error.needed)}, and {gigabytes(error.free)} are free."))
    except Exception as error:  # noqa: BLE001 - the model is loaded, with or without a copy
        report(Notice(f"{lost} {error}"))


def _layers(model: nn.Module, count: int) -> tuple[str, nn.ModuleList]:
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name, module
    raise EngineFailed(
        "This model cannot be spread over several cards.",
        reason=f"It has no list of {count} layers.",
        hint="Use --quantization 4bit, or --device cpu.",
    )


def _beside(model: nn.Module, layers: str) -> list[tuple[str, nn.Module]]:
    """The largest parts of a model that do not hold its layers, and the layers, in their order."""
    parts: list[tuple[str, nn.Module]] = []

    def visit(path: str, module: nn.Module) -> None:
        if path and not layers.startswith(path + "."):
            parts.append((path, module))
            return
        for name, child in module.named_children():
            visit(f"{path}.{name}" if path else name, child)

    visit("", model)
    return parts


def _is_tied(module: nn.Module, model: Any) -> bool:
    weight = getattr(module, "weight", None)
    return weight is not None and weight is model.get_input_embeddings().weight
