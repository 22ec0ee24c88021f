"""Stores that are wrong about records, keys, purges and restarts in one way each, for the suite to find."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import trio

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.submission import Submission
from fanout.moderation.ports import Document, Kind
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
    async def phone_key(self, room: str) -> bytes:
        known = self._keys.get(room)
        await trio.lowlevel.checkpoint()
        self._keys[room] = known or secrets.token_bytes(32)
        return self._keys[room]


class HasOneKeyForAllRooms(Right):
    async def phone_key(self, room: str) -> bytes:
        return await super().phone_key("")


class PurgesInName(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = dict(self._submissions)
        count = await super().purge(room, audit, *more)
        self._submissions = kept
        return count


class LeavesWhatWasTakenOffTheAir(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = dict(self._submissions)
        count = await super().purge(room, audit, *more)
        for name, one in kept.items():
            if one.message is not None:
                self.change(name, text=one.text)
        return count


class PurgesWhatIsOnAir(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        count = await super().purge(room, audit, *more)
        for one in list(self._submissions.values()):
            if one.room == room:
                self.change(one.id, text="")
        return count


class LeavesTheBans(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = dict(self._documents)
        count = await super().purge(room, audit, *more)
        self._documents = kept
        return count


class KeepsBansForEveryRoom(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = {place: one for place, one in self._documents.items() if one.room == "*"}
        count = await super().purge(room, audit, *more)
        self._documents |= kept
        return count


class PurgesInSilence(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        return await super().purge(room, audit)


class PurgesAllRooms(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        for other in {one.room for one in self._submissions.values()} - {room}:
            await super().purge(other, audit, *more)
        return await super().purge(room, audit, *more)


class ForgetsWhoWasCounted(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        count = await super().purge(room, audit, *more)
        self._crowds.clear()
        return count


class SaysNothingOfAPurge(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        count = await super().purge(room, audit, *more)
        self._entries.pop()
        return count


class KeepsTheTelephoneKey(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = dict(self._keys)
        count = await super().purge(room, audit, *more)
        self._keys |= kept
        return count


class KnowsRepeatsAfterAPurge(Right):
    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
        kept = dict(self._known)
        count = await super().purge(room, audit, *more)
        self._known |= kept
        return count


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
        self._keys.clear()
        await super().aclose()


class BringsBackWhatWasPurged(Right):
    purged: dict[str, Submission] | None = None

    async def purge(self, room: str, audit: AuditDraft, *more: Any) -> int:
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
