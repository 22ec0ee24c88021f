"""The rooms that an edge follows over its socket: each remembers how far it has heard, so that it can go on there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fanout.core.cursor import Extent
from fanout.core.message import Entry
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.errors import EngineAway
from fanout.feed.port import Follower
from fanout.wire.feed_frames import entries_of, error_of
from fanout.wire.feed_messages import Begin, Changed, Follow, Heard, Refused, Unfollow

Say = Callable[[Follow | Unfollow], None]


class RemoteRoom:
    """One room. Until `settings` are there it has not begun."""

    __slots__ = ("collected", "extent", "follower", "heard", "name", "settings")

    def __init__(self, name: str, follower: Follower) -> None:
        self.name = name
        self.follower = follower
        self.settings: RoomSettings | None = None
        self.heard: Position | None = None
        """The newest entry that the follower has."""
        self.extent: Extent | None = None
        """While it begins: how far that reaches."""
        self.collected: list[Entry] = []
        """While it begins: what has come of it."""

    def current(self) -> RoomSettings:
        """The settings at this moment."""
        assert self.settings is not None
        return self.settings

    def begin(self, said: Begin) -> None:
        """The room stands so; what it holds follows."""
        self.settings = said.settings
        self.extent = said.extent
        self.collected = []
        self._begin_if_whole()

    def hear(self, entries: Sequence[Entry]) -> None:
        """The next entries, of what it holds or of what is new."""
        if self.extent is not None:
            self.collected += entries
            self._begin_if_whole()
        elif entries and self.heard is not None:  # else they are for who followed it here before
            self.heard = entries[-1].position
            self.follower.heard(entries)

    def _begin_if_whole(self) -> None:
        extent = self.extent
        assert extent is not None
        missing = extent.head - extent.recent + 1 - len(self.collected)
        if missing > 0:
            return
        count = extent.head - extent.recent + 1
        held, new = self.collected[:count], self.collected[count:]
        self.extent, self.collected = None, []
        self.heard = Position(extent.epoch, extent.head)
        self.follower.begin(self.current, extent, held)
        self.hear(new)


class RemoteRooms:
    """All of them. `say` sends to the engine's process."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._rooms: dict[str, RemoteRoom] = {}

    def follow(self, name: str, follower: Follower, *, away: bool) -> Callable[[], None]:
        """As the port says; `away` when there is nobody to ask."""
        if away:
            follower.refused(EngineAway())
            return lambda: None
        room = self._rooms[name] = RemoteRoom(name, follower)
        self._say(Follow(name, None))

        def stop() -> None:
            if self._rooms.get(name) is room:
                del self._rooms[name]
                self._say(Unfollow(name))

        return stop

    def hear(self, said: Begin | Heard | Changed | Refused) -> None:
        """What the engine's process says of a room; of one that is not followed any longer it means nothing."""
        room = self._rooms.get(said.room)
        if room is None:
            return
        match said:
            case Begin():
                room.begin(said)
            case Heard():
                room.hear(entries_of(room.name, said.epoch, said.items))
            case Changed():
                room.settings = said.settings
            case Refused():
                del self._rooms[said.room]
                room.follower.refused(error_of(said.fault))

    def lost(self) -> None:
        """The engine's process is not there: what has not begun can't now, the others wait."""
        for room in list(self._rooms.values()):
            if room.heard is None:
                del self._rooms[room.name]
                room.follower.refused(EngineAway())
            else:
                room.extent, room.collected = None, []

    def resume(self) -> None:
        """It is there again: go on where each room was left."""
        for room in self._rooms.values():
            self._say(Follow(room.name, None if room.heard is None else str(room.heard)))
