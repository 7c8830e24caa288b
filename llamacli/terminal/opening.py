"""Models that load while a person types."""

from collections.abc import Callable
from concurrent.futures import Future

from llamacli.background import in_background
from llamacli.engine import Models, Report
from llamacli.engine.base import Engine
from llamacli.errors import LlamacliError
from llamacli.events import LoadEvent, LoadProgress, Notice
from llamacli.settings import Settings
from llamacli.terminal.interrupts import Interrupts
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import PromptSource

OpenModels = Callable[[Settings, Report], Models]


class Opening:
    """Opens models and tells how far they are: beside the prompt while there is one, else in a line of its own.

    A chat cannot go on without its first model: what that one's loading raises ends the prompt. What a later one's
    raises while nobody waits for it goes to `failed`.
    """

    def __init__(
        self, open_models: OpenModels, screen: Screen, source: PromptSource, failed: Callable[[LlamacliError], None]
    ) -> None:
        self._open_models = open_models
        self._screen = screen
        self._source = source
        self._failed = failed
        self._wanted: str | None = None
        self._former: str | None = None
        self._progress: dict[str, LoadProgress] = {}
        self._display: LoadingDisplay | None = None
        self._first: Future[Engine] | None = None
        self._latest: Future[Engine] | None = None

    def open(self, settings: Settings) -> Models:
        """Start to load the models that the settings name."""
        if self._latest is not None and not (self._latest.done() and self._latest.exception()):
            self._former = self._wanted
        self._wanted = settings.model
        self._progress = {}
        models = self._open_models(settings, self._report)
        self._latest = in_background(lambda: models.engine, "opening")
        if self._first is None:
            self._first = self._latest
        self._latest.add_done_callback(self._loaded)
        return models

    def wait(self, interrupts: Interrupts) -> None:
        """Wait for the latest language model; raises what its loading raised."""
        assert self._latest is not None
        with LoadingDisplay(self._screen) as display:
            for progress in self._progress.values():
                display.report(progress)
            self._display = display
            try:
                interrupts.during(self._latest.result)
            finally:
                self._display = None

    def is_fatal(self, error: BaseException) -> bool:
        """Whether this is what the loading of the first model raised, and no other model was asked for since."""
        first = self._first
        return first is not None and first is self._latest and first.done() and first.exception() is error

    def replaced_by_failure(self, error: BaseException) -> str | None:
        """The model that the latest one was to replace, if its loading raised this; told once, for it may fail too."""
        latest = self._latest
        if latest is None or not latest.done() or latest.exception() is not error:
            return None
        former, self._former = self._former, None
        return former

    @property
    def state(self) -> str:
        """How far the latest language model is, for people; empty when it is ready."""
        assert self._latest is not None
        if self._latest.done():
            return "the model could not be loaded" if self._latest.exception() else ""
        return " · ".join(map(_words, tuple(self._progress.values()))) or "loading"

    def _loaded(self, done: "Future[Engine]") -> None:
        error = done.exception()
        if error is not None and done is self._latest:
            self._tell(error, first=done is self._first)
        self._source.refresh()

    def _tell(self, error: BaseException, *, first: bool) -> None:
        if first:
            self._source.fail(error)
        elif self._display is None and self._source.person and isinstance(error, LlamacliError):
            self._source.announce(lambda: self._failed(error))  # a turn that waits for it raises it

    def _report(self, event: LoadEvent) -> None:
        display = self._display
        if isinstance(event, LoadProgress):
            self._progress = {**self._progress, event.role: event}
            self._source.refresh()
        if display is not None:
            display.report(event)
        elif isinstance(event, Notice):
            text = event.text
            self._source.announce(lambda: self._screen.notice(text))


def _words(progress: LoadProgress) -> str:
    share = f" {progress.done / progress.total:.0%}" if progress.total else ""
    return f"{progress.role}: {progress.phase}{share}"
