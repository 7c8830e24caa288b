"""Shows an answer while it comes."""

from typing import Protocol, TextIO

from llamacli.terminal.sanitize import Sanitizer


class AnswerRenderer(Protocol):
    """A stage that shows the pieces of one answer."""

    def feed(self, text: str) -> None:
        """Show the next piece."""
        ...

    def finish(self) -> None:
        """End the answer, also a stopped one: everything is shown, and one newline ends it."""
        ...


class PlainAnswer:
    """The text as it is, each piece at once, with no cursor movement; made harmless where a terminal reads it.

    Line ends at the end of the answer become exactly one. BrokenPipeError where nobody reads any more.
    """

    def __init__(self, stream: TextIO, *, terminal: bool) -> None:
        self._stream = stream
        self._sanitizer = Sanitizer() if terminal else None
        self._line_ends = ""
        self._empty = True

    def feed(self, text: str) -> None:
        """Write the next piece; line ends wait until something follows them."""
        self._write(self._sanitizer.feed(text) if self._sanitizer else text)

    def finish(self) -> None:
        """Write what was held back and the newline; nothing where there was no answer at all."""
        if self._sanitizer:
            self._write(self._sanitizer.finish())
        if not self._empty:
            self._stream.write("\n")
            self._stream.flush()

    def _write(self, text: str) -> None:
        text = self._line_ends + text
        shown = text.rstrip("\r\n")
        self._line_ends = text[len(shown) :]
        if shown:
            self._empty = False
            self._stream.write(shown)
            self._stream.flush()
