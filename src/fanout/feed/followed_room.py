"""A room that an edge follows, as the engine's process sees it: a cursor, as every listener is one.

What the edge has not had is read from the room's ring when its socket takes it. So an edge that is slow costs nothing
but its place, and nobody waits for it; one that falls out of the ring is told how the room stands then.
"""

from __future__ import annotations

from typing import Final

from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.engine.room import Room
from fanout.wire.feed_frames import framed, items_of
from fanout.wire.feed_messages import Begin, Changed, Heard

ENTRIES_AT_ONCE: Final = 512
"""Entries in one message to an edge at most."""


class Frames:
    """Messages for edges, kept while the next edge may want the same: each is written once, whoever it goes to."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int, bytes, int]] = {}

    def after(self, room: Room, cursor: int) -> tuple[bytes, int]:
        """What follows the cursor, and the cursor after it."""
        head = room.position.seq
        last = self._last.get(room.name)
        if last is not None and last[:2] == (cursor, head):  # a retraction moves the head, so what is kept is current
            return last[2], last[3]
        entries = room.tail.held(cursor, ENTRIES_AT_ONCE)
        frame = framed(Heard(room.name, room.position.epoch, items_of(entries)))
        through = entries[-1].position.seq
        self._last[room.name] = (cursor, head, frame, through)
        return frame, through


class FollowedRoom:
    """One edge's place in one room.

    Args:
        after: What it has had, if it comes back.
    """

    __slots__ = ("_cursor", "_frames", "_room", "_settings", "overtaken")

    def __init__(self, room: Room, frames: Frames, after: Position | None) -> None:
        self._room = room
        self._frames = frames
        self._settings: RoomSettings | None = None
        self._cursor: int | None = None
        """None: the edge has to be told how the room stands."""
        self.overtaken = 0
        """How often it has fallen out of the ring."""
        here = room.position
        if after is not None and after.epoch == here.epoch and after.seq <= here.seq:
            self._cursor = after.seq

    @property
    def behind(self) -> int:
        """Entries that it has not had."""
        return 0 if self._cursor is None else self._room.position.seq - self._cursor

    @property
    def has_news(self) -> bool:
        """Whether `next` has something to say."""
        return self._cursor != self._room.position.seq or self._settings is not self._room.settings

    def next(self) -> bytes:
        """The next message to the edge. Only when it `has_news`."""
        room = self._room
        if self._cursor is not None and room.tail.overtaken(self._cursor):
            self.overtaken += 1
            self._cursor = None
        if self._cursor is None:
            extent = room.extent
            self._cursor = extent.recent - 1
            self._settings = room.settings
            return framed(Begin(room.name, room.settings, extent))
        if self._settings is not room.settings:
            self._settings = room.settings
            return framed(Changed(room.name, room.settings))
        frame, self._cursor = self._frames.after(room, self._cursor)
        return frame
