"""The feed as a port: what an edge asks of the engine, and what it is told. It can't tell where the engine lives.

The suite `fanout.testing.check_feed` runs against every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fanout.core.admission import Admission
from fanout.core.ban import Ban
from fanout.core.cursor import Extent
from fanout.core.message import Entry, Message
from fanout.core.presence import Presence
from fanout.core.principal import Principal
from fanout.core.room import RoomSettings
from fanout.core.submission import Submission
from fanout.core.typed_lines import TypedLine
from fanout.errors import FanoutError
from fanout.wire.commands import Publish, Submit

Told = Callable[[Submission], None]
Banned = Callable[[Ban], None]
Lifted = Callable[[str], None]
Typed = Callable[[str, tuple[TypedLine, ...]], None]


class Follower(Protocol):
    """A room as somebody sees it who follows it. Called in the event loop's thread; must be quick and must not
    raise."""

    def begin(self, settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
        """The room as it stands now, before anything else is heard.

        Once more, later, when the stream does not go on where it was left: in the same epoch, what lies between was
        more than the feed keeps for those who are behind, and may still be read; in another epoch, or with a head that
        went back, this is another stream.

        Args:
            settings: The room's settings at any later moment.
            extent: How far it reaches; `recent` to `head` is what `entries` holds, oldest first.
        """
        ...

    def heard(self, entries: Sequence[Entry]) -> None:
        """What has been published since: each entry once, in order, with nothing between."""
        ...

    def refused(self, error: FanoutError) -> None:
        """The room can't be followed; nothing comes any more. RoomNotFound, or EngineAway: ask again later."""
        ...


class Feed(Protocol):
    """What the edge asks for. `EngineAway` may come of every call that waits: the engine's process is not there."""

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        """Follow a room; return what ends that. `begin` or `refused` is called, now or soon."""
        ...

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries after number `after`, oldest first, from as far back as they are kept.

        Raises:
            LogUnavailable: They can't be read now.
        """
        ...

    async def catch_up(self) -> None:
        """Return when all that has been published until now, in rooms that are followed, has been heard."""
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

    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        """What counts this edge's listeners against its limits, and against those of the whole server."""
        ...

    def presence(self, room: str) -> Presence:
        """What counts this edge's listeners of a room, and says how many there are in all."""
        ...

    def arrived(self, subject: str) -> None:
        """Somebody with this identity listens here now, who did not before: `told` is called soon with what they have
        missed."""
        ...

    def departed(self, subject: str) -> None:
        """Nobody with this identity listens here any more."""
        ...

    def missed(self, submission: Submission) -> None:
        """`told` came for an author who is not here: keep it for them."""
        ...

    def bans(self) -> Sequence[Ban]:
        """Whom `check_listening` keeps away, by all that is known now."""
        ...

    def watch(self, told: Told, banned: Banned, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        """From now on call `told` with each submission that has reached another state than its author knows, `banned`
        with each ban that is made or changed, `lifted` with the id of each that is taken back, and `typed` with a room
        that is followed here and what is being typed in it, in the event loop's thread; return what ends that."""
        ...
