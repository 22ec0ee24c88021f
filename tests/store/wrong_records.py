"""Stores that are wrong about records, keys, purges and restarts in one way each, for the suite to find."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import trio

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.submission import Submission
from fanout.moderation.ports import Document, Kind, Purged
from tests.store.wrong_stores import Right


class PutsWhatIsChangedLast(Right):
    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        for one in documents:
            self._documents.pop((one.kind, one.room, one.id), None)
        await super().put(documents, audit)


class KeepsOneRecordForAllKinds(Right):
    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        for one in documents:
            for kind in Kind:
                self._documents.pop((kind, one.room, one.id), None)
        await super().put(documents, audit)


class KeepsWhatIsGone(Right):
    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        await super().put([replace(one, body=one.body or {}) for one in documents], audit)


class KeepsWhatItWasGiven(Right):
    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        await super().put(documents, audit)
        for one in documents:
            if one.body is not None and (one.kind, one.room, one.id) in self._documents:
                self._documents[one.kind, one.room, one.id] = one


class ForgetsWhatTheAuditSaysOfRecords(Right):
    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        await super().put(documents)


class FindsTheFirstSubjectOnly(Right):
    async def audit(self, after: int = 0, limit: int = 1000, subject: str | None = None) -> list[AuditEntry]:
        return await super().audit(after, limit if subject is None else min(limit, 1), subject)


class BreaksTheChain(Right):
    def _record(self, drafts: Sequence[AuditDraft]) -> None:
        for draft in drafts:
            super()._record([draft])
            self._entries[-1] = replace(self._entries[-1], previous="0" * 64)


class MakesAKeyForEachWhoAsks(Right):
    async def phone_key(self) -> bytes:
        known = self._key
        await trio.lowlevel.checkpoint()
        self._key = known or secrets.token_bytes(32)
        return self._key


class HasOneKeyForAllEvents(Right):
    async def phone_key(self) -> bytes:
        await super().phone_key()
        return b"k" * 32


class PurgesInName(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = dict(self._submissions)
        purged = await super().purge(room, audit, *more)
        self._submissions = kept
        return purged


class LeavesWhatWasTakenOffTheAir(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = dict(self._submissions)
        purged = await super().purge(room, audit, *more)
        for name, one in kept.items():
            if one.message is not None:
                self.change(name, text=one.text)
        return purged


class PurgesWhatIsOnAir(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        purged = await super().purge(room, audit, *more)
        for one in list(self._submissions.values()):
            if one.room == room:
                self.change(one.id, text="")
        return purged


class LeavesTheBans(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = dict(self._documents)
        purged = await super().purge(room, audit, *more)
        self._documents = kept
        return purged


class KeepsBansForEveryRoom(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = {place: one for place, one in self._documents.items() if one.room == "*"}
        purged = await super().purge(room, audit, *more)
        self._documents |= kept
        return purged


class PurgesInSilence(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        return await super().purge(room, audit)


class PurgesAllRooms(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        for other in {one.room for one in self._submissions.values()} - {room}:
            await super().purge(other, audit, *more)
        return await super().purge(room, audit, *more)


class ForgetsWhoWasCounted(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        purged = await super().purge(room, audit, *more)
        self._crowds.clear()
        return purged


class SaysNothingOfAPurge(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        purged = await super().purge(room, audit, *more)
        self._entries.pop()
        return purged


class KeepsTheTelephoneKey(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = self._key
        purged = await super().purge(room, audit, *more)
        self._key = kept
        return purged


class DestroysTheKeyThatAnotherRoomNeeds(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        self._key = None
        return await super().purge(room, audit, *more)


class KeepsBansOfTelephonesThatNobodyKnowsAnyMore(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = {place: one for place, one in self._documents.items() if place[1:] == ("c", "phone")}
        purged = await super().purge(room, audit, *more)
        self._documents |= kept
        return purged


class PurgesBansOfOtherRooms(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        purged = await super().purge(room, audit, *more)
        if not self._people:
            self._documents = {place: one for place, one in self._documents.items() if one.kind is not Kind.BAN}
        return purged


class KnowsRepeatsAfterAPurge(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        kept = dict(self._known)
        purged = await super().purge(room, audit, *more)
        self._known |= kept
        return purged


# --- restarts --------------------------------------------------------------------------------------------------------


class ForgetsRepeatsWhenClosed(Right):
    async def aclose(self) -> None:
        self._known.clear()
        await super().aclose()


class ForgetsWhatCanBeUndoneWhenClosed(Right):
    async def aclose(self) -> None:
        for name in self._submissions:
            self.change(name, before=None)
        await super().aclose()


class ForgetsKeysWhenClosed(Right):
    async def aclose(self) -> None:
        self._key = None
        await super().aclose()


class BringsBackWhatWasPurged(Right):
    purged: dict[str, Submission] | None = None

    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> Purged:
        self.purged = dict(self._submissions)
        return await super().purge(room, audit, *more)

    async def aclose(self) -> None:
        self._submissions |= self.purged or {}
        await super().aclose()


class LosesTheLastOne(Right):
    async def aclose(self) -> None:
        if self._submissions:
            last = self._submissions.popitem()[1]
            self._known.pop((last.room, last.source, last.source_id), None)
        await super().aclose()
