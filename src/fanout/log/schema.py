"""The SQLite file of a log: its tables, and how older ones are brought up to date.

Three things here keep the promise that nothing retracted stays readable in any file:
- `secure_delete`: SQLite overwrites what it frees with zeros.
- What can be retracted is one column, `content`, of a table that only grows at its end, and a retraction overwrites it
  with as many zeros. So rows never move to another page; when they do, SQLite leaves copies behind in the unused part
  of the old page, which no later deletion reaches. (Measured: the same table ordered by room, `secure_delete` on, 500
  of 600 rows retracted: 5 to 9 texts were still in the file.)
- After a retraction the write-ahead log is emptied (see `fanout.log.ledger`), and at every opening.

A room's head is the largest `seq` of its entries: whoever learns to delete old entries must leave the newest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fanout.database.file import Migration
from fanout.database.file import open_for_writing as open_database

MIGRATIONS: Final[Sequence[Migration]] = (
    (
        """CREATE TABLE rooms (
            room INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, settings TEXT NOT NULL)""",
        """CREATE TABLE entries (
            number INTEGER PRIMARY KEY, room INTEGER NOT NULL REFERENCES rooms, seq INTEGER NOT NULL,
            at INTEGER NOT NULL, id TEXT, kind TEXT, role TEXT, re TEXT, target TEXT,
            retracted INTEGER NOT NULL, content BLOB)""",
        "CREATE UNIQUE INDEX entries_by_position ON entries (room, seq)",
        "CREATE INDEX messages_by_id ON entries (room, id) WHERE id IS NOT NULL",
        "CREATE INDEX retractions_by_target ON entries (room, target) WHERE target IS NOT NULL",
        """CREATE TABLE keys (
            room INTEGER NOT NULL REFERENCES rooms, key TEXT NOT NULL, fingerprint BLOB NOT NULL,
            first INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (room, key)) WITHOUT ROWID""",
        "CREATE TABLE probes (probe INTEGER PRIMARY KEY, done INTEGER NOT NULL)",
        "INSERT INTO probes VALUES (1, 0)",
    ),
)
"""Migration N brings a file from version N to N + 1. One that was ever released is never changed."""


def open_for_writing(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> sqlite3.Connection:
    """Open the log's file, made when it is not there; errors as of `fanout.database.file.open_for_writing`."""
    return open_database(path, migrations, "a log")
