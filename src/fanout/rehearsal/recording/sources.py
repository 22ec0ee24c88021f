"""The data directory of an event, read and not touched: its log and, if there is one, the desk's records.

A server may run on it. Nothing is locked; but while it is read, what the server takes back stays in its files.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from fanout.core.message import Entry, Message, Retraction
from fanout.core.room import DESK_ROOM_PREFIX, RoomSettings, reached_from
from fanout.core.submission import Submission
from fanout.errors import ConfigurationError
from fanout.log import rows as log_rows
from fanout.log import schema as log_schema
from fanout.log.opening import LOG_FILE
from fanout.moderation.ports import Kind
from fanout.store import rows as desk_rows
from fanout.store import schema as desk_schema
from fanout.store.sqlite import DESK_FILE

_NO_HUMAN: Final = "by NOT LIKE 'plug-in %' AND by NOT IN ('the room', 'a ban', 'intake')"
"""What these decided will be decided anew: see `fanout.moderation.first_step`."""


_PERSON: Final = """(SELECT min(q.person) FROM people AS p JOIN people AS q ON q.pseudonym = p.pseudonym
    WHERE p.person = s.person)"""
"""Somebody has a number for each room; the first of them stands for all."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A decision as the audit has it."""

    at: int
    by: str
    action: str
    submission: str
    detail: dict[str, str]


class Sources:
    """What is in the directory, each kind in its order. Made by `open_sources`."""

    def __init__(self, log: sqlite3.Connection, desk: sqlite3.Connection | None) -> None:
        self._log, self._desk = log, desk
        found = log.execute("SELECT room, name, settings FROM rooms ORDER BY room").fetchall()
        known = [(room, msgspec.json.decode(settings, type=RoomSettings)) for room, _, settings in found]
        self.rooms = {one.name: one for _, one in known if not one.name.startswith(DESK_ROOM_PREFIX)}
        self._number = {one.name: room for room, one in known}

    def count(self) -> int:
        """About how many rows there are to be read."""
        newest = [self._log.execute("SELECT coalesce(max(number), 0) FROM entries")]
        if self._desk is not None:
            newest.append(self._desk.execute("SELECT coalesce(max(number), 0) FROM submissions"))
        return sum(int(found.fetchone()[0]) for found in newest)

    # --- the log ------------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[tuple[int, int, Entry]]:
        """(number, bytes of its content, the entry), but for the copies in rooms that follow."""
        followed = {name: [self._number[other] for other in self._followed(name)] for name in self.rooms}
        columns = "SELECT e.number, coalesce(length(e.content), 0), "
        query = columns + log_rows.SELECT.removeprefix("SELECT ") + "ORDER BY e.number"
        for number, size, *row in self._log.execute(query):
            entry = log_rows.entry_of(tuple(row))
            if entry.room in self.rooms and not any(
                self._is_there(room, entry, number) for room in followed[entry.room]
            ):
                yield number, size, entry

    def _followed(self, name: str) -> list[str]:
        """The rooms from which what is said gets there."""
        return [other for other in self.rooms if other != name and name in reached_from(other, self.rooms)]

    def _is_there(self, room: int, entry: Entry, before: int) -> bool:
        key, value = ("target", entry.target) if isinstance(entry, Retraction) else ("id", entry.id)
        return self._log.execute(
            f"SELECT 1 FROM entries WHERE room = ? AND {key} = ? AND number < ? LIMIT 1",  # noqa: S608
            (room, value, before),
        ).fetchone() is not None  # fmt: skip

    def named_messages(self) -> set[str]:
        """The ids of the messages that something refers to: an answer, a correction, a retraction."""
        found = self._log.execute(
            "SELECT re FROM entries WHERE re IS NOT NULL UNION SELECT target FROM entries WHERE target IS NOT NULL"
        )
        return {name for (name,) in found}

    def message_number(self, room: str, message: str) -> int:
        """The number of a message in the room where it was said; 0 if it is not there."""
        (number,) = self._log.execute(
            "SELECT coalesce(min(number), 0) FROM entries WHERE room = ? AND id = ?", (self._number.get(room), message)
        ).fetchone()
        return int(number)

    # --- the desk -----------------------------------------------------------------------------------------------------

    def submissions(self) -> Iterator[tuple[Submission, int]]:
        """Each submission with the number of who sent it (0: nobody knows), by time: an SMS has that of its sending,
        so they don't come in the order of their numbers."""
        if self._desk is None:
            return
        order = array(
            "q", (number for (number,) in self._desk.execute("SELECT number FROM submissions ORDER BY at, number"))
        )
        query = f"SELECT {desk_rows.COLUMNS}, {_PERSON} FROM submissions AS s WHERE s.number = ?"  # noqa: S608
        for number in order:
            row = self._desk.execute(query, (number,)).fetchone()
            if row is not None:
                yield desk_rows.submission_of(row[:-1]), row[-1] or 0

    def people(self) -> int:
        """Above the number of every person."""
        found = self._desk and self._desk.execute("SELECT coalesce(max(person), 0) FROM people").fetchone()
        return int(found[0]) + 1 if found else 1

    def decisions(self) -> Iterator[Noted]:
        """What humans decided, in order."""
        if self._desk is not None:
            query = f"SELECT at, by, action, subject, detail FROM audit WHERE {_NO_HUMAN} ORDER BY number"  # noqa: S608
            for at, by, action, subject, detail in self._desk.execute(query):
                yield Noted(at, by, action, subject, msgspec.json.decode(detail, type=dict[str, str]))

    def submission(self, named: str) -> Submission | None:
        """The submission of that id."""
        row = self._desk and self._desk.execute(
            f"SELECT {desk_rows.COLUMNS} FROM submissions AS s WHERE s.id = ?", (named,)  # noqa: S608
        ).fetchone()  # fmt: skip
        return desk_rows.submission_of(row) if row else None

    def was_submitted(self, message: Message) -> bool:
        """Whether a submission became this message."""
        return self._desk is not None and self._desk.execute(
            "SELECT 1 FROM submissions WHERE message = ? LIMIT 1", (message.id,)
        ).fetchone() is not None  # fmt: skip

    def answered_by(self) -> dict[str, str]:
        """The submission that each line on the air answers, by the line's message."""
        if self._desk is None:
            return {}
        found = self._desk.execute("SELECT body FROM documents WHERE kind = ?", (Kind.ANSWER_LINE.value,))
        lines: list[dict[str, Any]] = [msgspec.json.decode(body) for (body,) in found]
        return {line["message"]: line["submission"] for line in lines if line.get("message") and line.get("submission")}


@contextmanager
def open_sources(data: Path) -> Iterator[Sources]:
    """The sources in a directory, until the block ends.

    Raises:
        ConfigurationError: It is none of ours, of another version, or damaged; here or while it is read.
    """
    if not (data / LOG_FILE).is_file():
        raise ConfigurationError("DATA", f"{data} is no data directory: there is no {LOG_FILE} in it.")
    opened: list[sqlite3.Connection] = []
    try:
        log = _open(data / LOG_FILE, len(log_schema.MIGRATIONS), opened.append)
        desk = data / DESK_FILE
        yield Sources(log, _open(desk, len(desk_schema.MIGRATIONS), opened.append) if desk.is_file() else None)
    except (sqlite3.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        what = str(error).partition(" with text")[0]  # what follows is somebody's
        raise ConfigurationError("DATA", f"{data} can't be read: {what}. Take another copy of it.") from None
    finally:
        for connection in opened:
            connection.close()


def _open(path: Path, version: int, opened: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    # Without a write-ahead log nobody writes: then nothing is made beside it, and it may lie where nothing can be made.
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, timeout=10)
    opened(connection)
    connection.execute("PRAGMA query_only = ON")
    (found,) = connection.execute("SELECT version FROM schema_version").fetchone()
    if found != version:
        which = "a newer" if found > version else "an older"
        raise ConfigurationError(
            "DATA",
            f"{path} was written by {which} fanout (schema {found}; this one reads {version}). Read it with that one, "
            "or let this one's `fanout serve` bring a copy of it up to date.",
        )
    connection.execute("BEGIN")  # one state of it from the beginning to the end
    return connection
