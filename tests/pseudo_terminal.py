"""A program in a real pseudo-terminal, with pyte for the screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

_PATIENCE_S = 30


class _Screen(pyte.HistoryScreen):
    """A screen that answers when the program asks where the cursor is."""

    def __init__(self, columns: int, lines: int, keyboard: int) -> None:
        super().__init__(columns, lines, history=10_000, ratio=0.001)
        self._keyboard = keyboard

    def write_process_input(self, data: str) -> None:
        os.write(self._keyboard, data.encode())


class PseudoTerminal:
    """Runs a program; `press` is the keyboard, `until` waits for the screen. To be closed by its `with` block."""

    def __init__(
        self, argv: Sequence[str], environ: Mapping[str, str], cwd: Path, *, columns: int = 100, lines: int = 30
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._slave = slave
        self.screen = _Screen(columns, lines, self.master)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.program = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=environ, cwd=cwd, preexec_fn=self._lead
        )

    def _lead(self) -> None:
        os.setsid()
        fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches the program as a signal

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        os.close(self.master)
        os.close(self._slave)

    def press(self, keys: str) -> None:
        """Type, as if a person did."""
        os.write(self.master, keys.encode())

    def paste(self, text: str) -> None:
        """Paste, as a terminal does: marked as a paste where the program wants to know."""
        self.press(f"\x1b[200~{text}\x1b[201~" if self.brackets_pastes else text)

    @property
    def brackets_pastes(self) -> bool:
        """Whether the program has asked to be told of pastes."""
        return self.raw.rfind(b"\x1b[?2004h") > self.raw.rfind(b"\x1b[?2004l")

    @property
    def rows(self) -> list[str]:
        """What is on the screen and in the scrollback, without the empty rows at the end."""
        above = ["".join(row[x].data for x in range(self.screen.columns)) for row in self.screen.history.top]
        rows = [row.rstrip() for row in [*above, *self.screen.display]]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def until(self, text: str, *, gone: bool = False) -> list[str]:
        """The rows as soon as `text` is on one of them, or on none of them."""
        patience = time.monotonic() + _PATIENCE_S
        while any(text in row for row in self.rows) is gone:
            if time.monotonic() > patience or (not self.draw(0.1) and self.program.poll() is not None):
                raise AssertionError(f"{text!r} {'stays' if gone else 'never came'}:\n" + "\n".join(self.rows))
        return self.rows

    def status(self) -> int:
        """The exit status, when the program ended."""
        patience = time.monotonic() + _PATIENCE_S
        while self.program.poll() is None:
            assert time.monotonic() < patience, "It does not end:\n" + "\n".join(self.rows)
            self.draw(0.05)
        while self.draw(0.05):
            pass
        return self.program.returncode

    def is_as_it_was(self) -> bool:
        """Whether lines are edited and echoed by the terminal, and Ctrl-C interrupts, as before the program."""
        flags = termios.tcgetattr(self._slave)[3]
        return all(flags & flag for flag in (termios.ICANON, termios.ECHO, termios.ISIG))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        os.kill(self.program.pid, number)

    def draw(self, within_s: float) -> bool:
        """Take in what the program wrote; whether it did within that time."""
        if not select.select([self.master], [], [], within_s)[0]:
            return False
        data = os.read(self.master, 1 << 16)
        self.raw += data
        self._stream.feed(data)
        return True
