"""The prompt of a command: its words, its files and its standard input."""

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count

from llamacli.attachments import decode, join_prompt, read_text
from llamacli.cli.context import World
from llamacli.engine import Report
from llamacli.errors import BadUsage, NothingToAsk
from llamacli.events import Notice

_STDIN = "standard input"
_SOON_S = 0.2
_TICK_S = 0.05
_CHUNK = 1 << 20
_BATCH = 64


class PromptInput:
    """What a command was given to ask; words and files are read, and refused, when it is made.

    A leading word `-`, a file `-`, or nothing else to ask mean that standard input is needed; otherwise it is read
    where it is no terminal. Raises BadUsage where a file cannot be read, NotText where something is not text.
    """

    def __init__(self, words: Sequence[str], files: Sequence[str], world: World) -> None:
        named = list(words[:1]) == ["-"]
        self._world = world
        self._words = decode(os.fsencode(" ".join(words[named:])), "The prompt")
        self._files = [(path, "" if path == "-" else read_text(world.cwd / path)) for path in dict.fromkeys(files)]
        self._as_file = "-" in files
        self._needs_stdin = named or self._as_file or not self._has_text()
        self._typed = world.stdin is not None and world.stdin.isatty()
        if self._typed and not named and not self._as_file and self._needs_stdin:
            raise nothing_to_ask()

    def at_once(self) -> str | None:
        """The prompt; None where standard input is a pipe that is silent so far."""
        if self._world.stdin is None or (self._typed and not self._needs_stdin):
            return self._prompt(b"")
        if self._typed or has_bytes(self._world.stdin.fileno()):
            return self._prompt(self._read())
        return None

    def awaited(self, loaded: Callable[[], bool], report: Report) -> str:
        """The prompt, after the first byte of standard input, or without it.

        A pipe that stays silent is given up when `loaded()` and the patience is spent, except where it is needed.
        """
        assert self._world.stdin is not None
        given_up = time.monotonic() + self._world.patience_s
        while not has_bytes(self._world.stdin.fileno(), _TICK_S):
            if loaded() and not self._needs_stdin and time.monotonic() >= given_up:
                report(Notice("Standard input stayed silent and is not part of the prompt."))
                return self._prompt(b"")
        return self._prompt(self._read())

    def _read(self) -> bytes:
        assert self._world.stdin is not None
        return b"".join(chunks(self._world.stdin.fileno()))

    def _prompt(self, data: bytes) -> str:
        text = decode(data, _STDIN.capitalize())
        if not text.strip() and not self._has_text():
            raise nothing_to_ask()
        files = [(_STDIN, text) if path == "-" else (_shown(path), content) for path, content in self._files]
        return join_prompt("" if self._as_file else text, files, self._words)

    def _has_text(self) -> bool:
        return any(text.strip() for text in (self._words, *(content for _, content in self._files)))


def has_bytes(descriptor: int, within_s: float = _SOON_S) -> bool:
    """Whether a read from the descriptor would return within so many seconds: bytes, or the end."""
    return bool(select.select([descriptor], [], [], within_s)[0])


def chunks(descriptor: int) -> Iterator[bytes]:
    """The bytes of a descriptor as they come, to their end. Raises BadUsage where it cannot be read."""
    while True:
        select.select([descriptor], [], [])
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:  # shared with a process that made it non-blocking, and was faster
            continue
        except OSError as error:
            raise BadUsage(
                f"{_STDIN.capitalize()} cannot be read.",
                reason=f"{error.strerror}.",
                hint="Pipe text into it, or leave it alone.",
            ) from error
        if not data:
            return
        yield data


def line_batches(descriptor: int) -> Iterator[list[str]]:
    """The lines of a descriptor, so many at a time as there are, but at most 64; NotText names the line."""
    number, held = 0, b""
    for chunk in chain(chunks(descriptor), [b""]):
        *lines, held = (held + chunk).split(b"\n")
        if not chunk and held:
            lines = [held]
        for start in range(0, len(lines), _BATCH):
            batch = lines[start : start + _BATCH]
            names = (f"Line {number + place:,} of {_STDIN}" for place in count(start + 1))
            yield [decode(line, name).removesuffix("\r") for line, name in zip(batch, names, strict=False)]
        number += len(lines)


def _shown(path: str) -> str:
    return os.fsencode(path).decode(errors="replace")


def nothing_to_ask() -> NothingToAsk:
    """The error where there are no words and no bytes."""
    return NothingToAsk(
        "There is nothing to ask.",
        reason="No words were given, and files and standard input are empty, blank or a terminal.",
        hint="llamacli ask what is a llama",
    )
