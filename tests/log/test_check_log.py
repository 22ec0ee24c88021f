"""The suite itself: each of these logs is wrong in one way, and is caught for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import trio

from fanout.core.message import Author, Draft, Entry, Message
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.engine.ports import Appended, Commit, Log, Publication, Stream
from fanout.errors import FanoutError, RoomNotFound
from fanout.log.memory import MemoryLog
from fanout.testing.check_log import DURABLE_LOG_CHECKS, LOG_CHECKS
from fanout.testing.log_under_test import LogContractBroken, MakeLog


class Right(MemoryLog):
    """A log that keeps its memory when it is closed, as a durable one would; the wrong ones are made from it."""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class WritesEpochsInCapitals(Right):
    async def save_room(self, settings: RoomSettings) -> Stream:
        stream = await super().save_room(settings)
        self._streams[settings.name].epoch = stream.epoch.upper() + "É"
        return await super().save_room(settings)


class LeavesAHole(Right):
    async def append(self, publication: Publication) -> Appended:
        try:
            return await super().append(publication)
        except RoomNotFound:
            for draft in publication.drafts:
                if draft.room in self._streams:
                    self._streams[draft.room].head += 1
            raise


class AppendsAPart(Right):
    async def append(self, publication: Publication) -> Appended:
        known = tuple(draft for draft in publication.drafts if draft.room in self._streams)
        appended = await super().append(replace(publication, drafts=known))
        if len(known) < len(publication.drafts):
            raise RoomNotFound("one of them")
        return appended


class TurnsAroundABatch(Right):
    async def append(self, publication: Publication) -> Appended:
        return await super().append(replace(publication, drafts=publication.drafts[::-1]))


class NumbersAllRoomsTogether(Right):
    def _keep(self, draft: Draft) -> object:  # type: ignore[override]
        place = super()._keep(draft)
        for stream in self._streams.values():
            stream.head = max(other.head for other in self._streams.values())
        return place


class ForgetsKeys(Right):
    async def append(self, publication: Publication) -> Appended:
        return await super().append(replace(publication, key=None))


class ForgetsKeysWhenClosed(Right):
    async def aclose(self) -> None:
        for stream in self._streams.values():
            stream.keys.clear()
        await super().aclose()


class IgnoresFingerprints(Right):
    async def append(self, publication: Publication) -> Appended:
        return await super().append(replace(publication, fingerprint=b""))


class OneKeyForAllRooms(Right):
    async def append(self, publication: Publication) -> Appended:
        for stream in self._streams.values():
            stream.keys = next(iter(self._streams.values())).keys
        return await super().append(publication)


class UsesUpAKeyInVain(Right):
    async def append(self, publication: Publication) -> Appended:
        try:
            return await super().append(publication)
        except RoomNotFound:
            if publication.key is not None:
                self._streams[publication.drafts[0].room].keys[publication.key] = (publication.fingerprint, ())
            raise


class SaysNewWhenRepeated(Right):
    async def append(self, publication: Publication) -> Appended:
        return replace(await super().append(publication), repeated=False)


class TellsAgainWhenRepeated(Right):
    async def append(self, publication: Publication) -> Appended:
        appended = await super().append(publication)
        if appended.repeated and self._on_commit is not None:
            self._on_commit(appended.entries)
        return appended


class TellsTooLate(Right):
    _told: Commit

    def start(self, on_commit: Commit) -> None:
        self._told = on_commit
        super().start(lambda entries: trio.lowlevel.current_trio_token().run_sync_soon(self._told, entries))


class TellsInDisorder(Right):
    def start(self, on_commit: Commit) -> None:
        super().start(lambda entries: on_commit(entries[::-1]))


class TellsFromAThread(Right):
    def start(self, on_commit: Commit) -> None:
        def tell(entries: Sequence[Entry]) -> None:
            caught: list[BaseException] = []

            def call() -> None:
                try:
                    on_commit(entries)
                except BaseException as error:
                    caught.append(error)

            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
            if caught:
                raise caught[0]

        super().start(tell)


class RetractsInName(Right):
    @staticmethod
    def _redact(stream: object, retraction: object) -> None:
        stream.retractions[retraction.target] = retraction  # type: ignore[attr-defined]


class RetractsTheTextOnly(Right):
    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        return [
            replace(entry, author=Author("Zoë Ångström", entry.author.role))
            if isinstance(entry, Message) and entry.retracted
            else entry
            for entry in await super().read(room, after, limit)
        ]


class RemembersUnderTheKey(Right):
    def __init__(self) -> None:
        super().__init__()
        self._first: dict[str, Appended] = {}

    async def append(self, publication: Publication) -> Appended:
        appended = await super().append(publication)
        if publication.key is None:
            return appended
        place = publication.key + publication.drafts[0].room
        first = self._first.setdefault(place, replace(appended, repeated=True))
        return first if appended.repeated else appended


class ReadsTheOneAskedAfter(Right):
    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        return await super().read(room, after - 1, limit)


class IgnoresTheLimit(Right):
    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        return await super().read(room, after, 10_000)


class FindsInOtherRooms(Right):
    async def find(self, room: str, message_id: str) -> Message | None:
        for name in self._streams:
            if found := await super().find(name, message_id):
                return found
        return None


class CancelsHalfway(Right):
    async def append(self, publication: Publication) -> Appended:
        for draft in publication.drafts[:-1]:
            await super().append(Publication((draft,)))
        return await super().append(replace(publication, drafts=publication.drafts[-1:]))


class LosesWhatIsCancelled(Right):
    """The key is kept, what was said is not."""

    async def append(self, publication: Publication) -> Appended:
        try:
            return await super().append(publication)
        except trio.Cancelled:
            if publication.key is not None:
                self._streams[publication.drafts[0].room].keys[publication.key] = (publication.fingerprint, ())
            raise


class ChangesTheEpochWithTheSettings(Right):
    async def save_room(self, settings: RoomSettings) -> Stream:
        if settings.name in self._streams:
            self._streams[settings.name].epoch = "other"
        return await super().save_room(settings)


class HasAlwaysTheSameEpoch(Right):
    async def save_room(self, settings: RoomSettings) -> Stream:
        await super().save_room(settings)
        self._streams[settings.name].epoch = "same"
        return await super().save_room(settings)


class HasANewEpochEachTime(Right):
    async def aclose(self) -> None:
        for stream in self._streams.values():
            stream.epoch += "x"
        await super().aclose()


class LosesTheLastOne(Right):
    async def aclose(self) -> None:
        for stream in self._streams.values():
            if stream.places:
                stream.places.pop()
                stream.head -= 1
        await super().aclose()


class CutsLongTexts(Right):
    def _keep(self, draft: Draft) -> object:  # type: ignore[override]
        return super()._keep(replace(draft, text=draft.text[:1000]))


class GivesTheSameNumberTwice(Right):
    async def append(self, publication: Publication) -> Appended:
        head = {
            draft.room: self._streams[draft.room].head for draft in publication.drafts if draft.room in self._streams
        }
        appended = await super().append(publication)
        renumbered = [
            replace(entry, position=Position(entry.position.epoch, head[entry.room] + 1)) for entry in appended.entries
        ]
        return appended if appended.repeated else replace(appended, entries=tuple(renumbered))


WRONG = Right.__subclasses__()


def _kept_in_memory(kind: type[Right]) -> MakeLog:
    def make() -> object:
        log = kind()

        async def open_log() -> Log:
            return log

        return open_log

    return make  # type: ignore[return-value]


async def _breaks(kind: type[Right]) -> list[str]:
    found = []
    for check in LOG_CHECKS + DURABLE_LOG_CHECKS:
        try:
            with trio.fail_after(10):
                await check(_kept_in_memory(kind))
        except* (LogContractBroken, FanoutError):
            found.append(check.__name__)
    return found


async def test_a_right_log_passes() -> None:
    """Nothing is found where nothing is wrong."""
    assert await _breaks(Right) == []


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_a_wrong_log_is_caught(kind: type[Right]) -> None:
    """At least one check names it."""
    assert await _breaks(kind) != []


async def test_no_check_is_idle() -> None:
    """Each check catches at least one of them; one that catches none would hold nothing."""
    caught = {name for kind in WRONG for name in await _breaks(kind)}
    assert {check.__name__ for check in LOG_CHECKS + DURABLE_LOG_CHECKS} - caught == set()
