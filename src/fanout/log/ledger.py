"""What happens within one transaction of a log in SQLite. Synchronous, and used by one thread only.

Several publications share a transaction, because it is the wait for the disk that costs. A publication that is refused
for its own reasons is found out before anything of it is written, so that it never takes the others with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from fanout.core.message import Entry, Message
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.database.ledger import FileLedger
from fanout.database.writer import Committed
from fanout.engine.ports import Appended, Publication, Stream
from fanout.errors import FanoutError, KeyReused, RoomNotFound
from fanout.log.memory import new_epoch
from fanout.log.rows import REDACT, SELECT, Row, entry_of, in_powers_of_two, insert, row_of, select_keys


@dataclass(frozen=True, slots=True)
class Prepared:
    """A publication with what its drafts say already encoded, one content a draft."""

    publication: Publication
    contents: tuple[bytes | None, ...]


Request = Prepared | RoomSettings
Result = Appended | Stream | Exception


_KeyUse = tuple[bytes, int, int]
"""A fingerprint, the number of the first entry and how many there are."""


@dataclass(slots=True)
class _Room:
    number: int
    epoch: str
    head: int


@dataclass(slots=True)
class _Batch:
    """What a transaction is going to write."""

    rows: list[Row] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    redactions: list[tuple[int, str, int]] = field(default_factory=list)
    keys: dict[tuple[int, str], _KeyUse] = field(default_factory=dict)
    used: dict[tuple[int, str], _KeyUse] = field(default_factory=dict)
    """Of the keys that are asked about, those of former transactions."""
    rooms: int = 0


class Ledger(FileLedger):
    """Numbers requests and commits them, on a connection that nobody else writes with.

    What it knows of rooms and numbers it reads again after every failure: so a transaction that did not happen leaves
    nothing behind, and no hole in the numbers.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, probe="UPDATE probes SET done = done + 1")
        self._rooms: dict[str, _Room] = {}
        self._next = 1

    def weight(self, request: Request) -> int:
        """How many rows it will write."""
        return len(request.contents) if isinstance(request, Prepared) else 1

    def commit(self, requests: Sequence[Request]) -> Committed:
        """Do all of it in one durable transaction, save what is refused on its own grounds.

        Raises:
            sqlite3.Error: Nothing of it happened.
        """
        batch = _Batch()
        self._begin()
        try:
            if self._stale:
                self._load()
            batch.used = self._used_keys(requests)
            results = [self._take(request, batch) for request in requests]
            self._write(batch)
            self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        if batch.redactions:
            self.unerased = True
            self.erase()
        return Committed(results, batch.entries, bool(batch.rows or batch.rooms))

    def _load(self) -> None:
        found = self._connection.execute(
            "SELECT name, room, epoch, coalesce((SELECT max(seq) FROM entries AS e WHERE e.room = r.room), 0) "
            "FROM rooms AS r"
        )
        self._rooms = {name: _Room(number, epoch, head) for name, number, epoch, head in found}
        (self._next,) = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM entries").fetchone()
        self._stale = False

    def _used_keys(self, requests: Sequence[Request]) -> dict[tuple[int, str], _KeyUse]:
        asked = [
            (self._rooms[request.publication.drafts[0].room].number, request.publication.key)
            for request in requests
            if isinstance(request, Prepared)
            and request.publication.key is not None
            and request.publication.drafts[0].room in self._rooms
        ]
        used = {}
        for part in in_powers_of_two(asked):
            found = self._connection.execute(select_keys(len(part)), list(chain.from_iterable(part)))
            used.update({(room, key): (fingerprint, first, count) for room, key, fingerprint, first, count in found})
        return used

    def _take(self, request: Request, batch: _Batch) -> Result:
        try:
            if isinstance(request, RoomSettings):
                return self._save(request, batch)
            return self._append(request, batch)
        except FanoutError as refusal:
            return refusal

    def _save(self, settings: RoomSettings, batch: _Batch) -> Stream:
        written = msgspec.json.encode(settings).decode()
        room = self._rooms.get(settings.name)
        if room is None:
            epoch = new_epoch()
            made = self._connection.execute(
                "INSERT INTO rooms (name, epoch, settings) VALUES (?, ?, ?)", (settings.name, epoch, written)
            )
            assert made.lastrowid is not None
            room = self._rooms[settings.name] = _Room(made.lastrowid, epoch, 0)
        else:
            self._connection.execute("UPDATE rooms SET settings = ? WHERE room = ?", (written, room.number))
        batch.rooms += 1
        (oldest,) = self._connection.execute("SELECT min(seq) FROM entries WHERE room = ?", (room.number,)).fetchone()
        return Stream(settings, room.epoch, room.head, 1 if oldest is None else oldest)

    def _append(self, request: Prepared, batch: _Batch) -> Appended:
        publication = request.publication
        rooms = []
        for draft in publication.drafts:
            room = self._rooms.get(draft.room)
            if room is None:
                raise RoomNotFound(f"There is no room {draft.room!r}.")
            rooms.append(room)
        first = self._next
        if publication.key is not None:
            repeated = self._repeated((rooms[0].number, publication.key), publication.fingerprint, batch)
            if repeated is not None:
                return repeated
            place = (publication.fingerprint, first, len(rooms))
            batch.keys[rooms[0].number, publication.key] = place
        entries = []
        for draft, room, content in zip(publication.drafts, rooms, request.contents, strict=True):
            room.head += 1
            batch.rows.append(row_of(self._next, room.number, room.head, draft, content))
            entries.append(draft.numbered(Position(room.epoch, room.head)))
            if draft.target is not None:
                batch.redactions.append((room.number, draft.target, room.head))
            self._next += 1
        batch.entries += entries
        return Appended(tuple(entries))

    def _repeated(self, key: tuple[int, str], fingerprint: bytes, batch: _Batch) -> Appended | None:
        use = batch.keys.get(key) or batch.used.get(key)
        if use is None:
            return None
        used_for, first, count = use
        if used_for != fingerprint:
            raise KeyReused("This idempotency key was used before, with other content.")
        if key in batch.keys:
            begin = first - (self._next - len(batch.entries))
            entries = batch.entries[begin : begin + count]
        else:
            rows = self._connection.execute(
                SELECT + "WHERE e.number BETWEEN ? AND ? ORDER BY e.number", (first, first + count - 1)
            )
            entries = [entry_of(row) for row in rows]
        gone = {(room, target) for room, target, _ in batch.redactions}
        return Appended(tuple(self._seen(entry, gone) for entry in entries), repeated=True)

    def _seen(self, entry: Entry, gone: Container[tuple[int, str]]) -> Entry:
        if isinstance(entry, Message) and (self._rooms[entry.room].number, entry.id) in gone:
            return entry.redacted()
        return entry

    def _write(self, batch: _Batch) -> None:
        for rows in in_powers_of_two(batch.rows):
            self._connection.execute(insert(len(rows)), list(chain.from_iterable(rows)))
        if batch.redactions:
            self._connection.executemany(REDACT, batch.redactions)
        if batch.keys:
            self._connection.executemany(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?)", [(*key, *place) for key, place in batch.keys.items()]
            )
