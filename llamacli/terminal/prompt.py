"""The line that a person types at: keys, history, completion, the toolbar."""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output, create_output

from llamacli.errors import Interrupted
from llamacli.terminal.completion import CommandCompleter
from llamacli.terminal.sanitize import sanitize
from llamacli.terminal.source import LEAVING, PROMPT, block_is_open

CONTINUATION = " " * len(PROMPT)


class TerminalPrompt:
    """A prompt source with a person at a terminal. `history` is a private file that remembers what was typed."""

    person = True

    def __init__(self, terminal_input: Input, output: Output, history: Path) -> None:
        self._input = terminal_input
        self._pending: deque[Callable[[], None]] = deque()
        self._failure: BaseException | None = None
        self._context: Context | None = None
        self._leaving = False
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=CONTINUATION,
            history=_history(history),
            completer=CommandCompleter(),
            complete_while_typing=False,
            key_bindings=self._keys(),
            enable_open_in_editor=True,
            enable_suspend=True,
            tempfile_suffix=".md",
            input=terminal_input,
            output=output,
        )
        self._session.default_buffer.on_text_changed += self._stay

    @classmethod
    def at(cls, stdin: TextIO, output: TextIO, history: Path) -> "TerminalPrompt":
        """The prompt at the terminal behind these streams."""
        return cls(create_input(stdin), harmless(create_output(output)), history)

    def read(self, toolbar: Callable[[], str], draft: str = "", /) -> str:
        """What was typed when Enter was pressed."""
        self._leaving = False
        self._show_pending()

        def line_below() -> str:
            return LEAVING if self._leaving else toolbar()

        text = self._session.prompt(default=draft, bottom_toolbar=line_below, pre_run=self._begin)
        return text.encode(errors="replace").decode()  # bytes that are not UTF-8 come as lone surrogates

    def announce(self, show: Callable[[], None]) -> None:
        """Above the prompt, or before the next one."""
        self._pending.append(show)
        self._wake()

    def fail(self, error: BaseException) -> None:
        """The prompt ends with this error, now or when it is next shown."""
        self._failure = error
        self._wake()

    def refresh(self) -> None:
        """Draw the toolbar again."""
        self._session.app.invalidate()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """The terminal keeps keys for the next prompt as they are, unechoed; Ctrl-C alone is still a signal."""
        fd = self._input.fileno()
        try:
            import termios
        except ImportError:  # Windows echoes only what is read
            yield
            return
        if not os.isatty(fd):
            yield
            return
        former = termios.tcgetattr(fd)
        silent = termios.tcgetattr(fd)
        silent[0] &= ~termios.ICRNL
        silent[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        termios.tcsetattr(fd, termios.TCSANOW, silent)
        try:
            yield
        finally:
            termios.tcsetattr(fd, termios.TCSANOW, former)

    def _begin(self) -> None:
        self._context = copy_context()  # in which the running prompt is the current one
        self._wake()

    def _wake(self) -> None:
        """Let the running prompt, if there is one, attend to what other threads left for it."""
        loop = self._session.app.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile: the next prompt attends
                loop.call_soon_threadsafe(self._attend, context=self._context)

    def _attend(self) -> None:
        app = self._session.app
        if self._failure is not None and app.is_running and not app.is_done:
            app.exit(exception=self._failure)
        elif self._pending:
            run_in_terminal(self._show_pending)

    def _show_pending(self) -> None:
        while self._pending:
            self._pending.popleft()()

    def _stay(self, _: Buffer) -> None:
        self._leaving = False

    def _interrupt(self, event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        elif self._leaving:
            event.app.exit(exception=Interrupted("Interrupted."))
        else:
            self._leaving = True

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)
        keys.add("enter", filter=typing)(_enter)
        keys.add("escape", "enter", filter=typing)(_newline)
        keys.add("c-j", filter=typing)(_newline)
        keys.add(Keys.Vt100MouseEvent)(_nothing)
        keys.add("c-c", filter=typing)(self._interrupt)
        keys.add("<sigint>")(self._interrupt)
        return keys


def harmless(output: Output) -> Output:
    """The output, which shows no file name, draft or paste that turns the line around or hides a part of it."""
    write = output.write

    def harmless_write(data: str) -> None:
        write("\r".join(map(sanitize, data.split("\r"))))  # prompt_toolkit shows a carriage return of the text as ^M

    output.write = harmless_write  # type: ignore[method-assign]  # escapes go through write_raw
    return output


def _enter(event: KeyPressEvent) -> None:
    if block_is_open(event.current_buffer.text):
        _newline(event)
    else:
        event.current_buffer.validate_and_handle()


def _nothing(_event: KeyPressEvent) -> None:
    """Typed or pasted escape sequences look like a mouse, which is not used; prompt_toolkit fails to read them."""


def _newline(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")


class PrivateHistory(FileHistory):
    """A file of mode 0600. What cannot be written is not remembered."""

    def store_string(self, string: str) -> None:
        """Append to the file."""
        with contextlib.suppress(OSError):
            super().store_string(string)


def _history(path: Path) -> History:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return PrivateHistory(path)
