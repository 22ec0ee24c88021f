"""One reader of one room: first what it missed, then what is published, as one sequence and at its own pace.

A listener is a cursor. What follows the cursor comes from the ring if it is there, else from the log in batches, so
replay turns into live without anybody noticing, and publications that happen meanwhile need no lock: they are simply
further entries that follow the cursor. Nothing is queued for a listener, so a slow one costs nobody memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from fanout.core.cursor import Overflow, Recovery, Start, skip
from fanout.core.limits import REPLAY_BATCH
from fanout.core.message import Entry, Gap, GapReason, Message
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.engine.tail import Tail
from fanout.errors import ListenerOvertaken


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

    def __init__(self, tail: Tail, start: Start, settings: Callable[[], RoomSettings]) -> None:
        self._tail = tail
        self._settings = settings
        self.recovery: Recovery = start.recovery
        self._cursor = start.cursor
        self._gap = start.gap
        self._older: deque[Entry] = deque()
        self._replaying = start.cursor < tail.position.seq
        self._busy = False
        self._left = False

    @property
    def position(self) -> Position:
        """Where this listener stands: the position to resume after if it stops now."""
        return Position(self._tail.epoch, self._cursor)

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Entry | Gap:
        """Wait for the next entry, or the gap that stands in for some.

        Raises:
            ListenerOvertaken: The listener was too slow for a lossless room; `resume_after` says where to go on.
            LogUnavailable: What is wanted is no longer in memory and the log can't be read now. May be called again.
            EngineClosed: The engine has closed, and what is missing would have had to be read from the log.
            trio.BusyResourceError: Another task is iterating over this listener.
            trio.ClosedResourceError: The `async with` that this listener belongs to is over.
        """
        if self._left:
            raise trio.ClosedResourceError("this listener has left its room")
        if self._busy:
            raise trio.BusyResourceError("another task is iterating over this listener")
        self._busy = True
        try:
            await trio.lowlevel.checkpoint()
            while True:
                if (found := self._take()) is not None:
                    return found
                if self._tail.overtaken(self._cursor):
                    self._older.extend(await self._tail.read(self._cursor, REPLAY_BATCH))
                elif self._tail.ended:
                    raise StopAsyncIteration
                else:
                    await self._tail.wait_for_news()
        finally:
            self._busy = False

    def redact(self, message_id: str) -> None:
        """Called when a message is taken back: what was read ahead must not hand it out any more."""
        for index, entry in enumerate(self._older):
            if isinstance(entry, Message) and entry.id == message_id:
                self._older[index] = entry.redacted()

    def leave(self) -> None:
        """Called at the end of `Room.listen`: from here on nobody redacts what was read ahead, so it is dropped."""
        self._left = True
        self._older.clear()

    def _take(self) -> Entry | Gap | None:
        """What comes next if it is at hand, moving the cursor over it. Never waits: so nothing can be lost halfway."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap
        if self._older:
            return self._take_older()
        if self._tail.overtaken(self._cursor):
            return None if self._replaying else self._overflow()
        entries = self._tail.held(self._cursor, 1)
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
        entry = self._older.popleft()
        if not self._older:
            self._replaying = self._tail.overtaken(first)
        return entry

    def _overflow(self) -> Gap:
        extent, settings = self._tail.extent, self._settings()
        if settings.overflow is Overflow.SKIP:
            gap = skip(settings.name, extent.epoch, self._cursor, oldest=extent.recent, head=extent.head)
            self._cursor = gap.last.seq
            return gap
        raise ListenerOvertaken(
            f"Room {settings.name!r} is {extent.head - self._cursor} entries ahead and keeps {settings.capacity} in "
            f"memory; listen again after {self.position}.",
            resume_after=str(self.position),
        )

    def _miss(self, last: int, reason: GapReason) -> Gap:
        epoch = self._tail.epoch
        gap = Gap(self._tail.room, Position(epoch, self._cursor + 1), Position(epoch, last), reason)
        self._cursor = last
        return gap
