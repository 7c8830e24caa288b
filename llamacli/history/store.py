"""Saved conversations: listed, found, read, written and deleted. Each call opens the file and closes it."""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from llamacli.errors import HistoryFailed, UnknownConversation
from llamacli.history.database import emptied_log, opened, reading, writing
from llamacli.history.index import holders, purge
from llamacli.history.values import Draft, Entry, Found, Held, Saved, Summary
from llamacli.messages import Message, Role

_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels, which make words, and nothing that looks like something else
_ID_LENGTH = 5
_SUMMARIES = """SELECT conversations.key, id, coalesce(title, heading) AS title, updated,
    (SELECT count(*) FROM messages WHERE conversation = conversations.key AND role = 'user') AS turns,
    (SELECT made FROM messages WHERE conversation = conversations.key ORDER BY position DESC LIMIT 1) AS made
    FROM conversations WHERE turns"""  # without those whose turns were all taken back
_NEWEST_FIRST = " ORDER BY updated DESC, conversations.key DESC"


class Deleted(HistoryFailed):
    """Somebody deleted the conversation that was to be written."""


class History:
    """The conversations in one file. Raises HistoryFailed where it cannot be used; one that does not exist is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def summaries(self, limit: int | None = None) -> list[Summary]:
        """The conversations with turns in them, the one that was changed last first."""
        with opened(self.path, create=False) as connection:
            rows = connection.execute(f"{_SUMMARIES}{_NEWEST_FIRST} LIMIT ?", [-1 if limit is None else limit])
            return [_summary(row) for row in rows]

    def search(self, text: str) -> list[Found]:
        """The conversations with messages that hold every word of the text, or with all of them in their title."""
        words = text.split()
        with opened(self.path, create=False) as connection, reading(connection):
            rows = connection.execute(_SUMMARIES + _NEWEST_FIRST).fetchall()
            hits = _hits(connection, words)
        return [
            Found(_summary(row), hits.get(row["key"], {})) for row in rows if row["key"] in hits or _holds(row, words)
        ]

    def find(self, beginnings: Sequence[str]) -> list[str]:
        """The ids that begin so, each once; UnknownConversation where one is not, or more than one begins so."""
        with opened(self.path, create=False) as connection:
            return list(dict.fromkeys(_id_of(connection, beginning.strip().lower()) for beginning in beginnings))

    def latest(self) -> str:
        """The id of the conversation that was changed last; UnknownConversation where there is none."""
        newest = self.summaries(1)
        if not newest:
            raise UnknownConversation("There is no saved conversation.", hint="llamacli ask what is a llama")
        return newest[0].id

    def read(self, beginning: str) -> Saved:
        """The conversation whose id begins so; UnknownConversation like `find`."""
        with opened(self.path, create=False) as connection, reading(connection):
            name = _id_of(connection, beginning.strip().lower())
            row = connection.execute("SELECT * FROM conversations WHERE id = ?", [name]).fetchone()
            draft = Draft(row["system"], date.fromisoformat(row["started"]), _entries(connection, row), row["title"])
            return Saved(Held(name, row["revision"]), draft, row["created"], row["updated"])

    def write(self, draft: Draft, held: Held | None, writer: str) -> Held:
        """Save a conversation that is new, or was `held` so before; what is held now.

        What somebody else wrote in the meantime stays: then the draft becomes a conversation of its own. `writer` is a
        name that no other writer has, for one conversation; a write that was cut off may be repeated under it.
        Raises Deleted.
        """
        with opened(self.path, create=True) as connection, writing(connection):
            row = _writers(connection, held, writer) or _new(connection, draft, writer)
            _replace(connection, row["key"], draft.entries)
            connection.execute(
                "UPDATE conversations SET heading = ?, system = ?, updated = ?, writer = ?, revision = revision + 1"
                " WHERE key = ?",
                [draft.heading, draft.system, _now(), writer, row["key"]],
            )
            return Held(row["id"], row["revision"] + 1)

    def rename(self, name: str, title: str) -> None:
        """Give a conversation a title."""
        with opened(self.path, create=True) as connection:
            connection.execute("UPDATE conversations SET title = ? WHERE id = ?", [title, name])

    def delete(self, names: Sequence[str] | None) -> bool:
        """Delete these, or with None all; whether their text is out of the file too, which others can delay."""
        with opened(self.path, create=False) as connection:
            with writing(connection):
                for key in _keys(connection, names):
                    connection.execute("DELETE FROM messages WHERE conversation = ?", [key])
                    connection.execute("DELETE FROM conversations WHERE key = ?", [key])
                purged = purge(connection)
            return emptied_log(connection) and purged


def _keys(connection: sqlite3.Connection, names: Sequence[str] | None) -> list[int]:
    rows = connection.execute("SELECT key, id FROM conversations").fetchall()
    return [row["key"] for row in rows if names is None or row["id"] in names]


def _id_of(connection: sqlite3.Connection, beginning: str) -> str:
    rows = connection.execute(
        "SELECT id FROM conversations WHERE substr(id, 1, ?) = ? ORDER BY id", [len(beginning), beginning]
    )
    names = [row["id"] for row in rows]
    if beginning in names:
        return beginning
    if not names or not beginning:
        raise UnknownConversation(
            f"There is no conversation {beginning!r}.", hint="llamacli history list, or /history in a chat."
        )
    if len(names) == 1:
        return str(names[0])
    shown = ", ".join(names[:8]) + (" and more" if len(names) > 8 else "")
    raise UnknownConversation(
        f"More than one conversation begins with {beginning!r}.", reason=f"{shown}.", hint="Give more of it."
    )


def _writers(connection: sqlite3.Connection, held: Held | None, writer: str) -> sqlite3.Row | None:
    """The conversation that the writer may go on writing; None where it has to begin one."""
    own: sqlite3.Row | None = connection.execute("SELECT * FROM conversations WHERE writer = ?", [writer]).fetchone()
    if own is not None or held is None:
        return own
    row: sqlite3.Row | None = connection.execute("SELECT * FROM conversations WHERE id = ?", [held.id]).fetchone()
    if row is None:
        raise Deleted(f"The conversation {held.id} was deleted.", hint="/save keeps it anew.")
    return row if row["revision"] == held.revision else None


def _new(connection: sqlite3.Connection, draft: Draft, writer: str) -> sqlite3.Row:
    name = _fresh_id(connection)
    connection.execute(
        "INSERT INTO conversations (id, title, heading, started, created, updated, revision, writer)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        [name, draft.title, draft.heading, draft.started.isoformat(), _now(), _now(), writer],
    )
    row: sqlite3.Row = connection.execute("SELECT * FROM conversations WHERE id = ?", [name]).fetchone()
    return row


def _fresh_id(connection: sqlite3.Connection) -> str:
    name = ""
    while len(name) < _ID_LENGTH or connection.execute("SELECT 1 FROM conversations WHERE id = ?", [name]).fetchone():
        name += secrets.choice(_LETTERS)
    return name


def _replace(connection: sqlite3.Connection, key: int, entries: Sequence[Entry]) -> None:
    """Make these the messages of a conversation; those that are the same stay."""
    before = [_row(entry) for entry in _entries(connection, {"key": key})]
    wanted = [_row(entry) for entry in entries]
    same = next((place for place, pair in enumerate(zip(before, wanted, strict=False)) if pair[0] != pair[1]), None)
    kept = min(len(before), len(wanted)) if same is None else same
    connection.execute("DELETE FROM messages WHERE conversation = ? AND position >= ?", [key, kept])
    connection.executemany(
        "INSERT INTO messages (conversation, position, role, content, stopped, made) VALUES (?, ?, ?, ?, ?, ?)",
        [(key, place, *row) for place, row in enumerate(wanted) if place >= kept],
    )


def _row(entry: Entry) -> tuple[str, str, bool, str]:
    said = entry.message
    return said.role.value, said.content, said.stopped, json.dumps(entry.made)


def _entries(connection: sqlite3.Connection, conversation: "sqlite3.Row | dict[str, int]") -> tuple[Entry, ...]:
    rows = connection.execute(
        "SELECT role, content, stopped, made FROM messages WHERE conversation = ? ORDER BY position",
        [conversation["key"]],
    )
    return tuple(Entry(_message(row), tuple(json.loads(row["made"]))) for row in rows)


def _message(row: sqlite3.Row) -> Message:
    return Message(Role(row["role"]), row["content"], bool(row["stopped"]))


def _summary(row: sqlite3.Row) -> Summary:
    made = json.loads(row["made"])
    return Summary(row["id"], row["title"], row["updated"], row["turns"], made[-1]["model"] if made else None)


def _hits(connection: sqlite3.Connection, words: Sequence[str]) -> dict[int, dict[int, Message]]:
    found: dict[int, dict[int, Message]] = {}
    for key in sorted(holders(connection, words)):
        row = connection.execute("SELECT * FROM messages WHERE key = ?", [key]).fetchone()
        found.setdefault(row["conversation"], {})[row["position"]] = _message(row)
    return found


def _holds(row: sqlite3.Row, words: Sequence[str]) -> bool:
    return bool(words) and all(word.casefold() in row["title"].casefold() for word in words)


def _now() -> str:
    return datetime.now(UTC).isoformat()
