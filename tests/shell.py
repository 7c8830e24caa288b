"""The whole program in this process, used like a shell: `run("ask", "hi", stdin=b"...").out`."""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, TextIO, TypeAlias

from llamacli.cli.context import World
from llamacli.cli.main import main
from llamacli.engine import Models, Report, Wanted
from llamacli.engine.base import Classifier, Engine
from llamacli.engine.scripted import ScriptedClassifier, ScriptedEngine, scripted_models
from llamacli.history import Recording
from llamacli.settings import Settings

Stdin: TypeAlias = bytes | Path | Callable[[BinaryIO], None] | None

NOWHERE = Path("/nonexistent")


def unsaved() -> Recording:
    """What records a chat that is not saved."""
    return Recording(NOWHERE, saving=False)


def silent(sink: BinaryIO) -> None:
    """Say nothing into a pipe, and leave it open."""


class Output(io.StringIO):
    """What a stream was given; a terminal, perhaps. Once it was given `last`, `fault` is raised."""

    def __init__(self, *, tty: bool = False, last: str = "", fault: type[BaseException] = KeyboardInterrupt) -> None:
        super().__init__()
        self._tty = tty
        self._last = last
        self._fault = fault

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._last and self._last in self.getvalue():
            self._last = ""
            raise self._fault
        return written


@dataclass
class Result:
    """What a command did: what it wrote, how it ended, and what it loaded under which settings."""

    out: str
    err: str
    status: int
    loaded: Wanted | None
    settings: Settings | None

    @property
    def json(self) -> Any:
        """The one line of JSON on standard output."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


@dataclass
class _Door:
    """Stands for `open_models`, and remembers what went through."""

    engine: Engine
    classifier: Classifier
    wanted: Wanted | None = None
    settings: Settings | None = None

    def open(self, settings: Settings, wanted: Wanted, report: Report) -> Models:
        assert self.wanted is None, "opened twice"
        self.wanted, self.settings = wanted, settings
        return scripted_models(self.engine if wanted.engine else None, self.classifier if wanted.classifier else None)


def run(
    *argv: str,
    stdin: Stdin = b"",
    tty: bool = False,
    engine: Engine | None = None,
    classifier: Classifier | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = NOWHERE,
    status: int = 0,
    out: Output | None = None,
    patience_s: float = 0.0,
) -> Result:
    """Run a command, all its streams terminals or none; a status other than the one expected fails.

    `stdin` is what is piped into it, a file, somebody who speaks into a pipe, or None where it is closed. Nothing is
    saved unless `env` says so.
    """
    door = _Door(engine or ScriptedEngine.saying("An answer."), classifier or ScriptedClassifier())
    out, err = out or Output(tty=tty), Output(tty=tty)
    environ = {"HOME": str(NOWHERE), "TERM": "xterm-256color", "LLAMACLI_SAVE": "no", **(env or {})}
    with ExitStack() as stack:
        source = stack.enter_context(_terminal() if tty else _source(stdin))
        world = World(source, out, err, environ, cwd, open_models=door.open, patience_s=patience_s)
        world.check_before_loading = lambda _settings, _conversation: None  # the script has no tokenizer
        ended = main(argv, world)
    assert ended == status, f"status {ended}, not {status}\n{err.getvalue()}"
    return Result(out.getvalue(), err.getvalue(), ended, door.wanted, door.settings)


def _source(stdin: Stdin) -> AbstractContextManager[TextIO | None]:
    if stdin is None:
        return nullcontext()
    if isinstance(stdin, Path):
        return stdin.open(encoding="utf-8")
    return _piped(_saying(stdin) if isinstance(stdin, bytes) else stdin)


@contextmanager
def _piped(speak: Callable[[BinaryIO], None]) -> Iterator[TextIO]:
    """A real pipe, and somebody at its other end."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as stream, open(writing, "wb", buffering=0) as sink:
        speaker = Thread(target=speak, args=(sink,))
        speaker.start()
        yield stream
        speaker.join()


def _saying(data: bytes) -> Callable[[BinaryIO], None]:
    def speak(sink: BinaryIO) -> None:
        with sink:
            sink.write(data)

    return speak


@contextmanager
def _terminal() -> Iterator[TextIO]:
    """A terminal at which nobody types."""
    person, program = os.openpty()
    with open(program, encoding="utf-8") as stream, open(person, "wb", buffering=0):
        yield stream
