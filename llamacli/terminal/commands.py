"""The slash commands of a chat: a table. A command returns a result, and the chat renders it."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from llamacli.attachments import read_text
from llamacli.complexity import Level
from llamacli.errors import BadUsage
from llamacli.settings import TABLE
from llamacli.terminal import history_commands, offers
from llamacli.terminal.fences import code_blocks
from llamacli.terminal.offers import SETTABLE, Offers, path_of
from llamacli.terminal.reports import peak_memory, stats_line
from llamacli.terminal.results import Answer, Chat, Copy, Draft, Leave, Result, Say

_LEVELS = TABLE["complexity"]


@dataclass(frozen=True, slots=True)
class Command:
    """One row: the names, the first of which is usual; `arguments` as help shows them; `offers` of Tab for them."""

    names: tuple[str, ...]
    arguments: str
    help: str
    action: Callable[[Chat, str], Result]
    offers: Offers = offers.none_at_all

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"{self.names[0]} {self.arguments}".rstrip()


def run(chat: Chat, line: str) -> Result:
    """What the command in `line` does; BadUsage where there is no such command, or its argument is wrong."""
    name, argument = [*line.split(maxsplit=1), ""][:2]
    command = _find(name)
    if bool(argument) > bool(command.arguments):
        raise BadUsage(f"{name} takes no argument.", hint=name)
    if not argument and command.arguments and not command.arguments.startswith("["):
        raise BadUsage(f"{name} needs an argument.", hint=command.usage)
    return command.action(chat, argument.strip())


def _find(name: str) -> Command:
    by_name = {each: command for command in COMMANDS for each in command.names}
    if name.lower() in by_name:
        return by_name[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_name, n=1)
    raise BadUsage(
        f"There is no command {name}" + (f"; did you mean {near[0]}?" if near else "."),
        reason="It was not sent to the model. A space before it makes it a prompt.",
        hint="All commands: /help",
    )


def _help(_chat: Chat, _: str) -> Result:
    width = max(len(command.usage) for command in COMMANDS) + 2
    return Say("\n".join([f"{c.usage:<{width}}{c.help}" for c in COMMANDS] + ["", _KEYS]))


def _clear(chat: Chat, _: str) -> Result:
    chat.session.clear()
    chat.attached.clear()
    chat.unanswered = None
    return Say("The conversation begins anew.")


def _undo(chat: Chat, _: str) -> Result:
    prompt = chat.session.undo()
    if prompt is None:
        raise BadUsage("There is no turn to take back.", hint="Ask something first.")
    chat.unanswered = None
    return Say(f"Taken back: {_short(prompt)}")


def _retry(chat: Chat, _: str) -> Result:
    prompt = chat.unanswered
    if prompt is not None:
        return Answer(lambda: chat.session.ask(prompt), prompt)
    return Answer(chat.session.retry)


def _continue(chat: Chat, _: str) -> Result:
    return Answer(chat.session.extend, begun=chat.session.conversation.last_answer or "")


def _edit(chat: Chat, _: str) -> Result:
    last = chat.session.conversation.last_prompt
    return Draft(chat.unanswered or last or "", replaces=chat.unanswered is None and last is not None)


def _system(chat: Chat, text: str) -> Result:
    session = chat.session
    if text:
        session.set_system(None if text == "none" else text)
    system = session.conversation.system
    return Say(f"System prompt: {system}" if system else "There is no system prompt.")


def _set(chat: Chat, argument: str) -> Result:
    name, text = [*argument.split(maxsplit=1), "", ""][:2]
    name = name.replace("-", "_")
    if name and name not in SETTABLE:
        raise BadUsage(
            f"There is no setting {name}.", reason=f"There are: {', '.join(SETTABLE)}.", hint="/set shows them."
        )
    if text:
        value = _parsed(name, text.strip())
        if name == "max_tokens":
            chat.session.max_tokens = value
        else:
            chat.session.sampling = replace(chat.session.sampling, **{name: value})
    return Say("\n".join(_setting_line(chat, each) for each in ([name] if name else SETTABLE)))


def _parsed(name: str, text: str) -> Any:
    setting = TABLE[name]
    can_be_none = setting.default in (None, ())
    if can_be_none and text == "none":
        return setting.default
    try:
        return setting.parse(text)
    except ValueError:
        allowed = setting.range + (", or none" if can_be_none else "")
        raise BadUsage(
            f"{text!r} is not a value of {name}.", reason=f"It may be: {allowed}.", hint="/set shows all."
        ) from None


def _setting_line(chat: Chat, name: str) -> str:
    value = chat.session.max_tokens if name == "max_tokens" else getattr(chat.session.sampling, name)
    shown = "none" if value in (None, ()) else ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"{name:<20}{shown:<10}{TABLE[name].help} [{TABLE[name].range}]"


def _model(chat: Chat, name: str) -> Result:
    if not name:
        return Say(f"The model is {chat.settings.model}.")
    chat.use_model(name)
    return Say(f"Opening {name}. The conversation goes on with it.")


def _complexity(chat: Chat, text: str) -> Result:
    session = chat.session
    if not text:
        return Say(f"Complexity is {session.complexity}.")
    try:
        wanted = str(_LEVELS.parse(text))
    except ValueError:
        raise BadUsage(
            f"{text!r} is not a level.", reason=f"It may be: {_LEVELS.range}.", hint="/complexity auto"
        ) from None
    if wanted == "auto" and not session.models.rates:
        raise BadUsage("No classifier is loaded.", hint="Leave, and start the chat without --complexity off.")
    session.complexity, session.max_tokens = wanted, None
    if wanted == "auto":
        return Say("The classifier sets the budget of each answer.")
    level = Level.MEDIUM if wanted == "off" else Level(wanted)
    return Say(f"Complexity is {wanted}: an answer has {level.max_tokens} tokens.")


def _file(chat: Chat, path: str) -> Result:
    if path == "none":
        chat.attached.clear()
        return Say("No file goes before the next prompt.")
    name = path_of(path)
    text = read_text(name)
    chat.attached.append((name, text))
    return Say(f"{name} ({len(text):,} characters) goes before the next prompt.")


def _copy(chat: Chat, number: str) -> Result:
    answer = chat.session.conversation.last_answer
    if answer is None:
        raise BadUsage("There is no answer to copy.", hint="Ask something first.")
    if not number:
        return Copy(answer, "The answer")
    blocks = code_blocks(answer)
    if not number.isdecimal() or not 1 <= int(number) <= len(blocks):
        raise BadUsage(f"There is no code block {number}.", reason=f"The last answer has {len(blocks)}.", hint="/copy")
    return Copy(blocks[int(number) - 1], f"Code block {number}")


def _stats(chat: Chat, _: str) -> Result:
    session = chat.session
    if session.last is None:
        raise BadUsage("There are no figures yet.", hint="Ask something first.")
    return Say(stats_line(session.last, session.models.engine.info, session.models.load_s, peak_memory()))


def _tokens(chat: Chat, _: str) -> Result:
    engine, conversation = chat.session.models.engine, chat.session.conversation
    window = engine.info.context_window or None
    if not conversation.turns:  # a chat template may refuse a conversation without one
        return Say(f"There are no turns yet. {_window(window)}")
    used = engine.count_tokens(conversation)
    turns = "1 turn" if conversation.turns == 1 else f"{conversation.turns:,} turns"
    if window is None:
        return Say(f"About {used:,} tokens are used, in {turns}. {_window(window)}")
    return Say(f"{used:,} of {window:,} tokens are used ({used / window:.0%}), in {turns}.")


def _window(tokens: int | None) -> str:
    return f"The context window is {tokens:,} tokens." if tokens else "The server does not tell its context window."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


COMMANDS = (
    Command(("/help", "/?"), "", "Show the commands and keys.", _help),
    Command(("/exit", "/quit"), "", "Leave.", lambda _chat, _: Leave()),
    Command(("/clear",), "", "Forget all turns; keep the system prompt.", _clear),
    Command(("/undo",), "", "Forget the last turn.", _undo),
    Command(("/retry",), "", "Answer the last prompt again.", _retry),
    Command(("/continue",), "", "Go on with the last answer.", _continue),
    Command(("/edit",), "", "Edit the last prompt; sending it replaces the last turn.", _edit),
    Command(("/system",), "[TEXT]", "Set the system prompt; none removes it.", _system, offers.no_system),
    Command(("/set",), "[NAME VALUE]", "Set a sampling setting, or show them.", _set, offers.settable),
    Command(("/model",), "[NAME]", "Go on with another model.", _model, offers.models),
    Command(("/complexity",), "[LEVEL]", "Set the level that gives the budget.", _complexity, offers.levels),
    Command(("/file",), "PATH", "Put a text file before the next prompt; none removes all.", _file, offers.files),
    Command(("/copy",), "[N]", "Copy the last answer, or its code block N.", _copy),
    Command(("/save",), "[TITLE]", "Save the conversation, under a title.", history_commands.save),
    Command(("/load",), "ID", "Go on with a saved conversation.", history_commands.load, offers.conversations),
    Command(("/history",), "", "List the newest saved conversations.", history_commands.history),
    Command(("/stats",), "", "Show times, tokens and memory of the last answer.", _stats),
    Command(("/tokens",), "", "Show how much of the context window is used.", _tokens),
)  # fmt: skip

_KEYS = """\
Enter sends. Alt-Enter or Ctrl-J is a newline. \"\"\" opens and closes a block.
Ctrl-R searches past input. Tab completes. Ctrl-X Ctrl-E opens $EDITOR.
Ctrl-C stops an answer, or clears the line. Ctrl-D leaves."""
