"""The line that a person types at: keys, history, completion, the toolbar."""

import contextlib
import os
import select
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from typing import Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import History
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output, create_output

from llamacli.errors import Interrupted
from llamacli.history import TYPED_NAME
from llamacli.settings import Settings
from llamacli.terminal.bar import Item, fitted
from llamacli.terminal.completion import CommandCompleter
from llamacli.terminal.sanitize import sanitize
from llamacli.terminal.source import LEAVING, PROMPT, EditorWanted, block_is_open
from llamacli.terminal.typed import TypedHistory

CONTINUATION = " " * len(PROMPT)
_LEAVING = Item(1, (LEAVING, "Ctrl-C again leaves.", "Ctrl-C leaves."))


class TerminalPrompt:
    """A prompt source with a person at a terminal. `typed` is what was typed before."""

    person = True
    takes_drafts = True

    def __init__(self, terminal_input: Input, output: Output, typed: History, completer: Completer) -> None:
        self._input = terminal_input
        self._former: list[Any] | None = None
        self._pending: deque[Callable[[], None]] = deque()
        self._failure: BaseException | None = None
        self._context: Context | None = None
        self._leaving = self._drafted = False
        self._early = False
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=CONTINUATION,
            history=typed,
            completer=completer,
            complete_while_typing=False,
            search_ignore_case=True,
            key_bindings=self._keys(),
            enable_suspend=True,
            input=terminal_input,
            output=output,
        )
        self._session.default_buffer.on_text_changed += self._stay

    @classmethod
    def at(cls, stdin: TextIO, output: TextIO, settings: Settings) -> "TerminalPrompt":
        """The prompt at the terminal behind these streams."""
        typed = TypedHistory(settings.data_dir / TYPED_NAME, keeping=settings.save)
        return cls(create_input(stdin), harmless(create_output(output)), typed, CommandCompleter(settings))

    def read(self, toolbar: Callable[[int], str], draft: str = "", /) -> str:
        """What was typed when Enter was pressed; empty where a draft was given up by Ctrl-C."""
        self._leaving, self._drafted = False, bool(draft)
        self._session.app.erase_when_done = False
        self._show_pending()

        def line_below() -> str:
            columns = self._session.app.output.get_size().columns
            return fitted([_LEAVING], columns) if self._leaving else toolbar(columns)

        try:
            text = self._session.prompt(default=draft, bottom_toolbar=line_below, pre_run=self._begin)
        finally:
            self._early = False
            self._bracket_pastes(self._former is not None)  # prompt_toolkit has ended it
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
        """The terminal keeps keys for the next prompt as they are, unechoed; Ctrl-C alone is still a signal.

        A paste is marked as one, so that its lines do not come to the next prompt as so many turns.
        """
        fd = self._input.fileno()
        try:
            import termios
        except ImportError:  # Windows echoes only what is read
            yield
            return
        if not os.isatty(fd):
            yield
            return
        self._former = termios.tcgetattr(fd)
        silent = termios.tcgetattr(fd)
        silent[0] &= ~termios.ICRNL
        silent[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        termios.tcsetattr(fd, termios.TCSANOW, silent)
        self._early = bool(select.select([fd], [], [], 0)[0])
        if self._early:  # keys that were echoed before, and will stand behind the prompt
            self._session.output.write_raw("\r")
            self._session.output.erase_end_of_line()
        self._bracket_pastes(True)
        try:
            yield
        finally:
            self._bracket_pastes(False)
            termios.tcsetattr(fd, termios.TCSANOW, self._former)

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Another program has the terminal, as it was before `quiet`."""
        if self._former is None:
            yield
            return
        import termios

        fd = self._input.fileno()
        own = termios.tcgetattr(fd)
        termios.tcsetattr(fd, termios.TCSANOW, self._former)
        self._bracket_pastes(False)
        try:
            yield
        finally:
            termios.tcsetattr(fd, termios.TCSANOW, own)
            self._bracket_pastes(True)

    def _bracket_pastes(self, wanted: bool) -> None:
        output = self._session.output
        (output.enable_bracketed_paste if wanted else output.disable_bracketed_paste)()
        output.flush()

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
        if self._drafted:  # it stood for more than its text
            event.app.erase_when_done = True
            event.app.exit(result="")
        elif event.current_buffer.text:
            event.current_buffer.reset()
        elif self._leaving:
            event.app.exit(exception=Interrupted("Interrupted."))
        else:
            self._leaving = True

    def _ended_early(self) -> bool:
        """Whether a NUL is Ctrl-D, which Linux makes of one that was pressed before the terminal was `quiet`."""
        return self._early and not self._session.default_buffer.text

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)
        keys.add("enter", filter=typing)(_enter)
        keys.add("escape", "enter", filter=typing)(_newline)
        keys.add("c-j", filter=typing)(_newline)
        keys.add(Keys.Vt100MouseEvent)(_nothing)
        keys.add("c-x", "c-e", filter=typing)(_to_editor)
        keys.add("c-@", filter=typing & Condition(self._ended_early))(_end)
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


def _to_editor(event: KeyPressEvent) -> None:
    event.app.erase_when_done = True
    event.app.exit(exception=EditorWanted(event.current_buffer.text))


def _end(event: KeyPressEvent) -> None:
    event.app.exit(exception=EOFError)


def _nothing(_event: KeyPressEvent) -> None:
    """Typed or pasted escape sequences look like a mouse, which is not used; prompt_toolkit fails to read them."""


def _newline(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")
