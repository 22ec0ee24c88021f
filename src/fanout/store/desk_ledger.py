"""What happens within one transaction of the desk's records. Synchronous, and used by one thread only.

Several requests share a transaction, because it is the wait for the disk that costs. Each is worked out on what those
before it have led to, in memory, before anything of it is written: so one that is refused never takes the others with
it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any, Final

import msgspec

from fanout.core.submission import Submission
from fanout.database.ledger import FileLedger
from fanout.database.writer import Committed
from fanout.errors import FanoutError, InvalidInput, StoreUnavailable
from fanout.moderation.ports import Document, Purged, Receipt, SentAs
from fanout.store.erasure import finish_purge, purge
from fanout.store.memory import PHONE_KEY_BYTES
from fanout.store.requests import Batch, Decide, PhoneKey, Purge, Put, Receive, Request, Trail
from fanout.store.rows import (
    COLUMNS,
    SOURCE_ID,
    SOURCES,
    STATES,
    audit_row,
    in_powers_of_two,
    rest_of,
    submission_of,
    values,
)
from fanout.store.schema import SPAN
from fanout.store.steps import numbered, take, told
from fanout.store.tally_book import TallyBook
from fanout.store.word_index import WordIndex

PURGE_WEIGHT: Final = 1_000_000
"""A purge rewrites every row of its room: it ends the group that it is in."""

RECENT: Final = 4096
"""Submissions known by heart, some 4 MiB: a second of the greatest rush. As many wait for the plug-ins in memory."""

_UNERASED: Final = (
    "It is destroyed, but may still be read in a file, since another program holds it or the disk is full. "
    "That is tried again every second; ask again to know."
)


class DeskLedger(FileLedger):
    """Carries out requests on a connection that nobody else writes with.

    What it knows by heart it reads again after every failure: so a transaction that did not happen leaves nothing
    behind, and no hole in the numbers.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, probe="UPDATE progress SET probes = probes + 1")
        self._tallies = TallyBook(connection)
        self._words = WordIndex(connection)
        self._trail = Trail()
        self._last = 0
        self._recent: dict[str, Submission] = {}
        """What was written last, as it stands, the newest last: most first steps are about these, a moment later."""
        (self.unerased,) = connection.execute("SELECT unerased <> 0 FROM progress").fetchone()

    def weight(self, request: Request) -> int:
        """About how many rows it will write."""
        if isinstance(request, Receive):
            return len(request.arrivals)
        if isinstance(request, Decide):
            return len(request.decisions)
        return PURGE_WEIGHT if isinstance(request, Purge) else 1

    def commit(self, requests: Sequence[Request]) -> Committed:
        """Do all of it in one durable transaction, save what is refused on its own grounds. The news are the telephone
        key that is known now, and None when a purge may have destroyed it.

        Raises:
            sqlite3.Error: Nothing of it happened.
        """
        results: list[Any] = []
        news: list[bytes | None] = []
        self._begin()
        try:
            if self._stale:
                self._load()
            batch = self._prepared(requests)
            for place, request in enumerate(requests):
                if isinstance(request, Purge):
                    self._write(batch)
                    results.append(self._purge(request))
                    news.append(None)
                    batch = self._prepared(requests[place + 1 :])
                else:
                    results.append(self._take(request, batch))
                    if isinstance(request, PhoneKey):
                        news.append(results[-1])
            self._write(batch)
            self._connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._undo()
            if str(error).endswith("submissions.id"):  # nobody looked: ids come by chance
                raise InvalidInput("This id belongs to another submission.", code="id_taken") from error
            raise
        except BaseException:
            self._undo()
            raise
        if any(isinstance(request, Purge) for request in requests):
            self.unerased = True
            self.erase()
            if self.unerased:
                results = [
                    StoreUnavailable(_UNERASED) if isinstance(request, Purge) else result
                    for request, result in zip(requests, results, strict=True)
                ]
        return Committed(results, news, wrote=True)

    def _erased(self) -> bool:
        """Finish a purge: make the file anew without what was destroyed, and empty the write-ahead log."""
        return finish_purge(self._connection)

    def _load(self) -> None:
        select = self._connection.execute
        self._tallies.load()
        self._words.load()
        (self._last,) = select("SELECT coalesce(max(number), 0) FROM submissions").fetchone()
        last = select("SELECT number, lower(hex(hash)) FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        self._trail = Trail() if last is None else Trail(*last)
        self._recent.clear()
        self._stale = False

    def _prepared(self, requests: Sequence[Request]) -> Batch:
        """What these ask about, read in few statements."""
        batch = Batch()
        ids: dict[str, None] = {}
        names: dict[SentAs, None] = {}
        for request in requests:
            if isinstance(request, Purge):
                break
            if isinstance(request, Receive):
                for arrival in request.arrivals:
                    names[arrival.room, arrival.source, arrival.source_id] = None
            elif isinstance(request, Decide):
                for decision in request.decisions:
                    recent = self._recent.get(decision.submission)
                    if recent is None:
                        ids[decision.submission] = None
                    else:
                        batch.kept[recent.id] = batch.now[recent.id] = recent
        asked = (
            (found, SOURCES[source], own) for room, source, own in names if (found := self._tallies.known_room(room))
        )
        self._fetch(
            batch, "room, source, source_id", 3, asked,
            "s.source_id = asked.source_id AND s.room = asked.room AND s.source = asked.source",
        )  # fmt: skip
        self._fetch(batch, "id", 1, ((submission_id,) for submission_id in ids), "s.id = asked.id")
        return batch

    def _fetch(self, batch: Batch, names: str, width: int, asked: Iterable[tuple[Any, ...]], condition: str) -> None:
        for part in in_powers_of_two(list(asked)):
            found = self._connection.execute(
                f"WITH asked ({names}) AS ({values(width, len(part))}) SELECT {COLUMNS} "  # noqa: S608
                f"FROM asked CROSS JOIN submissions AS s ON {condition}",
                list(chain.from_iterable(part)),
            )
            for row in found:
                batch.keep(submission_of(row), known=row[SOURCE_ID] is not None)

    def _take(self, request: Receive | Decide | Put | PhoneKey, batch: Batch) -> Any:
        try:
            if isinstance(request, Receive):
                return self._receive(request, batch)
            if isinstance(request, Decide):
                return self._decide(request, batch)
            if isinstance(request, PhoneKey):
                return self._phone_key()
        except FanoutError as refusal:
            return refusal
        batch.documents += request.documents
        batch.audit += self._trail.linked(request.audit)
        return None

    def _receive(self, request: Receive, batch: Batch) -> list[Receipt]:
        new: dict[str, Submission] = {}
        names: dict[SentAs, str] = {}
        receipts = []
        for arrival in request.arrivals:
            name = (arrival.room, arrival.source, arrival.source_id)
            known = batch.known.get(name) or names.get(name)
            if known is not None:
                receipts.append(Receipt(new.get(known) or batch.now[known], repeated=True))
                continue
            if arrival.id in batch.now or arrival.id in new:
                raise InvalidInput("This id belongs to another submission.", code="id_taken")
            new[arrival.id] = numbered(arrival, self._last + len(new) + 1)
            names[name] = arrival.id
            receipts.append(Receipt(new[arrival.id]))
        self._last += len(new)
        batch.now |= new
        batch.known |= names
        batch.new += new
        return receipts

    def _decide(self, request: Decide, batch: Batch) -> list[Submission]:
        decided: dict[str, Submission] = {}
        drafts = []

        def find(submission_id: str) -> Submission | None:
            found = decided.get(submission_id) or batch.now.get(submission_id)
            if found is None:  # what a merge leads to
                self._fetch(batch, "id", 1, [(submission_id,)], "s.id = asked.id")
            return found or batch.now.get(submission_id)

        for decision in request.decisions:
            before, after = take(decision, find)
            decided[after.id] = after
            if request.audited:
                drafts.append(told(before, after, decision))
        batch.now |= decided
        batch.changed |= dict.fromkeys(decided)
        batch.audit += self._trail.linked(drafts)
        return [decided[decision.submission] for decision in request.decisions]

    def _phone_key(self) -> bytes:
        self._connection.execute("INSERT OR IGNORE INTO event VALUES (1, ?)", (secrets.token_bytes(PHONE_KEY_BYTES),))
        (key,) = self._connection.execute("SELECT phone_key FROM event").fetchone()
        assert isinstance(key, bytes)
        return key

    def _purge(self, request: Purge) -> Purged:
        room = self._tallies.known_room(request.room)
        self._words.clear()
        self._recent.clear()
        purged = purge(self._connection, request.room, room, request.progress)
        self._words.feed(self._last)
        self._run("INSERT INTO audit", [audit_row(entry) for entry in self._trail.linked([request.audit])])
        return purged

    def _write(self, batch: Batch) -> None:
        new = [batch.now[submission_id] for submission_id in batch.new]
        people = self._tallies.arrived(new)
        rows = [self._row(submission, people) for submission in new]
        self._run("INSERT INTO submissions", rows)
        if new:
            self._note_times(new)
        changed = [
            (batch.kept[submission_id], batch.now[submission_id])
            for submission_id in batch.changed
            if submission_id in batch.kept
        ]
        for before, after in changed:
            self._tallies.moved(before, after)
        self._update([after for _, after in changed])
        self._words.arrived(new)
        self._words.changed(changed)
        self._remember(new, changed)
        self._tallies.write()
        self._words.follow(self._last)
        for document in batch.documents:
            self._put(document)
        self._run("INSERT INTO audit", [audit_row(entry) for entry in batch.audit])

    def _row(self, submission: Submission, people: dict[tuple[int, str], int]) -> tuple[Any, ...]:
        room = self._tallies.room(submission.room)
        return (
            submission.number, submission.id, room, SOURCES[submission.source], STATES[submission.state],
            people.get((room, submission.person)), submission.at, submission.source_id, submission.merged_into,
            submission.message, rest_of(submission),
        )  # fmt: skip

    def _remember(self, new: Sequence[Submission], changed: Sequence[tuple[Submission, Submission]]) -> None:
        recent = self._recent
        for submission in new:
            recent[submission.id] = submission
        for _, after in changed:
            if after.id in recent:
                recent[after.id] = after
        for submission_id in list(islice(recent, max(len(recent) - RECENT, 0))):
            del recent[submission_id]

    def _note_times(self, new: Sequence[Submission]) -> None:
        spans: dict[int, tuple[int, int]] = {}
        for submission in new:
            earliest, latest = spans.get(submission.number // SPAN, (submission.at, submission.at))
            spans[submission.number // SPAN] = (min(earliest, submission.at), max(latest, submission.at))
        self._connection.executemany(
            "INSERT INTO spans VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
            "SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
            [(span, earliest, latest) for span, (earliest, latest) in spans.items()],
        )

    def _update(self, submissions: Sequence[Submission]) -> None:
        rows = [(s.number, STATES[s.state], s.merged_into, s.message, rest_of(s)) for s in submissions]
        for part in in_powers_of_two(rows):
            self._connection.execute(
                f"WITH next (number, state, merged_into, message, rest) AS ({values(5, len(part))}) UPDATE submissions "  # noqa: S608
                "SET state = next.state, merged_into = next.merged_into, message = next.message, rest = next.rest "
                "FROM next WHERE submissions.number = next.number",
                list(chain.from_iterable(part)),
            )

    def _put(self, document: Document) -> None:
        place = (document.kind.value, document.room, document.id)
        if document.body is None:
            self._connection.execute("DELETE FROM documents WHERE kind = ? AND room = ? AND id = ?", place)
        else:
            self._connection.execute(
                "INSERT INTO documents (kind, room, id, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET body = excluded.body",
                (*place, msgspec.json.encode(document.body)),
            )

    def _run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for part in in_powers_of_two(rows):
            self._connection.execute(
                f"{statement} {values(len(part[0]), len(part))}", list(chain.from_iterable(part))
            )  # fmt: skip
