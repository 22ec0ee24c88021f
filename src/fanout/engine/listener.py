"""One reader of one room: first what it missed, then what is published, as one sequence and at its own pace.

A listener is a cursor. What follows the cursor comes from the ring if it is there, else from the log in batches, so
replay turns into live without anybody noticing, and publications that happen meanwhile need no lock: they are simply
further entries that follow the cursor. Nothing is queued for a listener, so a slow one costs nobody memory.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import trio

from fanout.core.cursor import Overflow, Recovery, Start, skip
from fanout.core.limits import REPLAY_BATCH
from fanout.core.message import Entry, Gap, GapReason, Message
from fanout.core.position import Position
from fanout.errors import ListenerOvertaken

if TYPE_CHECKING:
    from fanout.engine.room import Room


class Listener:
    """Made by `Room.listen`. Iterate over it in one task at a time.

    Promise: every position of the room after the start, in order and once, either as its entry or inside a gap that
    comes in its place. A message that was retracted before it was handed out comes redacted.
    Slowness: what was there before the listener came is read from the log however long that takes. After it has caught
    up, a listener that falls out of the ring is treated by the room's overflow policy: `close` raises
    `ListenerOvertaken`, `skip` yields a gap.
    End: the iteration ends when the engine has closed and everything was handed out.
    Cancellation: safe. The cursor moves only when an entry is handed out.
    """

    def __init__(self, room: Room, start: Start) -> None:
        self.room = room
        self.recovery: Recovery = start.recovery
        self._cursor = start.cursor
        self._gap = start.gap
        self._older: deque[Entry] = deque()
        self._replaying = start.cursor < room.position.seq
        self._busy = False

    @property
    def position(self) -> Position:
        """Where this listener stands: the position to resume after if it stops now."""
        return Position(self.room.epoch, self._cursor)

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Entry | Gap:
        """Wait for the next entry, or the gap that stands in for some.

        Raises:
            ListenerOvertaken: The listener was too slow for a lossless room; `resume_after` says where to go on.
            LogUnavailable: What is wanted is no longer in memory and the log can't be read now. May be called again.
            EngineClosed: The engine has closed, and what is missing would have had to be read from the log.
            trio.BusyResourceError: Another task is iterating over this listener.
        """
        if self._busy:
            raise trio.BusyResourceError("another task is iterating over this listener")
        self._busy = True
        try:
            await trio.lowlevel.checkpoint()
            while True:
                if (found := self._take()) is not None:
                    return found
                if self.room.overtaken(self._cursor):
                    self._older.extend(await self.room.read(self._cursor, REPLAY_BATCH))
                elif self.room.closed:
                    raise StopAsyncIteration
                else:
                    await self.room.wait_for_news()
        finally:
            self._busy = False

    def redact(self, message_id: str) -> None:
        """Called by the room when a message is taken back: what was read ahead must not hand it out any more."""
        for index, entry in enumerate(self._older):
            if isinstance(entry, Message) and entry.id == message_id:
                self._older[index] = entry.redacted()

    def _take(self) -> Entry | Gap | None:
        """What comes next if it is at hand, moving the cursor over it. Never waits: so nothing can be lost halfway."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap
        if self._older:
            return self._take_older()
        if self.room.overtaken(self._cursor):
            return None if self._replaying else self._overflow()
        entries = self.room.held(self._cursor, 1)
        if not entries:
            return None
        self._replaying = False
        self._cursor += 1
        return entries[0]

    def _take_older(self) -> Entry | Gap:
        first = self._older[0].position.seq
        if first > self._cursor + 1:  # the log has forgotten some since this listener began
            return self._miss(first - 1, GapReason.EXPIRED)
        self._cursor = first
        return self._older.popleft()

    def _overflow(self) -> Gap:
        room, extent = self.room, self.room.extent
        if room.settings.overflow is Overflow.SKIP:
            gap = skip(room.name, extent.epoch, self._cursor, oldest=extent.recent, head=extent.head)
            self._cursor = gap.last.seq
            return gap
        raise ListenerOvertaken(
            f"Room {room.name!r} is {extent.head - self._cursor} messages ahead and keeps {room.settings.capacity} in "
            f"memory; listen again after {self.position}.",
            resume_after=str(self.position),
        )

    def _miss(self, last: int, reason: GapReason) -> Gap:
        epoch = self.room.epoch
        gap = Gap(self.room.name, Position(epoch, self._cursor + 1), Position(epoch, last), reason)
        self._cursor = last
        return gap
