"""Carries out a placement: model and tokenizer from disk onto their device."""

from logging import ERROR, getLogger
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from llamacli import builtin
from llamacli.engine import Report, Wanted
from llamacli.engine.base import EngineInfo
from llamacli.engine.local.classifier import SequenceClassifier
from llamacli.engine.local.failures import translated
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.hardware import detect
from llamacli.engine.local.sources import LLAMA_3_1_8B, checked, configuration, files_of, on_disk, weight_bytes
from llamacli.engine.local.static import decoder_for
from llamacli.events import LoadProgress, Notice
from llamacli.placement import Machine, ModelShape, RolePlacement, Wishes, choose_model, plan, shape_from_config
from llamacli.settings import Settings

# `from_pretrained` sets the default dtype and replaces PreTrainedModel.tie_weights while it builds a model, for the
# whole process: two at once leave one of them with untied, random output weights, with no error.
_one_at_a_time = Lock()


class Loader:
    """Decides once which models run where; `engine` and `classifier` then load, each in a thread of its own.

    Raises the errors of `llamacli.errors` for models that cannot be had, wishes that cannot be obeyed and files
    that cannot be read.
    """

    def __init__(self, settings: Settings, wanted: Wanted, report: Report) -> None:
        _quiet()
        self._report = report
        machine = detect()
        wishes = Wishes(settings.device, settings.classifier_device, settings.quantization)
        self.name = settings.model
        if self.name == "auto":
            self.name = self._choose(machine, settings, wishes, wanted)
        self._directory = files_of(self.name, settings) if wanted.engine else builtin.MODEL_DIR
        self._placement = plan(
            machine,
            _shape(self._directory, self.name),
            _shape(checked(builtin.CLASSIFIER_DIR), "the built-in classifier") if wanted.classifier else None,
            wishes,
        )
        for notice in self._placement.notices:
            report(Notice(notice))

    def engine(self) -> LocalEngine:
        """Load the language model."""
        self._report(LoadProgress("model", f"loading {self.name}"))
        place = self._placement.model
        with translated():
            tokenizer = AutoTokenizer.from_pretrained(self._directory, local_files_only=True)
            model = _model(AutoModelForCausalLM, self._directory, place)
        info = EngineInfo(
            self.name, place.context, place.device, place.dtype, place.quantization, self._placement.reason
        )
        return LocalEngine(decoder_for(model, place.context), tokenizer, info)

    def classifier(self) -> SequenceClassifier:
        """Load the classifier."""
        self._report(LoadProgress("classifier", "loading the classifier"))
        place = self._placement.classifier
        assert place is not None
        directory = builtin.CLASSIFIER_DIR
        with translated():
            tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
            model = _model(AutoModelForSequenceClassification, directory, place)
        return SequenceClassifier(model, tokenizer, place.device)

    def _choose(self, machine: Machine, settings: Settings, wishes: Wishes, wanted: Wanted) -> str:
        choice = choose_model(
            machine,
            llama_on_disk=on_disk(LLAMA_3_1_8B) is not None,
            hub_token=settings.hub_token is not None,
            offline=settings.offline,
            wishes=wishes,
        )
        if choice.notice and wanted.engine:
            self._report(Notice(choice.notice))
        return choice.name


def _shape(directory: Path, name: str) -> ModelShape:
    return shape_from_config(configuration(directory), name, weights_bytes=weight_bytes(directory))


def _model(kind: Any, directory: Path, place: RolePlacement) -> Any:
    with _one_at_a_time:
        return kind.from_pretrained(directory, **_arguments(place)).eval()


def _arguments(place: RolePlacement) -> dict[str, Any]:
    """How `from_pretrained` carries out the placement."""
    arguments: dict[str, Any] = {
        "local_files_only": True,
        "use_safetensors": True,
        "dtype": getattr(torch, place.dtype),
    }
    if place.device != "cpu":
        arguments["device_map"] = {"": place.device}
    if place.quantization != "none":
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


def _quiet() -> None:
    """What is worth saying is said through `report`; the libraries' own bars and warnings would tear the terminal."""
    logging.set_verbosity_error()
    getLogger("bitsandbytes").setLevel(ERROR)
    logging.disable_progress_bar()
