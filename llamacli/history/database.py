"""The file of saved conversations: how it is opened, made, brought up to date and kept private."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llamacli.errors import HistoryFailed
from llamacli.history.index import TABLES, prepare

FILE_NAME = "history.db"
TYPED_NAME = "typed"
"""The file beside it, of what was typed at the prompt of a chat."""
BUSY_S = 10.0
"""How long other programs that write are waited for."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE conversations (
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            title TEXT,               -- what somebody called it
            heading TEXT NOT NULL,    -- the first words of its first prompt
            system TEXT,
            started TEXT NOT NULL,    -- the day that chat templates may mention
            created TEXT NOT NULL,
            updated TEXT NOT NULL,
            revision INTEGER NOT NULL,
            writer TEXT NOT NULL)     -- a name for who wrote it last""",
        "CREATE INDEX conversations_by_time ON conversations (updated)",
        "CREATE INDEX conversations_by_writer ON conversations (writer)",
        """CREATE TABLE messages (
            key INTEGER PRIMARY KEY,
            conversation INTEGER NOT NULL REFERENCES conversations (key),
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            stopped INTEGER NOT NULL,
            made TEXT NOT NULL,       -- a JSON list: what made it
            UNIQUE (conversation, position))""",
        *TABLES,
    ),
)
"""The statements that bring a file from each version to the next. A file that was written by one is never rewritten."""

_PRAGMAS = (
    "temp_store = MEMORY",
    "secure_delete = ON",
    "journal_mode = WAL",
    # A turn that has ended survives a killed process under NORMAL as well. A power cut, or a crash of the system, it
    # survives for certain only under FULL, where the disk confirms each commit. That costs nothing here: 6 ms a turn
    # with either, on an SSD, because the file is closed after each, which has the disk confirm it under NORMAL too,
    # unless another program has it open. What SQLite does unasked depends on how it was built.
    "synchronous = FULL",
    "foreign_keys = ON",
)


@contextmanager
def opened(path: Path, *, create: bool) -> Iterator[sqlite3.Connection]:
    """A connection to the file; where there is none, a new one, or unless `create`, nothing to read.

    Raises HistoryFailed for every error of SQLite and of the file system, also from within the block.
    """
    try:
        if create:
            _make(path)
        connection = _connected(path) if create or path.exists() else sqlite3.connect(":memory:", isolation_level=None)
        try:
            _patiently(connection)
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    except OSError as error:
        raise HistoryFailed(
            f"The history {path} cannot be used.", reason=f"{error.strerror}.", hint="Set LLAMACLI_DATA_DIR elsewhere."
        ) from error
    except UnicodeEncodeError as error:
        raise HistoryFailed("A text with half a character cannot be saved.", hint="Use --no-save.") from error


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that has the file for itself from its beginning: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """One state of the file for all that the block asks; nobody waits for it."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def emptied_log(connection: sqlite3.Connection) -> bool:
    """Move everything from the write-ahead log to the file; whether no program held that up."""
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)  # SQLite would ask the umask
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            path.chmod(0o600)
    finally:
        os.close(descriptor)


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S, isolation_level=None)


def _patiently(connection: sqlite3.Connection) -> None:
    """Prepare the connection; SQLite itself does not wait for others while it changes how a file is logged."""
    given_up = time.monotonic() + BUSY_S
    while True:
        try:
            return _prepare(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > given_up:
                raise
            time.sleep(0.01)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    if _version(connection) > len(MIGRATIONS):
        raise HistoryFailed(
            "The history was written by a newer llamacli.",
            reason="This one leaves it alone.",
            hint="Use the newer one, or set LLAMACLI_DATA_DIR elsewhere.",
        )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if _version(connection) < len(MIGRATIONS):
        with writing(connection):
            for statements in MIGRATIONS[_version(connection) :]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    prepare(connection)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _translated(error: sqlite3.Error, path: Path) -> HistoryFailed:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return HistoryFailed(
            f"The history {path} is broken.",
            reason=f"{error}.",
            hint=f"Move it away to begin anew: mv {path} {path}.broken",
        )
    if code == sqlite3.SQLITE_BUSY:
        return HistoryFailed(
            f"The history {path} cannot be used.",
            reason=f"Another program has been writing for {BUSY_S:.0f} seconds.",
            hint="Try again.",
        )
    return HistoryFailed(
        f"The history {path} cannot be used.", reason=f"{error}.", hint="Check its space and its permissions."
    )
