"""In a real pseudo-terminal: what is typed, Ctrl-C and a change of size while an answer comes."""

import codecs
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import terminal_size

import pytest

from tests.terminal.documents import ANSWER
from tests.terminal.emulator import SIZE, Terminal
from tests.terminal.test_live import LONG_CODE, SMALL, whole

PROGRAM = """
import os, sys, time
from llamacli.terminal.interrupts import Interrupts
from llamacli.terminal.screen import Screen
os.close(os.open(os.ttyname(0), os.O_RDWR))  # makes it the controlling terminal, from which Ctrl-C comes
answer = Screen(sys.stdout, sys.stderr, os.environ).answer(sys.argv[1])
fed = 0
try:
    with Interrupts() as interrupts:
        for fed, character in enumerate(sys.argv[2], 1):
            answer.feed(character)
            interrupts.during(lambda: time.sleep(float(sys.argv[3])))
except KeyboardInterrupt:
    pass
answer.finish()
print(fed, "[over]")
"""


class Session:
    """A program at one end of a pseudo-terminal, the emulator at the other."""

    def __init__(self, arguments: list[str], size: terminal_size) -> None:
        self.keyboard, self.tty = os.openpty()
        self.terminal = Terminal(size)
        self.resize(size)
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=self.tty,
            stdout=self.tty,
            stderr=self.tty,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color"},
        )
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def resize(self, size: terminal_size, *, reflow: bool = False) -> None:
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))
        self.terminal.resize(size, reflow=reflow)

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.tty)[3] & termios.ECHO)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, self.terminal.rows()
            self._read()

    def shows(self, text: str) -> Callable[[], bool]:
        return lambda: any(text in row for row in self.terminal.rows())

    def rows(self) -> list[str]:
        """Everything that is to be seen when the program has ended."""
        self.until(self.shows("[over]"))
        assert self.program.wait(10) == 0
        *rows, last = self.terminal.rows()
        self.fed = int(last.removesuffix("[over]"))
        return rows

    def _read(self) -> None:
        if select.select([self.keyboard], [], [], 0.05)[0]:
            self.terminal.write(self._decoder.decode(os.read(self.keyboard, 65536)).replace("\r\n", "\n"))


@contextmanager
def session(*arguments: str, size: terminal_size = SIZE) -> Iterator[Session]:
    running = Session(list(arguments), size)
    try:
        yield running
    finally:
        running.program.kill()
        running.program.wait()
        os.close(running.keyboard)
        os.close(running.tty)


TABLE = "| 이름 | Meaning | n |\n|:--|:-:|--:|\n" + "".join(f"| 값 {n} | word `x` 👍 | {n} |\n" for n in range(30))
WIDE = "한국어 문장입니다. 日本語の文章です。中文句子。 "
PART = "## Part\n\nIt has *words* enough for some rows of this terminal.\n\n1. one\n2. two\n\n"
ANSWERS = {
    "everything": ANSWER,
    "long code": LONG_CODE,
    "table": f"See:\n\n{TABLE}\nDone.\n",
    "wide characters": f"# 한국어 제목\n\n{WIDE * 9}\n\n- 첫째 **굵게**\n- 둘째 {WIDE}\n",
    "emoji": "👍 ok 👍🏽 ❤️ 👩‍👩‍👧 🇰🇷 1️⃣ end\n\n" + "🎉 party 🚀 " * 20 + "\n\n```\n👍 = '🎉'\n```\n",
    "ten screens": PART * 30,
}


@pytest.mark.parametrize("size", [SIZE, SMALL], ids=str)
@pytest.mark.parametrize("source", ANSWERS.values(), ids=ANSWERS)
def test_the_scrollback_is_the_whole_answer(source: str, size: terminal_size) -> None:
    with session("auto", source, "0.0002", size=size) as running:
        assert running.rows() == whole(source, size.columns)


def test_what_is_typed_meanwhile_is_not_shown_and_doubles_nothing() -> None:
    source = "word " * 30 + "\n\nend\n"
    with session("auto", source, "0.01") as running:
        running.until(running.shows("word word"))
        running.type(b"hello\n\n\nworld\n")
        running.until(running.shows("end"))
        rows = running.rows()
        assert rows == whole(source, 80)
        assert running.echoes()


@pytest.mark.parametrize("seen", ["Title", "first", "def f", "한글", "range", "quote"])
def test_ctrl_c_leaves_what_came_and_a_clean_terminal(seen: str) -> None:
    with session("auto", ANSWER, "0.004", size=SMALL) as running:
        running.until(running.shows(seen))
        running.type(b"\x03")
        assert running.rows() == whole(ANSWER[: running.fed], 40)
        assert running.echoes()
        assert not running.terminal.screen.cursor.hidden


def test_a_wider_terminal_doubles_nothing() -> None:
    source = "word " * 40 + "\n\n" + "more " * 40 + "\n"
    with session("auto", source, "0.005", size=SMALL) as running:
        running.until(running.shows("word word"))
        running.resize(SIZE)
        assert running.rows() == whole(source, 80)


@pytest.mark.parametrize("kind", ["prose", "code"])
def test_a_narrower_terminal_doubles_no_word_and_loses_none(kind: str) -> None:
    words = [f"w{n}" for n in range(120)]
    code = "```\n" + "\n".join(" ".join(words[n : n + 6]) for n in range(0, 120, 6)) + "\n```\n"
    with session("auto", code if kind == "code" else " ".join(words), "0.005", size=SIZE) as running:
        running.until(running.shows("w60"))
        running.resize(SMALL, reflow=True)
        assert "".join(running.rows()).replace(" ", "") == "".join(words)  # the terminal broke some of them


def test_plain_has_no_escapes_at_all() -> None:
    with session("plain", ANSWER, "0") as running:
        running.rows()
        assert "\x1b" not in running.terminal.getvalue()
        assert "\r" not in running.terminal.getvalue().replace("\r\n", "\n")
