"""`llamacli ask`: one answer."""

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import Annotated, TypeAlias

import typer

from llamacli.chat import ChatSession, TurnReport
from llamacli.cli.context import World
from llamacli.cli.conversations import ConversationId, GoOn, choose, notices_of
from llamacli.cli.options import ANSWERING, Files, Json, Words, with_settings
from llamacli.cli.prompt_input import PromptInput
from llamacli.complexity import Level
from llamacli.engine import Wanted
from llamacli.engine.base import Classifier
from llamacli.errors import ExitStatus
from llamacli.events import Event
from llamacli.settings import Settings
from llamacli.terminal.interrupts import Interrupts
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.reports import peak_memory, stats_line, turn_json
from llamacli.terminal.screen import Screen
from llamacli.terminal.turn import show_turn

NoStream = Annotated[bool, typer.Option("--no-stream", help="Print the answer once, when it is complete.")]

_Start: TypeAlias = Callable[[], Generator[Event, None, None]]


@with_settings(ANSWERING)
def ask(
    world: World,
    settings: Settings,
    words: Words = None,
    files: Files = None,
    no_stream: NoStream = False,
    go_on: GoOn = False,
    conversation: ConversationId = None,
    as_json: Json = False,
) -> ExitStatus:
    """Answer one prompt."""
    given = PromptInput(words or [], files or [], world)
    begun = choose(settings, go_on, conversation)
    recording = begun.recording
    prompt = given.at_once()
    if prompt is not None:
        world.check_before_loading(settings, begun.conversation.with_prompt(prompt))
    display = LoadingDisplay(world.screen)
    opened = closing(world.open_models(settings, _wanted(settings, as_json), display.report))
    with notices_of(recording, world.screen), opened as models:
        with display:
            if prompt is None:
                prompt = given.awaited(lambda: models.ready and bool(models.engine), display.report)
            session = ChatSession.of(models, settings, begun.conversation, recording)
            info = models.engine.info
        interrupted = _answer(partial(session.ask, prompt), settings, world.screen, stream=not (no_stream or as_json))
        answer = "" if session.conversation is begun.conversation else session.conversation.last_answer or ""
        if session.last is None or (interrupted and not answer and not as_json):
            raise KeyboardInterrupt
        if as_json:
            rated_on = _device(models.classifier)
            world.screen.data(turn_json(answer, session.last, info, rated_on, models.load_s, recording.id))
        else:
            if no_stream:
                renderer = world.screen.answer(settings.render)
                renderer.feed(answer)
                renderer.finish()
            _remark(world.screen, settings, session, answer, interrupted)
    return ExitStatus.INTERRUPTED if interrupted else ExitStatus.DONE


def _wanted(settings: Settings, level_is_shown: bool) -> Wanted:
    # A budget that was given makes the level worth its time only where it is shown.
    level_matters = settings.max_tokens is None or level_is_shown or settings.stats
    return Wanted(classifier=settings.complexity == "auto" and level_matters)


def _answer(start: _Start, settings: Settings, screen: Screen, *, stream: bool) -> bool:
    """Let the model answer, and show it while it comes if it is a `stream`; whether Ctrl-C ended it."""
    try:
        with Interrupts() as interrupts:
            if stream:
                show_turn(start, screen.answer(settings.render), screen, interrupts)
            else:
                with LoadingDisplay(screen) as display, closing(start()) as events:
                    display.status("answering")
                    while interrupts.during(partial(next, events, None)) is not None:
                        pass
    except KeyboardInterrupt:
        return True
    return False


def _device(classifier: Classifier | None) -> str | None:
    return classifier.device if classifier else None


def _remark(screen: Screen, settings: Settings, session: ChatSession, answer: str, interrupted: bool) -> None:
    report, info = session.last, session.models.engine.info
    if interrupted:
        screen.notice("The answer was stopped.")
    elif not answer:
        screen.notice("The model gave an empty answer.")
    elif report is not None and report.cut_at is not None:
        screen.notice(_cut(report, report.cut_at, info.context_window, given=settings.max_tokens is not None))
    if report is not None and settings.stats:
        screen.notice(stats_line(report, info, session.models.load_s, peak_memory()))


def _cut(report: TurnReport, budget: int, context_window: int, *, given: bool) -> str:
    if budget == 0:
        tokens = f" of {context_window:,} tokens" if context_window else ""
        return f"The answer was cut where the context window{tokens} is full."
    longer = f"-n {2 * budget}"
    if not given and report.complexity is not None and report.complexity.level is not Level.HIGH:
        longer += " or --complexity high"
    tokens = "1 token" if budget == 1 else f"{budget:,} tokens"
    return f"The answer was cut at its budget of {tokens}. For a longer one: {longer}"
