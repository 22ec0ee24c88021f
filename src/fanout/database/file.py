"""A SQLite file of ours: how it is opened for writing and for reading, checked, and brought up to date.

`secure_delete` is on: SQLite overwrites what it frees with zeros. The write-ahead log is emptied at every opening.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError

BUSY_SECONDS: Final = 2.0
"""How long a write waits for another process's lock. A back-up or a curious `sqlite3` holds one for milliseconds;
whoever writes should hear of anything longer."""

Migration = Sequence[str]
"""Statements. Migration N brings a file from version N to N + 1. One that was ever released is never changed."""


def open_for_writing(path: Path, migrations: Sequence[Migration], what: str) -> sqlite3.Connection:
    """Open the file, made with mode 0600 when it is not there, check it, and bring it up to date. Blocks.

    Args:
        what: What it is used as, for the error: "a log".

    Raises:
        ConfigurationError: It is damaged, of a newer fanout, of another program, locked, or can't be written.
    """
    connection = None
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)  # SQLite gives the -wal and -shm beside it the same mode
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        _prepare(connection, path, migrations)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, OSError):
            raise ConfigurationError("data", f"{path} can't be written ({error.strerror}).") from error
        if isinstance(error, sqlite3.Error):
            raise ConfigurationError("data", f"{path} can't be used as {what}: {_meaning(error)}") from error
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A second connection to a file that is open for writing; it can't change anything."""
    connection = sqlite3.connect(
        path.absolute().as_uri() + "?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    connection.execute("PRAGMA query_only = ON")
    return connection


def truncate_wal(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; False when a reader or a full disk holds it
    back."""
    with contextlib.suppress(sqlite3.Error):
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return bool(busy == 0)
    return False


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise ConfigurationError("data", f"{path} is on a file system that SQLite can't keep a write-ahead log on.")
    for pragma in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ConfigurationError("data", f"{path} is damaged ({verdict}). {_RESTORE}")
    bring_up_to_date(connection, path, migrations)
    truncate_wal(connection)


def bring_up_to_date(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Run the migrations that the file has not had, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
            connection.execute("INSERT INTO schema_version VALUES (0)")
        elif "schema_version" not in tables:
            raise ConfigurationError("data", f"{path} belongs to another program; give another directory.")
        (version,) = connection.execute("SELECT version FROM schema_version").fetchone()
        if version > len(migrations):
            raise ConfigurationError(
                "data",
                f"{path} was written by a newer fanout (schema {version}; this one knows up to {len(migrations)}). "
                "Run that version, or give another directory.",
            )
        for migration in migrations[version:]:
            for statement in migration:
                connection.execute(statement)
        if version < len(migrations):
            connection.execute("UPDATE schema_version SET version = ?", (len(migrations),))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_RESTORE: Final = "Restore a copy of it, or move it away to begin anew."


def _meaning(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return f"{error}. Another program may hold it, or the disk may be full or read-only."
    return f"{error}. {_RESTORE}"
