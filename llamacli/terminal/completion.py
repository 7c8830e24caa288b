"""What Tab offers in a chat: commands, their values, and paths."""

from collections.abc import Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from llamacli.terminal.commands import COMMANDS, Command


class CommandCompleter(Completer):
    """Completes slash commands; a prompt to the model has no completions."""

    def __init__(self) -> None:
        self._commands = {name: command for command in COMMANDS for name in command.names}
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The names that begin so, or the values that the command's argument may have."""
        text = document.text_before_cursor
        if not text.startswith("/"):
            return []
        name, space, argument = text.partition(" ")
        if not space:
            usual = {command.names[0]: command.help for command in COMMANDS}
            return _beginning_with(name, usual)
        command = self._commands.get(name)
        return self._argument(command, argument, complete_event) if command else []

    def _argument(self, command: Command, argument: str, complete_event: CompleteEvent) -> Iterable[Completion]:
        if command.arguments == "PATH":
            return self._paths.get_completions(Document(argument), complete_event)
        return _beginning_with(argument, dict.fromkeys(command.values, ""))


def _beginning_with(text: str, words: Mapping[str, str]) -> list[Completion]:
    """The words that begin with `text`, each with what is said beside it."""
    matching = {word: said for word, said in words.items() if word.startswith(text)}
    return [Completion(word, -len(text), display_meta=said or None) for word, said in matching.items()]
