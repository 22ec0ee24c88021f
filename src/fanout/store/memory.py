"""A store that keeps nothing beyond its process: for tests, `--memory`, and an evening that leaves no archive.

It is a verified stand-in for the durable one: the same suite runs on both. It looks at every submission for each page,
so it is not for millions.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import msgspec
import trio

from fanout.core.audit import GENESIS, AuditDraft, AuditEntry, link
from fanout.core.submission import Decision, Source, State, Submission
from fanout.errors import InvalidInput
from fanout.moderation.ports import Arrival, Count, Document, Kind, Purged, Query, Receipt, SentAs, Tallies
from fanout.store.steps import emptied, emptied_line, goes_with_the_last_people, numbered, take, told
from fanout.store.words import search_of

PHONE_KEY_BYTES: Final = 32
"""As long as the hash that it is for."""


class MemoryStore:
    """A `Store` that survives nothing and never fails. Each call is done whole before another has its turn; cancelling
    takes effect before it is begun, or not at all. Whoever asked goes on before anybody else sees what it led to."""

    def __init__(self) -> None:
        self._submissions: dict[str, Submission] = {}
        self._known: dict[SentAs, str] = {}
        self._messages: dict[str, str] = {}
        self._people: set[tuple[str, Source | None, str]] = set()
        self._crowds: Counter[tuple[str, Source | None]] = Counter()
        self._documents: dict[tuple[Kind, str, str], Document] = {}
        self._entries: list[AuditEntry] = []
        self._key: bytes | None = None

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        """Number and keep."""
        await trio.lowlevel.checkpoint()
        return self._receive(arrivals)

    def _receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        new: dict[str, Submission] = {}
        names: dict[SentAs, str] = {}
        receipts = []
        for arrival in arrivals:
            name = (arrival.room, arrival.source, arrival.source_id)
            known = self._known.get(name) or names.get(name)
            if known is not None:
                receipts.append(Receipt(new.get(known) or self._submissions[known], repeated=True))
                continue
            if arrival.id in self._submissions or arrival.id in new:
                raise InvalidInput("This id belongs to another submission.", code="id_taken")
            new[arrival.id] = numbered(arrival, len(self._submissions) + len(new) + 1)
            names[name] = arrival.id
            receipts.append(Receipt(new[arrival.id]))
        for submission in new.values():
            self._count(submission)
        self._submissions |= new
        self._known |= names
        return receipts

    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        """Take these steps, all or none."""
        await trio.lowlevel.checkpoint()
        return self._decide(decisions, audited)

    def _decide(self, decisions: Sequence[Decision], audited: bool) -> list[Submission]:
        decided: dict[str, Submission] = {}
        drafts = []
        for decision in decisions:
            before, after = take(decision, lambda known: decided.get(known) or self._submissions.get(known))
            decided[after.id] = after
            drafts.append(told(before, after, decision))
        self._submissions |= decided
        self._messages |= {after.message: after.id for after in decided.values() if after.message is not None}
        if audited:
            self._record(drafts)
        return [decided[decision.submission] for decision in decisions]

    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        """Keep these records, or forget those without a body."""
        await trio.lowlevel.checkpoint()
        for document in documents:
            place = (document.kind, document.room, document.id)
            if document.body is None:
                self._documents.pop(place, None)
            else:
                self._documents[place] = replace(document, body=_copied(document.body))
        self._record(audit)

    async def documents(self, kind: Kind, room: str | None = None) -> list[Document]:
        """Every record of that kind, in the order of their making."""
        await trio.lowlevel.checkpoint()
        found = (document for document in self._documents.values() if document.kind is kind)
        return [document for document in found if room is None or document.room == room]

    async def known(self, names: Sequence[SentAs]) -> dict[SentAs, Submission]:
        """Of these, what has come before."""
        await trio.lowlevel.checkpoint()
        return {name: self._submissions[self._known[name]] for name in names if name in self._known}

    async def find(self, submission_id: str) -> Submission | None:
        """The submission as it stands."""
        await trio.lowlevel.checkpoint()
        return self._submissions.get(submission_id)

    async def find_message(self, message_id: str) -> Submission | None:
        """The submission that became this message."""
        await trio.lowlevel.checkpoint()
        found = self._submissions.get(self._messages.get(message_id, ""))
        return found if found is not None and found.message == message_id else None

    async def page(self, query: Query) -> list[Submission]:
        """Up to `query.limit` submissions, oldest first."""
        await trio.lowlevel.checkpoint()
        search = search_of(query.search)
        found = (
            submission
            for submission in self._submissions.values()
            if submission.number > query.after
            and query.room in (None, submission.room)
            and (not query.states or submission.state in query.states)
            and (not query.sources or submission.source in query.sources)
            and (query.since is None or submission.at >= query.since)
            and (query.until is None or submission.at < query.until)
            and (query.person is None or query.person == submission.person != "")
            and query.merged_into in (None, submission.merged_into)
            and (search is None or search.fits(submission))
        )
        return list(islice(found, max(query.limit, 0)))

    async def unreviewed(self, after: int, limit: int) -> list[Submission]:
        """Those still received."""
        return await self.page(Query(states=frozenset({State.RECEIVED}), after=after, limit=limit))

    async def run_sheet(self, room: str) -> list[Submission]:
        """What is cued, in the order of the sheet."""
        cued = await self.page(Query(room, frozenset({State.CUED}), limit=len(self._submissions)))
        return sorted(cued, key=lambda submission: (not submission.pinned, submission.rank, submission.number))

    async def tallies(self, room: str) -> Tallies:
        """The room's counts."""
        await trio.lowlevel.checkpoint()
        there = [submission for submission in self._submissions.values() if submission.room == room]
        sources = Counter(submission.source for submission in there)
        return Tallies(
            Count(len(there), self._crowds[room, None]),
            {source: Count(messages, self._crowds[room, source]) for source, messages in sources.items()},
            Counter(submission.state for submission in there),
        )

    async def audit(self, after: int = 0, limit: int = 1000, subject: str | None = None) -> list[AuditEntry]:
        """Entries with numbers above `after`, oldest first."""
        await trio.lowlevel.checkpoint()
        found = (entry for entry in self._entries[max(after, 0) :] if subject in (None, entry.draft.subject))
        return list(islice(found, max(limit, 0)))

    async def phone_key(self) -> bytes:
        """The event's key, made when it is first asked for."""
        await trio.lowlevel.checkpoint()
        self._key = self._key or secrets.token_bytes(PHONE_KEY_BYTES)
        return self._key

    async def purge(self, room: str, audit: AuditDraft, progress: Callable[[int], None] = lambda done: None) -> Purged:
        """Destroy what tells of people."""
        await trio.lowlevel.checkpoint()
        left = {name: emptied(submission) for name, submission in self._submissions.items() if submission.room == room}
        self._submissions |= left
        self._known = {place: name for place, name in self._known.items() if place[0] != room}
        self._people = {place for place in self._people if place[0] != room}
        self._purge_documents(room)
        if not self._people:
            self._key = None
        self._record([audit])
        progress(len(left))
        return Purged(len(left), tuple(sorted({place[0] for place in self._people})))

    @property
    def available(self) -> bool:
        """Always: memory does not fail."""
        return True

    async def aclose(self) -> None:
        """Forget everything."""
        self._submissions.clear()
        await trio.lowlevel.checkpoint()

    def _purge_documents(self, room: str) -> None:
        for place, document in list(self._documents.items()):
            if document.kind is Kind.BAN:
                if document.room == room or (not self._people and goes_with_the_last_people(document)):
                    del self._documents[place]
            elif document.kind is Kind.ANSWER_LINE and document.room == room and document.body is not None:
                left = emptied_line(document.body)
                if left is None:
                    del self._documents[place]
                else:
                    self._documents[place] = replace(document, body=left)

    def _count(self, submission: Submission) -> None:
        for source in (None, submission.source):
            person = (submission.room, source, submission.person)
            if submission.person and person not in self._people:
                self._people.add(person)
                self._crowds[submission.room, source] += 1

    def _record(self, drafts: Sequence[AuditDraft]) -> None:
        for draft in drafts:
            previous = self._entries[-1].hash if self._entries else GENESIS
            kept = replace(draft, detail=dict(draft.detail))
            self._entries.append(link(len(self._entries) + 1, kept, previous))


def _copied(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same value, which whoever gave it can't change any more."""
    copied: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    return copied
