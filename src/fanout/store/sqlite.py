"""The durable store of the desk's records: one SQLite file, one thread that writes, one that reads.

What it survives: the end of the process at any moment (kill -9), and with honest disks the end of the power, since
every commit is synchronised (`synchronous=FULL`) before anybody hears of it.
What it does not: the loss of the disk. A copy made with `sqlite3 desk.sqlite3 ".backup FILE"` while it runs is whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import trio

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.limits import MAX_SEQ
from fanout.core.submission import Decision, State, Submission
from fanout.database.directory_lock import DirectoryLock
from fanout.database.file import open_for_reading
from fanout.database.writer import Writer
from fanout.errors import EngineClosed, StoreUnavailable
from fanout.moderation.ports import Arrival, Count, Document, Kind, Purged, Query, Receipt, SentAs, Tallies
from fanout.store.desk_ledger import DeskLedger
from fanout.store.pages import Pages
from fanout.store.requests import Decide, PhoneKey, Purge, Put, Receive, Request
from fanout.store.rows import AUDIT_COLUMNS, COLUMNS, SOURCE_OF, STATE_OF, entry_of, submission_of
from fanout.store.schema import open_for_writing
from fanout.store.tally_book import EVERY_SOURCE

T = TypeVar("T")

DESK_FILE: Final = "desk.sqlite3"
"""The store's name in the data directory."""

LOCK_NAME: Final = "desk.lock"
"""A lock of its own: the log beside it holds the directory's other one, in the same process."""

PACE_SECONDS: Final = 0.01
"""Between two commits under load. A commit costs half a millisecond of everybody's processor whatever is in it."""


async def open_sqlite_store(path: Path) -> SqliteStore:
    """A `SqliteStore` in the file `path`, opened without holding up the event loop. A purge that was broken off is
    finished, which may take as long as copying the file.

    Raises:
        ConfigurationError: The directory is in use or can't be written; the file is damaged, of a newer fanout, or of
            another program.
    """
    return SqliteStore(*await trio.to_thread.run_sync(_open, path))


def _open(path: Path) -> tuple[DirectoryLock, DeskLedger, sqlite3.Connection]:
    lock = DirectoryLock(path.parent, LOCK_NAME)
    try:
        ledger = DeskLedger(open_for_writing(path))
        if ledger.unerased:
            ledger.erase()
        return lock, ledger, open_for_reading(path)
    except BaseException:
        lock.release()
        raise


def _unavailable(cause: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The desk's records can't be written ({cause}); nothing was changed.")


class SqliteStore:
    """A `Store` in a SQLite file, whose directory it takes for itself alone. `open_sqlite_store` makes one."""

    def __init__(self, lock: DirectoryLock, ledger: DeskLedger, reading: sqlite3.Connection) -> None:
        self._lock = lock
        self._reading = reading
        self._pages = Pages(reading)
        self._one_reader = trio.CapacityLimiter(1)
        self._key: bytes | None = None
        self._writer: Writer[Request] = Writer(ledger, self._learn, _unavailable, "fanout-store-writer", PACE_SECONDS)
        self._closed = False

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        """Number and keep; durable when it returns."""
        receipts: list[Receipt] = await self._write(Receive(tuple(arrivals)))
        return receipts

    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        """Take these steps, all or none; durable when it returns."""
        decided: list[Submission] = await self._write(Decide(tuple(decisions), audited))
        return decided

    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        """Keep these records, or forget those without a body."""
        await self._write(Put(tuple(documents), tuple(audit)))

    async def documents(self, kind: Kind, room: str | None = None) -> list[Document]:
        """Every record of that kind, in the order of their making."""

        def query() -> list[Document]:
            rows = self._reading.execute(
                "SELECT room, id, body FROM documents WHERE kind = ?1 AND (?2 IS NULL OR room = ?2) ORDER BY place",
                (kind.value, room),
            )
            return [Document(kind, name, document_id, msgspec.json.decode(body)) for name, document_id, body in rows]

        return await self._read(query, [])

    async def known(self, names: Sequence[SentAs]) -> dict[SentAs, Submission]:
        """Of these, what has come before."""
        return await self._read(lambda: self._pages.known(names), {})

    async def find(self, submission_id: str) -> Submission | None:
        """The submission as it stands."""
        return await self._read(lambda: self._first("WHERE s.id = ?", submission_id), None)

    async def find_message(self, message_id: str) -> Submission | None:
        """The submission that became this message."""
        return await self._read(lambda: self._first("WHERE s.message = ?", message_id), None)

    async def page(self, query: Query) -> list[Submission]:
        """Up to `query.limit` submissions, oldest first."""
        return await self._read(lambda: self._pages.page(query), [])

    async def unreviewed(self, after: int, limit: int) -> list[Submission]:
        """Those still received."""
        return await self.page(Query(states=frozenset({State.RECEIVED}), after=after, limit=limit))

    async def run_sheet(self, room: str) -> list[Submission]:
        """What is cued, in the order of the sheet."""
        cued = await self.page(Query(room, frozenset({State.CUED}), limit=MAX_SEQ))
        return sorted(cued, key=lambda submission: (not submission.pinned, submission.rank, submission.number))

    async def tallies(self, room: str) -> Tallies:
        """The room's counts."""

        def query() -> Tallies:
            counts = self._reading.execute(
                "SELECT source, state, messages FROM counts WHERE messages > 0 "
                "AND room = (SELECT room FROM rooms WHERE name = ?)",
                (room,),
            ).fetchall()
            crowds: dict[int, int] = dict(
                self._reading.execute(
                    "SELECT source, people FROM crowds WHERE room = (SELECT room FROM rooms WHERE name = ?)", (room,)
                )
            )
            by_source: dict[int, int] = {}
            by_state: dict[State, int] = {}
            for source, state, messages in counts:
                by_source[source] = by_source.get(source, 0) + messages
                by_state[STATE_OF[state]] = by_state.get(STATE_OF[state], 0) + messages
            return Tallies(
                Count(sum(by_source.values()), crowds.get(EVERY_SOURCE, 0)),
                {SOURCE_OF[source]: Count(messages, crowds.get(source, 0)) for source, messages in by_source.items()},
                by_state,
            )

        return await self._read(query, Tallies(Count(), {}, {}))

    async def audit(self, after: int = 0, limit: int = 1000, subject: str | None = None) -> list[AuditEntry]:
        """Entries with numbers above `after`, oldest first."""
        after, limit = max(min(after, MAX_SEQ), 0), max(min(limit, MAX_SEQ), 0)
        about = "" if subject is None else "AND subject = ?"

        def query() -> list[AuditEntry]:
            rows = self._reading.execute(
                f"SELECT {AUDIT_COLUMNS} FROM audit WHERE number > ? {about} ORDER BY number LIMIT ?",  # noqa: S608
                (after, limit) if subject is None else (after, subject, limit),
            )
            return [entry_of(row) for row in rows]

        return await self._read(query, [])

    async def phone_key(self) -> bytes:
        """The event's key, made when it is first asked for."""
        await trio.lowlevel.checkpoint()
        key: bytes = self._key or await self._write(PhoneKey())
        return key

    async def purge(self, room: str, audit: AuditDraft, progress: Callable[[int], None] = lambda done: None) -> Purged:
        """Destroy what tells of people. Everybody else waits meanwhile."""
        token = trio.lowlevel.current_trio_token()

        def tell(done: int) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(progress, done)

        purged: Purged = await self._write(Purge(room, audit, tell))
        return purged

    @property
    def available(self) -> bool:
        """Whether the last write that was tried, be it only a probe, succeeded."""
        return self._writer.available

    async def aclose(self) -> None:
        """Finish what was begun, then close the file and let go of the directory. Not cancellable."""
        if self._closed:
            return
        self._closed = True
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._reading.close, limiter=self._one_reader)
            await self._writer.aclose()
        self._lock.release()

    def _learn(self, news: Sequence[bytes | None]) -> None:
        for key in news:
            self._key = key

    async def _write(self, request: Request) -> Any:
        if self._closed:
            raise EngineClosed("The store is closed.")
        return await self._writer.submit(request)

    async def _read(self, query: Callable[[], T], nothing: T) -> T:
        """What `query` finds, all of it in one transaction; `nothing` if it is about what no text can be."""
        if self._closed:
            raise EngineClosed("The store is closed.")

        def read() -> T:
            self._reading.execute("BEGIN")
            try:
                return query()
            except UnicodeEncodeError:  # half a surrogate pair
                return nothing
            finally:
                self._reading.execute("ROLLBACK")

        try:
            return await trio.to_thread.run_sync(read, limiter=self._one_reader)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The desk's records can't be read ({error}).") from error

    def _first(self, which: str, name: str) -> Submission | None:
        row = self._reading.execute(f"SELECT {COLUMNS} FROM submissions AS s {which}", (name,)).fetchone()  # noqa: S608
        return None if row is None else submission_of(row)
