"""Carries out a placement: models and tokenizers from disk, or the hub, onto their devices."""

from dataclasses import replace
from pathlib import Path

from transformers import AutoTokenizer

from llamacli import builtin
from llamacli.engine import Report, Wanted
from llamacli.engine.base import Classifier, EngineInfo
from llamacli.engine.local.classifier import SequenceClassifier
from llamacli.engine.local.disk import BART_LARGE_MNLI, LLAMA_3_1_8B, PRESETS, on_disk
from llamacli.engine.local.entailment import EntailmentClassifier
from llamacli.engine.local.failures import translated
from llamacli.engine.local.generation import LocalEngine
from llamacli.engine.local.hardware import detect
from llamacli.engine.local.inspection import choose
from llamacli.engine.local.progress import quiet
from llamacli.engine.local.sources import Source, in_directory, locate
from llamacli.engine.local.static import decoder_for
from llamacli.engine.local.weights import LOCAL, causal_model, classifier_model
from llamacli.errors import ModelUnavailable
from llamacli.events import LoadProgress, Notice
from llamacli.placement import LLAMA_3_1_8B as LLAMA_SHAPE
from llamacli.placement import Machine, Placement, Wishes, plan, plan_apart, shape_from_config
from llamacli.settings import Settings


class Loader:
    """Decides once which models run where; `engine` and `classifier` then load, each in a thread of its own.

    To decide, a model that is not on disk is looked up; `engine` downloads it, while the classifier loads. Raises the
    errors of `llamacli.errors` for models that cannot be had, wishes that cannot be obeyed and files that cannot be
    read.
    """

    def __init__(self, settings: Settings, wanted: Wanted, report: Report) -> None:
        quiet()
        self._settings = settings
        self._report = report
        machine = detect()
        wishes = Wishes(settings.device, settings.classifier_device, settings.quantization)
        if not wanted.engine:  # what was wished for a language model need not even be possible here
            wishes = Wishes(classifier_device=settings.classifier_device)
        chosen = self._choose(machine, wishes, wanted) if settings.model == "auto" else settings.model
        if not wanted.engine:
            self.name, self._source = chosen, locate("builtin", settings)
        elif settings.model == "auto":
            self.name, self._source = locate_or_builtin(chosen, settings, report)
        else:
            self.name, self._source = chosen, locate(chosen, settings)
        if settings.model == "auto" and self.name == "builtin":  # the quantization was asked for a larger one
            wishes = replace(wishes, quantization="auto")
        self._rates_by_entailment = False
        self._placement = self._plan(machine, wishes, wanted)
        for notice in self._placement.notices:
            report(Notice(notice))

    def _plan(self, machine: Machine, wishes: Wishes, wanted: Wanted) -> Placement:
        is_llama = PRESETS.get(self.name, self.name) == LLAMA_3_1_8B
        shape = shape_from_config(self._source.config, self.name, weights_bytes=self._source.weights_bytes)
        if is_llama and wanted.engine:
            shape = replace(shape, asks_4bit=True)
        if is_llama and wanted.classifier and (not self._settings.offline or on_disk(BART_LARGE_MNLI) is not None):
            apart = plan_apart(machine, shape if wanted.engine else LLAMA_SHAPE, wishes)
            if apart is not None:
                self._rates_by_entailment = True
                return apart
        if not wanted.classifier:
            return plan(machine, shape, None, wishes)
        small = in_directory(builtin.CLASSIFIER_DIR)
        rating = shape_from_config(small.config, "the built-in classifier", weights_bytes=small.weights_bytes)
        return plan(machine, shape, rating, wishes)

    def engine(self) -> LocalEngine:
        """Load the language model."""
        place = self._placement.model
        self._report(LoadProgress("model", f"loading {self.name}"))
        directory = self._source.files("model", self._report)
        with translated(self.name):
            tokenizer = AutoTokenizer.from_pretrained(directory, **LOCAL)
            model = causal_model(directory, self.name, place, self._settings.cache_dir, self._report)
        info = EngineInfo(
            self.name, place.context, place.device, place.dtype, place.quantization, self._placement.reason
        )
        engine = LocalEngine(decoder_for(model, place.context), tokenizer, info)
        engine.warm_up(self._settings.sampling, compiled=self._settings.compile)
        self._ready("model")
        return engine

    def classifier(self) -> Classifier:
        """Load the classifier."""
        self._report(LoadProgress("classifier", "loading the classifier"))
        directory = self._rating_files()
        place = self._placement.classifier
        assert place is not None

        def tell(done: int, total: int) -> None:
            self._report(LoadProgress("classifier", "loading the classifier", done, total, "tensors"))

        with translated("The classifier"):
            tokenizer = AutoTokenizer.from_pretrained(directory, **LOCAL)
            model = classifier_model(directory, place, tell)
            rates_itself = {"low", "medium", "high"} == {label.lower() for label in model.config.id2label.values()}
            kind = SequenceClassifier if rates_itself else EntailmentClassifier
            classifier = kind(model, tokenizer, place.device)
        self._ready("classifier")
        return classifier

    def _rating_files(self) -> Path:
        """The files of the classifier; those of the built-in one where the better one cannot be had."""
        if self._rates_by_entailment:
            try:
                return locate(BART_LARGE_MNLI, self._settings).files("classifier", self._report)
            except ModelUnavailable as error:
                self._report(Notice(f"Prompts are rated by the built-in classifier. {error.message} {error.reason}"))
        return builtin.CLASSIFIER_DIR

    def _ready(self, role: str) -> None:
        self._report(LoadProgress(role, "ready", 1, 1))

    def _choose(self, machine: Machine, wishes: Wishes, wanted: Wanted) -> str:
        choice = choose(self._settings, machine, wishes)
        if choice.notice and wanted.engine:
            self._report(Notice(choice.notice))
        return choice.name


def locate_or_builtin(name: str, settings: Settings, report: Report) -> tuple[str, Source]:
    """What `auto` chose, or the built-in model with a notice: a person who asked for no model is not refused one."""
    try:
        return name, locate(name, settings)
    except ModelUnavailable as error:
        report(Notice(f"Using the small built-in model. {error.message} {error.reason} {error.hint}"))
        return "builtin", locate("builtin", settings)
