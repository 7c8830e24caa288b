"""Shows one turn of a chat, and says what there is to know at its end."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from functools import partial

from llamacli.chat import TurnReport
from llamacli.complexity import Level
from llamacli.events import Event, Reading, TextDelta
from llamacli.terminal.interrupts import Interrupts
from llamacli.terminal.loading import LoadingDisplay
from llamacli.terminal.screen import Screen
from llamacli.terminal.streaming import AnswerRenderer

_LONG = 1000
"""Tokens that a small machine reads for some seconds."""


def show_turn(
    start: Callable[[], Generator[Event, None, None]], answer: AnswerRenderer, screen: Screen, interrupts: Interrupts
) -> None:
    """Start the turn and show its text as it comes; Ctrl-C closes it and goes on as KeyboardInterrupt."""
    with ExitStack() as turn:
        turn.callback(answer.finish)
        waiting = turn.enter_context(ExitStack())
        display = waiting.enter_context(LoadingDisplay(screen))
        events = turn.enter_context(closing(interrupts.during(start)))
        while (event := interrupts.during(partial(next, events, None))) is not None:
            if isinstance(event, Reading):
                display.status(_reading(event))
            elif isinstance(event, TextDelta):
                waiting.close()
                answer.feed(event.text)


def _reading(event: Reading) -> str:
    new = event.prompt_tokens - event.cached_tokens
    return f"reading {new:,} tokens" if new >= _LONG else "thinking"


def cut_notice(report: TurnReport, context_window: int) -> str:
    """Why the answer of a chat is not whole, and the ways on; empty where the model ended it."""
    budget = report.cut_at
    if budget is None:
        return ""
    if budget == 0:
        tokens = f" of {context_window:,} tokens" if context_window else ""
        return f"Cut: the context window{tokens} is full. /clear begins anew, /undo makes room."
    more = "/complexity high" if budget < Level.HIGH.max_tokens else f"/set max_tokens {2 * budget}"
    tokens = "1 token" if budget == 1 else f"{budget:,} tokens"
    return f"Cut at {tokens}. /continue goes on; {more} gives more."  # one line of 80 columns
