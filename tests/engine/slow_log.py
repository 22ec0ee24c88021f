"""A log whose answers take their time: what it did is done, but whoever asked hears of it later.

This is how a log on a disk or on another machine behaves, and it opens every window in which something can happen
between the reading and the hearing. It is the log in memory, with waits in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from fanout.core.message import Entry
from fanout.core.room import RoomSettings
from fanout.engine.ports import Appended, Commit, Publication, Stream
from fanout.log.memory import MemoryLog


class SlowLog(MemoryLog):
    """`wait` says how many scheduler rounds the next wait takes. Commits are heard of in their order, but late."""

    def __init__(self, wait: Callable[[], int], history: int = 10_000) -> None:
        super().__init__(history)
        self._wait = wait
        self._heard: Commit | None = None
        self._unheard: list[tuple[Entry, ...]] = []

    def start(self, on_commit: Commit) -> None:
        self._heard = on_commit
        super().start(lambda entries: self._unheard.append(tuple(entries)))

    async def append(self, publication: Publication) -> Appended:
        await self._pause()
        appended = await super().append(publication)
        with trio.CancelScope(shield=True):  # once begun, it is finished
            await self._pause()
        self._let_hear()
        return appended

    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        await self._pause()
        found = await super().read(room, after, limit)
        await self._pause()
        return found

    async def save_room(self, settings: RoomSettings) -> Stream:
        await self._pause()
        stream = await super().save_room(settings)
        await self._pause()
        return stream

    async def aclose(self) -> None:
        self._let_hear()
        await super().aclose()

    def _let_hear(self) -> None:
        unheard, self._unheard = self._unheard, []
        for entries in unheard:
            assert self._heard is not None
            self._heard(entries)

    async def _pause(self) -> None:
        for _ in range(self._wait()):
            await trio.lowlevel.checkpoint()


class Heard:
    """An observer that writes down what it hears."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(self, entries: Sequence[Entry]) -> None:
        self.entries += entries
