"""What was typed before, in a private file."""

import contextlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from prompt_toolkit.history import FileHistory


class TypedHistory(FileHistory):
    """A file of mode 0600, to which several chats may add at once. It is only read if this one is not `keeping`.

    What cannot be written, or is not to be, is remembered until the chat ends.
    """

    def __init__(self, path: Path, *, keeping: bool) -> None:
        super().__init__(str(path))
        self._path = path
        self._keeping = keeping
        self._not_kept: list[str] = []

    def load_history_strings(self) -> Iterable[str]:
        """The newest first; what cannot be read was never typed."""
        yield from reversed(self._not_kept)
        with contextlib.suppress(OSError):
            yield from super().load_history_strings()

    def store_string(self, string: str) -> None:
        """Append to the file."""
        lines = "".join(f"+{line}\n" for line in string.split("\n"))
        entry = f"\n# {datetime.now()}\n{lines}".encode(errors="replace")
        kept = False
        with contextlib.suppress(OSError):
            kept = self._keeping and self._append(entry)
        if not kept:
            self._not_kept.append(string)

    def _append(self, entry: bytes) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_mode & 0o077:
                os.fchmod(file, 0o600)
            # At once, so that no other chat writes into the middle of it.
            return os.write(file, entry) == len(entry)
        finally:
            os.close(file)
