"""The SQLite file of the desk's records: its tables, and how older ones are brought up to date.

A submission is a row of what it is looked for by, and `rest`, which is only read. `queue` finds it by room, state and
source, each such list in the order of the numbers. `words` is what its texts are searched by, without the texts;
`spans` says of each thousand numbers when they were received, since times go up with the numbers, but not strictly.
`counts` and `crowds` are the tallies, changed with what they count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fanout.database.file import Migration
from fanout.database.file import open_for_writing as open_database

SPAN: Final = 1024
"""Numbers whose times are noted together: looking through one takes a millisecond, through the list of them as well."""

CACHE_KIB: Final = 64 * 1024
"""What the writer keeps of the file. Ids come by chance, so their indices are written all over; with SQLite's own 2 MiB
it would read most pages again each time."""

CHECKPOINT_PAGES: Final = 4000
"""Pages in the write-ahead log, 16 MiB, that are then moved into the file: four times SQLite's own number. For the same
reason: each of those pages is one of a few that are written again and again, or one by chance."""

MIGRATIONS: Final[Sequence[Migration]] = (
    (
        "CREATE TABLE rooms (room INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        """CREATE TABLE people (
            person INTEGER PRIMARY KEY, room INTEGER NOT NULL, pseudonym TEXT NOT NULL, sources INTEGER NOT NULL)""",
        "CREATE UNIQUE INDEX people_by_pseudonym ON people (pseudonym, room)",
        """CREATE TABLE submissions (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL, room INTEGER NOT NULL, source INTEGER NOT NULL,
            state INTEGER NOT NULL, person INTEGER, at INTEGER NOT NULL, source_id TEXT, merged_into TEXT,
            message TEXT, rest BLOB NOT NULL)""",
        "CREATE UNIQUE INDEX submissions_by_id ON submissions (id)",
        """CREATE UNIQUE INDEX submissions_by_source ON submissions (source_id, room, source)
            WHERE source_id IS NOT NULL""",
        "CREATE INDEX queue ON submissions (room, state, source)",
        "CREATE INDEX submissions_by_person ON submissions (person) WHERE person IS NOT NULL",
        "CREATE INDEX submissions_by_merger ON submissions (merged_into) WHERE merged_into IS NOT NULL",
        "CREATE INDEX submissions_by_message ON submissions (message) WHERE message IS NOT NULL",
        "CREATE VIRTUAL TABLE words USING fts5 (text, content = '', detail = none, columnsize = 0, tokenize = ascii)",
        "CREATE TABLE spans (span INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL)",
        """CREATE TABLE counts (
            room INTEGER NOT NULL, source INTEGER NOT NULL, state INTEGER NOT NULL, messages INTEGER NOT NULL,
            PRIMARY KEY (room, source, state)) WITHOUT ROWID""",
        """CREATE TABLE crowds (
            room INTEGER NOT NULL, source INTEGER NOT NULL, people INTEGER NOT NULL,
            PRIMARY KEY (room, source)) WITHOUT ROWID""",
        """CREATE TABLE documents (
            place INTEGER PRIMARY KEY, kind TEXT NOT NULL, room TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
            UNIQUE (kind, room, id))""",
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY, at INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, room TEXT NOT NULL,
            subject TEXT NOT NULL, detail TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL)""",
        "CREATE INDEX audit_by_subject ON audit (subject)",
        "CREATE TABLE phone_keys (room TEXT PRIMARY KEY, phone_key BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE progress (progress INTEGER PRIMARY KEY, indexed INTEGER, unerased INTEGER, probes INTEGER)",
        "INSERT INTO progress VALUES (1, 0, 0, 0)",
    ),
    (  # one key for all rooms: of a file that had several, the first room's
        "CREATE TABLE event (event INTEGER PRIMARY KEY, phone_key BLOB NOT NULL)",
        "INSERT INTO event SELECT 1, phone_key FROM phone_keys ORDER BY room LIMIT 1",
        "DROP TABLE phone_keys",
    ),
)
"""Migration N brings a file from version N to N + 1. One that was ever released is never changed."""


def open_for_writing(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> sqlite3.Connection:
    """Open the file, made when it is not there; errors as of `fanout.database.file.open_for_writing`."""
    connection = open_database(path, migrations, "the desk's records")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection
