"""The world that the program runs in: its streams, environment and directory, and the door to the models."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from llamacli.engine import Models, Report, Wanted, open_models
from llamacli.settings import Settings

if TYPE_CHECKING:
    from llamacli.terminal.screen import Screen


@dataclass
class World:
    """Everything outside of the program, in one place, so that a test can be a world of its own.

    `stdin` is None where it is closed. `debug` adds tracebacks to errors.
    """

    stdin: TextIO | None
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    open_models: Callable[[Settings, Wanted, Report], Models] = open_models
    debug: bool = False

    @classmethod
    def of_process(cls) -> "World":
        """The world of this process. What its standard output cannot encode is replaced, a closed one is nowhere."""
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        return cls(sys.stdin, sys.stdout or _nowhere(), sys.stderr or _nowhere(), os.environ, Path.cwd())

    @cached_property
    def screen(self) -> "Screen":
        """The screen, made when first needed: Rich is not worth its time for `--help`."""
        from llamacli.terminal.screen import Screen

        return Screen(self.stdout, self.stderr, self.environ)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # lives as long as the process
