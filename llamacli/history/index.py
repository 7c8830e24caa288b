"""The full-text index: every three characters that follow each other, so that languages without spaces are found.

The file may be shared with a SQLite that has no such index. That one searches without it and marks it as stale; the
next one that has it makes it anew.
"""

import sqlite3
from collections.abc import Sequence

_SHORTEST = 3
"""Characters that the index can find."""

TABLES = (
    "CREATE TABLE full_text (stale INTEGER NOT NULL)",
    "INSERT INTO full_text VALUES (1)",
)
"""What every SQLite can read: whether the index is behind the messages, as one that is not made yet is."""

_INDEX = """CREATE VIRTUAL TABLE IF NOT EXISTS message_index
    USING fts5 (content, content = 'messages', content_rowid = 'key', tokenize = 'trigram')"""
_FOLLOWING = (
    """CREATE TEMP TRIGGER IF NOT EXISTS index_new AFTER INSERT ON main.messages BEGIN
        INSERT INTO message_index (rowid, content) VALUES (new.key, new.content); END""",
    """CREATE TEMP TRIGGER IF NOT EXISTS index_old AFTER DELETE ON main.messages BEGIN
        INSERT INTO message_index (message_index, rowid, content) VALUES ('delete', old.key, old.content); END""",
)
_MARKING = (
    """CREATE TEMP TRIGGER IF NOT EXISTS stale_new AFTER INSERT ON main.messages BEGIN
        UPDATE full_text SET stale = 1; END""",
    """CREATE TEMP TRIGGER IF NOT EXISTS stale_old AFTER DELETE ON main.messages BEGIN
        UPDATE full_text SET stale = 1; END""",
)


def available(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite has the index."""
    try:
        connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.probe USING fts5 (x, tokenize = 'trigram')")
    except sqlite3.OperationalError:
        return False
    return True


def prepare(connection: sqlite3.Connection) -> None:
    """Make the index if it is stale, and let it follow the messages while the connection lasts."""
    usable = available(connection)
    if usable and _is_stale(connection):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_INDEX)
        connection.execute("INSERT INTO message_index (message_index) VALUES ('rebuild')")
        connection.execute("UPDATE full_text SET stale = 0")
        connection.execute("COMMIT")
    for trigger in _FOLLOWING if usable else _MARKING:
        connection.execute(trigger)


def purge(connection: sqlite3.Connection) -> bool:
    """Take what was deleted out of the index, which only marks it so; whether this SQLite can."""
    if not available(connection):
        return not _exists(connection)
    connection.execute("INSERT INTO message_index (message_index) VALUES ('optimize')")
    return True


def holders(connection: sqlite3.Connection, terms: Sequence[str]) -> set[int]:
    """The keys of the messages that hold every term, in capitals or not."""
    usable = available(connection)
    found = [_holders(connection, term, usable and len(term) >= _SHORTEST) for term in terms]
    return set.intersection(*found) if found else set()


def _holders(connection: sqlite3.Connection, term: str, indexed: bool) -> set[int]:
    if indexed:
        phrase = '"' + term.replace('"', '""') + '"'
        rows = connection.execute("SELECT rowid FROM message_index WHERE message_index MATCH ?", [phrase])
    else:
        rows = connection.execute("SELECT key FROM messages WHERE content LIKE ? ESCAPE '\\'", [f"%{_literal(term)}%"])
    return {row[0] for row in rows}


def _is_stale(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT stale FROM full_text").fetchone()[0])


def _exists(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'message_index'").fetchone() is not None


def _literal(term: str) -> str:
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
