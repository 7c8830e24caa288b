"""Where the turns of a chat come from: lines of a stream, or (in `prompt`) a person at a terminal."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TextIO

from llamacli.attachments import decode
from llamacli.errors import Interrupted

QUOTES = '"""'
PROMPT = "> "
LEAVING = "Ctrl-C again, or Ctrl-D, leaves."


class EditorWanted(Exception):
    """The person asks for an editor, for the `text` that was typed so far."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class PromptSource(Protocol):
    """Gives the turns of a chat, one after the other. Only `read` and `quiet` belong to the main thread alone."""

    @property
    def person(self) -> bool:
        """Whether somebody sits there, to whom Ctrl-C means this answer and not the program."""
        ...

    @property
    def takes_drafts(self) -> bool:
        """Whether a draft can be gone on with where turns are typed."""
        ...

    def read(self, toolbar: Callable[[int], str], draft: str = "", /) -> str:
        """The next turn as it was typed, empty where a draft was given up.

        `draft` is there already, `toolbar` is what the line below says in so many columns. EOFError at the end,
        Interrupted where the person leaves by Ctrl-C, EditorWanted.
        """
        ...

    def announce(self, show: Callable[[], None]) -> None:
        """Let `show` write to the screen when that does not disturb what is being typed."""
        ...

    def fail(self, error: BaseException) -> None:
        """Break `read`, now or the next time, with this error."""
        ...

    def refresh(self) -> None:
        """The toolbar says something new."""
        ...

    def quiet(self) -> AbstractContextManager[None]:
        """While this lasts, keys do not show that are pressed between two reads."""
        ...

    def lent(self) -> AbstractContextManager[None]:
        """While this lasts, another program has the terminal, as it was before it was `quiet`."""
        ...


class LineSource:
    """Turns from a stream, a line each; a block between triple quotes is one turn. NotText where it is no UTF-8.

    A person who types the lines sees the `prompt` on that stream, at a terminal that cannot do more.
    """

    takes_drafts = False

    def __init__(self, stream: TextIO, *, prompt: TextIO | None = None) -> None:
        self._stream = stream
        self._prompt = prompt
        self._lines = 0
        self._failure: BaseException | None = None
        self._leaving = False
        self.person = prompt is not None

    def read(self, _toolbar: Callable[[int], str], _draft: str = "", /) -> str:
        """The next line, or block."""
        if self._failure is not None:
            raise self._failure
        try:
            text = self._block()
        except EOFError:
            self._end_line()
            raise
        except KeyboardInterrupt:
            self._end_line()
            if self._leaving:
                raise Interrupted("Interrupted.") from None
            self._leaving = True
            raise
        self._leaving = False
        return text

    def _block(self) -> str:
        text = self._line()
        if not text:
            raise EOFError
        while block_is_open(text) and (more := self._line()):
            text += more
        return text.rstrip("\r\n")

    def _end_line(self) -> None:
        if self._prompt is not None:
            self._prompt.write("\n")  # after the prompt, and the ^C that the terminal shows
            self._prompt.flush()

    def _line(self) -> str:
        self._lines += 1
        if self._prompt is not None:
            self._prompt.write(PROMPT)
            self._prompt.flush()
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            return self._stream.readline()
        return decode(buffer.readline(), f"Line {self._lines} of standard input")

    def announce(self, show: Callable[[], None]) -> None:
        """Nobody is typing: at once."""
        show()

    def fail(self, error: BaseException) -> None:
        """The next `read` raises it."""
        self._failure = error

    def refresh(self) -> None:
        """There is no toolbar."""

    def quiet(self) -> AbstractContextManager[None]:
        """There are no keys."""
        return nullcontext()

    def lent(self) -> AbstractContextManager[None]:
        """Nothing was taken."""
        return nullcontext()


def block_is_open(text: str) -> bool:
    """Whether `text` opens a block with triple quotes and does not end with those that close it."""
    stripped = text.strip()
    closed = len(stripped) >= 2 * len(QUOTES) and stripped.endswith(QUOTES)
    return stripped.startswith(QUOTES) and not closed


def quoted(prompt: str) -> str:
    """The prompt as it has to be typed, so that it is not taken for a command."""
    return f"{QUOTES}\n{prompt}\n{QUOTES}" if prompt.startswith("/") or prompt.lstrip().startswith(QUOTES) else prompt


def without_quotes(text: str) -> str:
    """The prompt that was typed: without the quotes of a block, also of one that was never closed."""
    stripped = text.strip()
    if not stripped.startswith(QUOTES):
        return text
    return stripped.removeprefix(QUOTES).removesuffix(QUOTES).strip("\r\n")
