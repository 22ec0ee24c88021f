"""The feed: all that an edge needs from the engine. Here the engine is in the same process; a worker has it behind a
socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fanout.core.ban import Ban
from fanout.core.cursor import Extent
from fanout.core.message import Author, Entry, Message
from fanout.core.principal import Action, Principal
from fanout.core.room import RoomSettings
from fanout.core.submission import Submission
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import InvalidInput
from fanout.wire.commands import Publish, Submit

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

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        """Hand up what somebody has to say; return when it is durable and the hooks have spoken. Once begun it is not
        undone by cancelling. The same `ref` and text again, from somebody with an identity, are the same submission.

        Raises:
            RoomNotFound, InvalidInput, SubmissionRefused, TooSoon, Banned, StoreUnavailable: it was not taken.
        """
        ...

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        """Do nothing if this visitor may listen here. Asked for each room that each arrival wants: it must be quick.

        Raises:
            Banned: The detail is the reason.
        """
        ...

    @property
    def admits(self) -> bool:
        """Whether `admit` has anything to say."""
        ...

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        """Whom a visitor who asks for these rooms is to be taken for. Bounded in time.

        Raises:
            Banned: `not_admitted`: not at all.
            TooSoon: Not now.
        """
        ...

    @property
    def counts_listeners(self) -> bool:
        """Whether `listeners` wants to be called."""
        ...

    def listeners(self, room: str, joined: bool, count: int) -> None:
        """Somebody has joined or left this room at this edge, where so many listen now. Must be quick."""
        ...

    def watch(self, told: Callable[[Submission], None], banned: Callable[[Ban], None]) -> Callable[[], None]:
        """From now on call `told` with each submission that has reached another state than its author knows, and
        `banned` with each new ban, in the event loop's thread; return what ends that."""
        ...


class Unmoderated:
    """What a feed says where there is no moderation: nothing is taken from visitors, and everybody may listen."""

    admits = False
    counts_listeners = False

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        raise InvalidInput("No submissions are taken here.", code="submissions_closed")

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        pass

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        return principal

    def listeners(self, room: str, joined: bool, count: int) -> None:
        pass

    def watch(self, told: Callable[[Submission], None], banned: Callable[[Ban], None]) -> Callable[[], None]:
        return lambda: None


class EngineFeed(Unmoderated):
    """The feed of an edge that lives in the engine's process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def follow(self, room: str, heard: Heard) -> Followed:
        source = self._room(room)
        extent = source.extent
        entries = source.recent
        return Followed(extent, entries, lambda: source.settings, source.observe(heard))

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        return await self._room(room).read(after, limit)

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

    def _room(self, name: str) -> Room:
        """The room that a listener asks for."""
        return self._engine.room(name)
