"""What is said of saved conversations: values to text, or to what becomes JSON."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from llamacli.history import Entry, Found, Saved, Summary
from llamacli.messages import Role
from llamacli.terminal.fences import open_fence

_AROUND = 40
"""Characters that are shown on each side of what was found."""
_NAMED_BLOCK = re.compile(r"^(`{3,})([^`\n]+)\n.*?^\1$", re.MULTILINE | re.DOTALL)


def summary_lines(summaries: Iterable[Summary]) -> str:
    """A line for each: its id, when it was changed, how many turns it has, its title."""
    rows = [(s.id, _local(s.updated), str(s.turns), s.title) for s in summaries]
    ids, turns = (max((len(row[column]) for row in rows), default=0) for column in (0, 2))
    return "\n".join(f"{row[0]:<{ids}}  {row[1]}  {row[2]:>{turns}}  {row[3]}" for row in rows)


def found_lines(found: Iterable[Found], text: str) -> str:
    """The line of each conversation, and below it what stands around the text, where it first does."""
    return "\n".join("\n".join([summary_lines([each.summary]), *list(_excerpts(each, text))[:1]]) for each in found)


def turns_text(count: int) -> str:
    """So many turns."""
    return "1 turn" if count == 1 else f"{count:,} turns"


def going_on(saved: Saved) -> str:
    """What a person is told whose chat goes on with it."""
    return f"Going on with {saved.id}: {saved.title} ({turns_text(saved.conversation.turns)})."


def pieces(saved: Saved, *, captions: bool = False) -> Iterator[str]:
    """The conversation as Markdown, a document for each part, as each may leave a code block open.

    With `captions` the name of a file stands above its block in a prompt too, for what renders Markdown leaves it out.
    """
    draft = saved.draft
    yield f"# {saved.title}\n\n{saved.id}, {_local(saved.created)}, {turns_text(saved.conversation.turns)}"
    if draft.system:
        yield "## System\n\n" + draft.system
    for entry in draft.entries:
        yield (
            _NAMED_BLOCK.sub(_captioned, _piece(entry))
            if captions and entry.message.role is Role.USER
            else _piece(entry)
        )


def markdown(saved: Saved) -> str:
    """The conversation as one Markdown document."""
    return "\n\n".join(_closed(piece.rstrip("\n")) for piece in pieces(saved)) + "\n"


def summary_json(summary: Summary) -> dict[str, Any]:
    """A conversation in the list of `history list --json`."""
    return {
        "id": summary.id,
        "title": summary.title,
        "updated": summary.updated,
        "turns": summary.turns,
        "model": summary.model,
    }


def found_json(found: Found, text: str) -> dict[str, Any]:
    """A conversation in the list of `history search --json`; the ids of messages are their places."""
    matches = [
        {"id": place, "role": message.role.value, "excerpt": _excerpt(message.content, text)}
        for place, message in found.messages.items()
    ]
    return summary_json(found.summary) | {"matches": matches}


def saved_json(saved: Saved) -> dict[str, Any]:
    """Everything that is saved of a conversation."""
    return {
        "id": saved.id,
        "title": saved.title,
        "created": saved.created,
        "updated": saved.updated,
        "started": saved.draft.started.isoformat(),
        "system": saved.draft.system,
        "messages": [_entry_json(place, entry) for place, entry in enumerate(saved.draft.entries)],
    }


def _entry_json(place: int, entry: Entry) -> dict[str, Any]:
    said = entry.message
    made = [{"id": number, **each} for number, each in enumerate(entry.made)]
    return {"id": place, "role": said.role.value, "content": said.content, "stopped": said.stopped, "made": made}


def _piece(entry: Entry) -> str:
    said = entry.message
    if said.role is Role.USER:
        return f"## You\n\n{said.content}"
    model = entry.made[-1]["model"] if entry.made else "Answer"
    return f"## {model}{' (stopped)' if said.stopped else ''}\n\n{said.content}"


def _captioned(block: re.Match[str]) -> str:
    return f"`{block[2]}`\n\n{block[0]}"


def _closed(document: str) -> str:
    fence = re.match(r"`+|~+", open_fence(document))
    return f"{document}\n{fence[0]}" if fence else document


def _excerpts(found: Found, text: str) -> Iterator[str]:
    for message in found.messages.values():
        yield f"    {message.role.value}: {_excerpt(message.content, text)}"


def _excerpt(content: str, text: str) -> str:
    words: Sequence[str] = text.split()
    first = re.search("|".join(map(re.escape, words)), content, re.IGNORECASE)
    place = first.start() if first else 0
    begin, end = max(0, place - _AROUND), place + _AROUND
    shown = " ".join(content[begin:end].split())
    return f"{'…' if begin else ''}{shown}{'…' if end < len(content) else ''}"


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
