"""The one lazy door to the models: importing it costs nothing, opening it imports torch and transformers."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llamacli import runfile
from llamacli.background import in_background
from llamacli.engine.base import Classifier, Engine, Instruments
from llamacli.events import LoadEvent, Notice
from llamacli.messages import Conversation
from llamacli.settings import Settings

if TYPE_CHECKING:
    from llamacli.engine.local.loader import Loader
    from llamacli.engine.local.synthetic import SyntheticLoader
    from llamacli.engine.survey import Survey
    from llamacli.placement import Choice

Report = Callable[[LoadEvent], None]


class Models:
    """A language model and a classifier, loaded or loading side by side; each is waited for where it is needed."""

    def __init__(self, engine: "Future[Engine] | None", classifier: "Future[Classifier] | None") -> None:
        self._engine = engine
        self.rating = classifier
        """The classifier as a promise."""
        self._started = time.perf_counter()
        self.load_s = 0.0
        """Seconds from the start of loading until the language model was ready; 0 until then."""
        if engine is not None:
            engine.add_done_callback(self._loaded)

    def _loaded(self, _: "Future[Engine]") -> None:
        self.load_s = time.perf_counter() - self._started

    @property
    def ready(self) -> bool:
        """Whether everything wanted is loaded, or failed to."""
        return all(future is None or future.done() for future in (self._engine, self.rating))

    @property
    def engine(self) -> Engine:
        """The language model; waits for it, raises what its loading raised."""
        if self._engine is None:
            raise LookupError("opened without a language model")
        return self._engine.result()

    @property
    def rates(self) -> bool:
        """Whether there is a classifier, or will be once it is loaded; waits for nothing."""
        return self.rating is not None

    @property
    def classifier(self) -> Classifier | None:
        """The classifier, or None where none was wanted; waits for it, raises what its loading raised."""
        return None if self.rating is None else self.rating.result()

    def close(self) -> None:
        """Close both; what is still loading is closed when it is loaded."""
        if self._engine is not None:
            self._engine.add_done_callback(_close)
        if self.rating is not None:
            self.rating.add_done_callback(_close)


def _close(loaded: "Future[Engine] | Future[Classifier]") -> None:
    if loaded.exception() is None:
        loaded.result().close()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the two models a command needs."""

    engine: bool = True
    classifier: bool = True


def check_before_loading(settings: Settings, conversation: Conversation) -> None:
    """Raise PromptTooLong for a conversation that certainly does not fit, before anything heavy is imported."""
    if settings.endpoint:  # its server counts
        return
    from llamacli.engine.local.preflight import check_fits

    check_fits(settings, conversation)


def open_models(settings: Settings, wanted: Wanted, report: Report) -> Models:
    """Start loading the models that the settings name, and return at once; with an endpoint, the model is over there.

    `report` is called from the loading threads, with progress and notices.
    """

    def loader(needed: Wanted) -> "Loader":
        from llamacli.engine.local.loader import Loader

        return Loader(settings, needed, report)

    if settings.endpoint:
        return _remote(settings, wanted, report)
    running = runfile.find(settings.data_dir) if settings.server else None
    rated = wanted.classifier and settings.classifier_device != "none"
    if running is not None and running.serves(settings) and (running.rates or not rated):
        return _warm(running, settings, Wanted(wanted.engine, rated), report)
    return _loading(loader, settings, wanted)


def open_synthetic(name: str, settings: Settings, wanted: Wanted, report: Report) -> Models:
    """Models of the shape called `name` with random weights, placed as the real ones would be."""

    def loader(needed: Wanted) -> "SyntheticLoader":
        from llamacli.engine.local.synthetic import SyntheticLoader

        return SyntheticLoader(name, settings, needed, report)

    return _loading(loader, settings, wanted)


def instruments(engine: Engine) -> Instruments:
    """What a benchmark of a loaded engine asks of its machine."""
    from llamacli.engine.local.measure import LocalInstruments

    return LocalInstruments(engine)


def survey_machine(settings: Settings) -> "Survey":
    """What there is to run models with; loads and downloads nothing, raises what a broken library raises."""
    from llamacli.engine.local.inspection import survey

    return survey(settings)


def auto_choice(settings: Settings) -> "Choice":
    """What `auto` is on this machine, with the memory that is free now."""
    from llamacli.engine.local.inspection import choose_here

    return choose_here(settings)


def _remote(settings: Settings, wanted: Wanted, report: Report) -> Models:
    """The model of a server beside the built-in classifier, which alone has to be loaded here."""
    rating = open_models(replace(settings, endpoint=None, model="builtin"), Wanted(False, wanted.classifier), report)

    def engine() -> Engine:
        from llamacli.engine.remote import RemoteEngine

        assert settings.endpoint is not None
        return RemoteEngine.at(settings.endpoint, settings.api_key, settings.model, report)

    return Models(in_background(engine, "engine") if wanted.engine else None, rating.rating)


def _warm(running: runfile.Running, settings: Settings, wanted: Wanted, report: Report) -> Models:
    """The models of a running server of this user: nothing is loaded here."""
    if settings.stats:
        report(Notice(f"Asking the server at {running.url}, process {running.pid}."))
    if settings.model == "auto" and wanted.engine and running.notice:
        report(Notice(running.notice))

    def engine() -> Engine:
        from llamacli.engine.remote import RemoteEngine

        return RemoteEngine.at(running.url, running.token, running.model, report)

    def classifier() -> Classifier:
        from llamacli.engine.remote.classifier import RemoteClassifier

        return RemoteClassifier(running.url, running.token, running.rates)

    return Models(
        in_background(engine, "engine") if wanted.engine else None,
        in_background(classifier, "classifier") if wanted.classifier else None,
    )


def _loading(make: "Callable[[Wanted], Loader | SyntheticLoader]", settings: Settings, wanted: Wanted) -> Models:
    needed = Wanted(wanted.engine, wanted.classifier and settings.classifier_device != "none")
    if not (needed.engine or needed.classifier):
        return Models(None, None)
    loader = in_background(lambda: make(needed), "loader")
    return Models(
        in_background(lambda: loader.result().engine(), "engine") if needed.engine else None,
        in_background(lambda: loader.result().classifier(), "classifier") if needed.classifier else None,
    )
