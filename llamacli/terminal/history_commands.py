"""The slash commands of a chat that concern saved conversations."""

from llamacli.errors import BadUsage
from llamacli.terminal.history_reports import going_on, summary_lines
from llamacli.terminal.results import Chat, Result, Say

_SHOWN = 20


def save(chat: Chat, title: str) -> Result:
    """Save the conversation, from now on too, or give it another title."""
    name = chat.recording.save(title)
    return Say(f"The conversation is saved as {name}{f': {title}' if title else ''}.")


def load(chat: Chat, beginning: str) -> Result:
    """Go on with a saved conversation in place of this one."""
    saved = chat.recording.load(beginning)
    chat.session.resume(saved.conversation)
    chat.attached.clear()
    chat.unanswered = None
    return Say(going_on(saved))


def history(chat: Chat, _: str) -> Result:
    """List the newest of the saved conversations."""
    summaries = chat.recording.history.summaries(_SHOWN)
    if not summaries:
        raise BadUsage("There is no saved conversation.", hint="/save keeps this one.")
    return Say(summary_lines(summaries) + "\n/load ID goes on with one.")
