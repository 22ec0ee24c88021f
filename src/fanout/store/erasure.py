"""A purge in SQLite: what tells of people is overwritten in one transaction, then destroyed in the files as well.

`secure_delete` alone leaves copies where rows were moved from one page to another. So the file is made anew (`VACUUM`),
and the write-ahead log emptied. `unerased` in the file says what is left to do: 2 for both, 1 for the emptying. So the
next opening finishes it, should the process die in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import chain

import msgspec

from fanout.database.file import truncate_wal
from fanout.moderation.ports import Document, Kind, Purged
from fanout.store.rows import COLUMNS, MOST_ROWS, rest_of, submission_of, values
from fanout.store.steps import emptied, emptied_line, goes_with_the_last_people


def purge(connection: sqlite3.Connection, name: str, room: int | None, progress: Callable[[int], None]) -> Purged:
    """Within a transaction, empty what is in that room. The words are not its business."""
    connection.execute("UPDATE progress SET unerased = 2")
    gone = 0 if room is None else _purge_submissions(connection, room, progress)
    _purge_bans_and_lines(connection, name)
    peopled = connection.execute(
        "SELECT name FROM rooms WHERE room IN (SELECT DISTINCT room FROM people) ORDER BY name"
    ).fetchall()
    if not peopled:
        _purge_what_goes_with_the_last_people(connection)
    return Purged(gone, tuple(other for (other,) in peopled))


def _purge_submissions(connection: sqlite3.Connection, room: int, progress: Callable[[int], None]) -> int:
    gone = 0
    for rows in _emptied_rows(connection, room):
        connection.execute(
            f"WITH next (number, rest) AS ({values(2, len(rows))}) UPDATE submissions "  # noqa: S608
            "SET rest = next.rest, person = NULL, source_id = NULL FROM next WHERE submissions.number = next.number",
            list(chain.from_iterable(rows)),
        )
        gone += len(rows)
        progress(gone)
    connection.execute("DELETE FROM people WHERE room = ?", (room,))
    return gone


def _purge_bans_and_lines(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("DELETE FROM documents WHERE kind = ? AND room = ?", (Kind.BAN.value, name))
    lines = connection.execute(
        "SELECT place, body FROM documents WHERE kind = ? AND room = ?", (Kind.ANSWER_LINE.value, name)
    ).fetchall()
    for place, body in lines:
        left = emptied_line(msgspec.json.decode(body))
        if left is None:
            connection.execute("DELETE FROM documents WHERE place = ?", (place,))
        else:
            connection.execute("UPDATE documents SET body = ? WHERE place = ?", (msgspec.json.encode(left), place))


def _purge_what_goes_with_the_last_people(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM event")
    bans = connection.execute(
        "SELECT place, room, id, body FROM documents WHERE kind = ?", (Kind.BAN.value,)
    ).fetchall()
    for place, room, name, body in bans:
        if goes_with_the_last_people(Document(Kind.BAN, room, name, msgspec.json.decode(body))):
            connection.execute("DELETE FROM documents WHERE place = ?", (place,))


def finish_purge(connection: sqlite3.Connection) -> bool:
    """Make the file anew and empty the write-ahead log; False when a reader or a full disk is in the way."""
    with suppress(sqlite3.Error):
        (left,) = connection.execute("SELECT unerased FROM progress").fetchone()
        if left == 2:
            connection.execute("PRAGMA temp_store = FILE")  # in memory it would be as large as what is left
            connection.execute("VACUUM")
            connection.execute("UPDATE progress SET unerased = 1")
        if truncate_wal(connection):
            connection.execute("UPDATE progress SET unerased = 0")
            return True
    return False


def _emptied_rows(connection: sqlite3.Connection, room: int) -> Iterator[list[tuple[int, bytes]]]:
    last = 0
    while True:
        with closing(
            connection.execute(
                f"SELECT {COLUMNS} FROM submissions AS s NOT INDEXED "  # noqa: S608
                "WHERE s.number > ? AND s.room = ? ORDER BY s.number LIMIT ?",
                (last, room, MOST_ROWS),
            )
        ) as found:
            rows = [(row[0], rest_of(emptied(submission_of(row)))) for row in found]
        if not rows:
            return
        last = rows[-1][0]
        yield rows
