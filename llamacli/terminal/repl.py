"""A chat: reads turns and commands, shows answers and results."""

from collections.abc import Mapping
from dataclasses import replace

from llamacli.attachments import join_prompt
from llamacli.chat import ChatSession, TurnReport
from llamacli.errors import ExitStatus, Interrupted, LlamacliError
from llamacli.history import Recording
from llamacli.messages import Conversation
from llamacli.settings import Settings
from llamacli.terminal import clipboard
from llamacli.terminal.bar import chat_items, fitted
from llamacli.terminal.commands import run
from llamacli.terminal.editor import edited
from llamacli.terminal.fences import open_fence
from llamacli.terminal.interrupts import Interrupts
from llamacli.terminal.opening import Opening, OpenModels
from llamacli.terminal.reports import peak_memory, stats_line
from llamacli.terminal.results import Answer, Chat, Copy, Draft, Leave, Result, Say
from llamacli.terminal.screen import Screen
from llamacli.terminal.source import LEAVING, EditorWanted, PromptSource, quoted, without_quotes
from llamacli.terminal.streaming import AnswerRenderer, PlainAnswer
from llamacli.terminal.turn import cut_notice, show_turn


class Repl:
    """One chat at one screen. It opens the models, which load while the first prompt is typed, and closes them."""

    def __init__(
        self,
        settings: Settings,
        open_models: OpenModels,
        screen: Screen,
        source: PromptSource,
        environ: Mapping[str, str],
        recording: Recording,
        begun: Conversation | None = None,
    ) -> None:
        self._screen = screen
        self._source = source
        self._environ = environ
        self._opening = Opening(open_models, screen, source, self._fail)
        self._interrupts = Interrupts()
        self._draft: Draft | None = None
        self._failure = ExitStatus.DONE
        models = self._opening.open(settings)
        session = ChatSession.of(models, settings, begun, recording)
        self.chat = Chat(session, settings, self._opening.open, recording)

    def run(self) -> ExitStatus:
        """Read and answer until the person leaves or the input ends; raises what loading the first model raised.

        A script learns from the status of its last error that not every turn was answered; a person saw it.
        """
        try:
            with self._source.quiet(), self._interrupts:
                while self._next():
                    pass
        except Interrupted as error:
            return error.status
        finally:
            self.chat.session.models.close()
        return ExitStatus.DONE if self._source.person else self._failure

    def _next(self) -> bool:
        """One turn or command; whether the chat goes on."""
        if self._source.person:
            self._interrupts.forget()
        draft, self._draft = self._draft or Draft("", replaces=False), None
        text = self._read(draft)
        if text is None:
            return False
        try:
            return self._respond(text, replacing=draft.replaces)
        except KeyboardInterrupt:
            if not self._source.person:
                raise Interrupted("Interrupted.") from None
            self._screen.notice(self._stopped())
        except LlamacliError as error:
            if self._opening.is_fatal(error):
                raise
            self._failure = error.status
            self._fail(error)
        finally:
            for notice in self.chat.recording.notices():
                self._screen.notice(notice)
        return True

    def _fail(self, error: LlamacliError) -> None:
        """Show the error; where it cost the chat its model, go on with the one before."""
        self._screen.error(error)
        former = self._opening.replaced_by_failure(error)
        if former is not None:
            self.chat.use_model(former)
            again = " /retry asks again." if self.chat.unanswered is not None else ""
            self._screen.notice(f"The conversation goes on with {former}.{again}")

    def _read(self, draft: Draft) -> str | None:
        def toolbar(columns: int) -> str:
            return fitted(chat_items(self.chat, self._opening.state, replaces=draft.replaces), columns)

        try:
            return self._interrupts.during(lambda: self._source.read(toolbar, draft.text))
        except EOFError:
            return None
        except EditorWanted as wanted:
            text = self._edited(wanted.text)
            self._draft = replace(draft, text=wanted.text if text is None else text)
            return ""
        except KeyboardInterrupt:
            if not self._source.person:
                raise Interrupted("Interrupted.") from None
            self._screen.notice(LEAVING)
            return ""

    def _respond(self, text: str, *, replacing: bool) -> bool:
        if text.startswith("/"):
            return self._render(self._interrupts.during(lambda: run(self.chat, text)))
        words = without_quotes(text)
        if words.strip():
            self._ask(words, replacing=replacing)
        return True

    def _render(self, result: Result) -> bool:
        """Show what a command returned; whether the chat goes on."""
        if isinstance(result, Say):
            self._screen.notice(result.text)
        elif isinstance(result, Answer):
            self._answer(result)
        elif isinstance(result, Draft):
            self._edit(result)
        elif isinstance(result, Copy):
            taker = clipboard.copy(result.text, self._environ, self._screen)
            self._screen.notice(f"{result.what} is copied, by {taker}.")
        return not isinstance(result, Leave)

    def _edit(self, draft: Draft) -> None:
        """Let the person change the draft in an editor; it is the next turn, or for a script the next line is."""
        if not self._source.person:
            self._draft = draft
            return
        text = self._edited(draft.text)
        if text is not None and not text.strip():
            self._screen.notice("Nothing was written; the conversation is as it was.")
        elif self._source.takes_drafts:
            self._draft = replace(draft, text=quoted(draft.text if text is None else text))
        elif text is not None and text.strip() == draft.text.strip():  # as an editor is left without saving
            self._screen.notice("Nothing was changed; the conversation is as it was. /retry asks again.")
        elif text is not None:
            self._respond(quoted(text), replacing=draft.replaces)

    def _edited(self, text: str) -> str | None:
        """The text as it comes out of the editor; None, with an error that is shown, where none did its work."""
        drawn_on = self._screen.stdout if self._screen.out_is_terminal else self._screen.stderr
        try:
            with self._source.lent():
                return edited(text, self._environ, drawn_on)
        except LlamacliError as error:
            self._screen.error(error)
            return None
        finally:
            self._interrupts.forget()  # Ctrl-C was the editor's

    def _ask(self, words: str, *, replacing: bool) -> None:
        session = self.chat.session
        prompt = join_prompt("", self.chat.attached, words)
        self.chat.attached.clear()
        self._answer(Answer(lambda: session.ask(prompt, replacing=replacing), prompt))

    def _answer(self, answer: Answer) -> None:
        session = self.chat.session
        before = session.conversation
        self.chat.unanswered = answer.prompt
        try:
            self._opening.wait(self._interrupts)
            show_turn(answer.start, self._renderer(answer.begun), self._screen, self._interrupts)
        finally:
            if session.conversation is not before:
                self.chat.unanswered = None
        if session.conversation is before:
            self._screen.notice("The model gave an empty answer.")
        elif session.last is not None:
            self._conclude(session.last)

    def _renderer(self, begun: str) -> AnswerRenderer:
        renderer = self._screen.answer(self.chat.settings.render)
        if not isinstance(renderer, PlainAnswer) and (fence := open_fence(begun)):
            renderer.feed(fence)  # what follows is code too, as the renderer could not know
        return renderer

    def _conclude(self, report: TurnReport) -> None:
        models = self.chat.session.models
        if words := cut_notice(report, models.engine.info.context_window):
            self._screen.notice(words)
        if self.chat.settings.stats:
            self._screen.notice(stats_line(report, models.engine.info, models.load_s, peak_memory()))

    def _stopped(self) -> str:
        loading = " The model goes on loading." if self._opening.state else ""
        if self.chat.unanswered is not None:
            return f"Stopped.{loading} /retry asks again, /edit changes the prompt."
        messages = self.chat.session.conversation.messages
        return "Stopped. /continue goes on, /retry asks again." if messages and messages[-1].stopped else "Stopped."
