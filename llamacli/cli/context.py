"""The world that the program runs in: its streams, environment and directory, and the door to the models."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from llamacli.engine import Models, Report, Wanted, check_before_loading, open_models
from llamacli.errors import BadUsage
from llamacli.messages import Conversation
from llamacli.settings import Settings
from llamacli.terminal.screen import Screen


@dataclass
class World:
    """Everything outside of the program, in one place, so that a test can be a world of its own.

    `stdin` is None where it is closed. `patience_s` is how long a silent pipe is awaited at least.
    `debug` adds tracebacks to errors.
    """

    stdin: TextIO | None
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    open_models: Callable[[Settings, Wanted, Report], Models] = open_models
    check_before_loading: Callable[[Settings, Conversation], None] = check_before_loading
    patience_s: float = 5.0
    debug: bool = False

    @classmethod
    def of_process(cls) -> "World":
        """The world of this process; a closed output is nowhere."""
        # A path relative to the working directory works on where that directory has been deleted.
        return cls(sys.stdin, sys.stdout or _nowhere(), sys.stderr or _nowhere(), os.environ, Path())

    @cached_property
    def screen(self) -> Screen:
        """The screen of both outputs."""
        return Screen(self.stdout, self.stderr, self.environ)

    def confirmed(self, question: str) -> bool:
        """Whether the person at the terminal says yes; BadUsage where there is nobody to ask."""
        if self.stdin is None or not self.stdin.isatty() or not self.screen.err_is_terminal:
            raise BadUsage(question, reason="There is no terminal to answer at.", hint="Add --yes to do it.")
        self.screen.notice(f"{question} [y/N]")
        return self.stdin.readline().strip().lower() in ("y", "yes")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # lives as long as the process
