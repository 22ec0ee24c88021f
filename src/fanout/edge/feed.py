"""The feed: all that an edge needs from the engine. Here the engine is in the same process; a worker has it behind a
socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fanout.core.cursor import Extent
from fanout.core.message import Author, Entry, Message
from fanout.core.principal import Action, Principal
from fanout.core.room import RoomSettings
from fanout.engine.engine import Engine
from fanout.wire.commands import Publish

Heard = Callable[[Sequence[Entry]], None]


@dataclass(frozen=True, slots=True)
class Followed:
    """A room as it stands when an edge begins to follow it.

    Args:
        extent: How far it reaches; `recent` to `head` is what `entries` holds.
        entries: The recent entries, oldest first.
        settings: The room's settings at any later moment.
        stop: Ends the following.
    """

    extent: Extent
    entries: Sequence[Entry]
    settings: Callable[[], RoomSettings]
    stop: Callable[[], None]


class Feed(Protocol):
    """What the edge asks for.

    Order and loss: after `follow` returns, `heard` gets every later entry of the room, each once, in order, in the
    event loop's thread; there is nothing between the entries returned and the first one heard.
    """

    def follow(self, room: str, heard: Heard) -> Followed:
        """Begin to follow a room.

        Raises:
            RoomNotFound: There is none of that name.
        """
        ...

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries after number `after`, oldest first, from as far back as they are kept.

        Raises:
            LogUnavailable: They can't be read now.
        """
        ...

    async def publish(self, principal: Principal, command: Publish) -> Message:
        """Publish for somebody; return when it is durable. Once begun it is not undone by cancelling.

        Raises:
            NotAllowed, RoomNotFound, InvalidInput, LogUnavailable: as the engine says.
        """
        ...


class EngineFeed:
    """The feed of an edge that lives in the engine's process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def follow(self, room: str, heard: Heard) -> Followed:
        source = self._engine.room(room)
        extent = source.extent
        entries = source.recent
        return Followed(extent, entries, lambda: source.settings, source.observe(heard))

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        return await self._engine.room(room).read(after, limit)

    async def publish(self, principal: Principal, command: Publish) -> Message:
        room = self._engine.room(command.room)
        principal.check(Action.PUBLISH, room.name)
        return await room.publish(
            command.text,
            author=Author(principal.name, principal.role),
            kind=command.kind or "message",
            re=command.re,
            data=command.data,
        )
