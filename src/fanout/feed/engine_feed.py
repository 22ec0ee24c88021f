"""The feed of an edge that lives in the engine's process, and what a feed says where there is no moderation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fanout.core.admission import Admission
from fanout.core.ban import Ban
from fanout.core.message import Author, Entry, Message
from fanout.core.presence import Presence
from fanout.core.principal import Principal, to_publish
from fanout.core.say import Say
from fanout.core.submission import Submission
from fanout.engine.correcting import check_corrections
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import InvalidInput, RoomNotFound
from fanout.feed.port import Banned, Follower, Lifted, Told, Typed
from fanout.wire.commands import Publish, Submit


class Unmoderated:
    """What a feed says where there is no moderation: nothing is taken from visitors, and everybody may listen."""

    admits = False

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        raise InvalidInput("No submissions are taken here.", code="submissions_closed")

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        pass

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        return principal

    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        return Admission(max_connections, max_per_address, full_retry_seconds)

    def presence(self, room: str) -> Presence:
        return Presence()

    def arrived(self, subject: str) -> None:
        pass

    def departed(self, subject: str) -> None:
        pass

    def missed(self, submission: Submission) -> None:
        pass

    def bans(self) -> Sequence[Ban]:
        return ()

    def watch(self, told: Told, banned: Banned, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return lambda: None


class EngineFeed(Unmoderated):
    """The feed of an edge that lives in the engine's process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        try:
            source = self.room(room)
        except RoomNotFound as error:
            follower.refused(error)
            return lambda: None
        follower.begin(lambda: source.settings, source.extent, source.recent)
        return source.observe(follower.heard)

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        return await self.room(room).read(after, limit)

    async def catch_up(self) -> None:
        """Nothing is ever under way in one process."""

    async def publish(self, principal: Principal, command: Publish) -> Message:
        room = self._engine.room(command.room)
        principal.check(to_publish(command.kind), room.name)
        author, kind = Author(principal.name, principal.role), command.kind or "message"
        await check_corrections(room, [Say(command.text, author, kind, command.re, command.data)])
        return await room.publish(command.text, author=author, kind=kind, re=command.re, data=command.data)

    def room(self, name: str) -> Room:
        """The room that a listener asks for.

        Raises:
            RoomNotFound: There is none of that name.
        """
        return self._engine.room(name)
