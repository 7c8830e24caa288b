"""The two streams a person reads, and what is known of them. Made once, passed down."""

import contextlib
import io
import json
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from llamacli.errors import LlamacliError
from llamacli.terminal.sanitize import escape_json, sanitize
from llamacli.terminal.streaming import AnswerRenderer, PlainAnswer
from llamacli.terminal.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console

_DIM, _ERROR, _HINT = "2", "1;31", "36"
_USUAL_SIZE = os.terminal_size((80, 24))
_UNWRAPPED = os.terminal_size((10_000, 24))
"""Where there is no terminal, nothing is wrapped; Rich would do so at 80."""


class Screen:
    """Standard output and standard error, each judged by itself.

    `..._is_terminal`: a person's terminal reads it, so foreign text is made harmless.
    `..._can_move`: that terminal also understands cursor movement, and it is wanted; not where TERM is `dumb`.
    `..._is_styled`: it takes styles, as a terminal that is not dumb, or because FORCE_COLOR is set. NO_COLOR leaves
    bold, dim and the like, and takes the colours away. Writing where nobody reads any more raises BrokenPipeError.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]) -> None:
        self.stdout = _forgiving(stdout)
        self.stderr = _forgiving(stderr)
        self._environ = environ
        capable = environ.get("TERM", "") not in ("dumb", "unknown")
        forced = bool(environ.get("FORCE_COLOR")) and capable
        self.out_is_terminal = stdout.isatty()
        self.err_is_terminal = stderr.isatty()
        self.out_can_move = self.out_is_terminal and capable
        self.err_can_move = self.err_is_terminal and capable
        self.out_is_styled = self.out_can_move or forced
        self.err_is_styled = self.err_can_move or forced

    def keep_still(self) -> None:
        """Move no cursor from now on, for people to whom a screen reader reads what comes."""
        self.out_can_move = self.err_can_move = False

    @cached_property
    def out(self) -> "Console":
        """Standard output as a Rich console that never reads markup. Foreign text has to be sanitized first."""
        from llamacli.terminal.console import console_of

        columns = None if self.out_is_terminal else _UNWRAPPED.columns
        return console_of(self.stdout, self._environ, columns, styled=self.out_is_styled)

    @cached_property
    def err(self) -> "Console":
        """Standard error, likewise."""
        from llamacli.terminal.console import console_of

        columns = None if self.err_is_terminal else _UNWRAPPED.columns
        return console_of(self.stderr, self._environ, columns, styled=self.err_is_styled)

    def answer(self, render: str, *, coming: bool = True) -> AnswerRenderer:
        """The renderer of one answer: "markdown", "plain", or "auto": markdown where the cursor can move.

        One that is still `coming` is drawn live there.
        """
        if render == "plain" or (render == "auto" and not self.out_can_move):
            return PlainAnswer(self.stdout, terminal=self.out_is_terminal)
        from llamacli.terminal.live import MarkdownAnswer

        return MarkdownAnswer(self.out, self.out_size, live=coming and self.out_can_move)

    def notice(self, text: str) -> None:
        """A dim line on standard error."""
        self._complain(self._err_styled(self._wrapped(text), _DIM))

    def error(self, error: LlamacliError) -> None:
        """What went wrong, why, and what to do, on standard error."""
        said = [("error:", _ERROR, error.message), ("", "", error.reason), ("hint:", _HINT, error.hint)]
        for label, codes, text in said:
            if text:
                body = self._wrapped(f"{label} {text}".strip()).removeprefix(label)
                self._complain(self._err_styled(label, codes) + body)

    def line(self, text: str) -> None:
        """A line on standard output that is no model's text."""
        _write(self.stdout, sanitize(text) + "\n")

    def data(self, value: object) -> None:
        """One line of JSON on standard output, whose strings stay what they are on a terminal too."""
        line = json.dumps(value, ensure_ascii=not _is_unicode(self.stdout))
        _write(self.stdout, (escape_json(line) if self.out_is_terminal else line) + "\n")

    def out_size(self) -> os.terminal_size:
        """Columns and lines of standard output, now; off a terminal so many that nothing is wrapped."""
        return _size(self.stdout)

    def err_size(self) -> os.terminal_size:
        """Columns and lines of standard error, likewise."""
        return _size(self.stderr)

    def _complain(self, text: str) -> None:
        _write(self.stderr, text + "\n")

    def _wrapped(self, text: str) -> str:
        """The text without control characters; on a terminal broken between words."""
        columns = self.err_size().columns - 1 if self.err_is_terminal else _UNWRAPPED.columns
        return wrapped(sanitize(text), columns)

    def _err_styled(self, text: str, codes: str) -> str:
        if self._environ.get("NO_COLOR"):
            codes = ";".join(code for code in codes.split(";") if code and int(code) < 30)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.err_is_styled and codes else text


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _forgiving(stream: TextIO) -> TextIO:
    """The stream; a character that its encoding does not have becomes `\\uXXXX`, not an exception."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _size(stream: TextIO) -> os.terminal_size:
    if not stream.isatty():
        return _UNWRAPPED
    with contextlib.suppress(OSError, ValueError):
        size = os.get_terminal_size(stream.fileno())
        if size.columns > 0 and size.lines > 0:
            return size
    return _USUAL_SIZE
