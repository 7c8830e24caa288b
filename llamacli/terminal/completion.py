"""What Tab does in a chat: it offers commands and their arguments, and never lets the prompt wait."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from llamacli.background import in_background
from llamacli.errors import LlamacliError
from llamacli.settings import Settings
from llamacli.terminal.commands import COMMANDS
from llamacli.terminal.offers import Offer
from llamacli.terminal.sanitize import sanitize

_TICK_S = 0.01
_PATIENCE_S = 3.0
"""A disk that does not tell in time offers nothing."""


class CommandCompleter(Completer):
    """Completes slash commands; a prompt to the model has no completions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._commands = {name: command for command in COMMANDS for name in command.names}

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterable[Completion]:
        """The commands that begin so, or what the argument of one may be."""
        return self._found(document)

    async def get_completions_async(
        self, document: Document, _event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The same, while keys are taken: a history that is busy, or a disk that sleeps, holds nobody up."""
        found = in_background(lambda: self._found(document), "completing")
        for _ in range(round(_PATIENCE_S / _TICK_S)):
            if found.done():
                break
            await asyncio.sleep(_TICK_S)
        for completion in found.result() if found.done() else ():
            yield completion

    def _found(self, document: Document) -> list[Completion]:
        text = document.text_before_cursor
        if not text.startswith("/"):
            return []
        name, space, argument = text.partition(" ")
        if not space:
            usual = (Offer(command.names[0], command.help) for command in COMMANDS)
            return [_completion(name, offer) for offer in usual if offer.text.startswith(name)]
        argument = argument.lstrip()
        command = self._commands.get(name.lower())
        if command is None:
            return []
        with suppress(LlamacliError, OSError):  # where the history is broken, or the disk, there is nothing to offer
            return [_completion(argument, offer) for offer in command.offers(self._settings, argument)]
        return []


def _completion(typed: str, offer: Offer) -> Completion:
    shown, said = (" ".join(sanitize(text).split()) for text in (offer.shown or offer.text, offer.said))
    return Completion(offer.text, -len(typed), display=shown, display_meta=said or None)
