"""One room: publishing into it, taking back, reading and listening.

The ring is fed by the log's commits alone, never by the task that publishes. So the order in memory is the order of
the log, nothing is seen before it is durable, and a publisher that is cancelled halfway leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from secrets import choice
from string import ascii_lowercase, digits
from time import time_ns
from typing import TYPE_CHECKING, Any

import trio

from fanout.core.cursor import Extent, Start, start
from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.message import Author, Draft, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.ring import Ring
from fanout.core.room import RoomSettings
from fanout.core.say import NOBODY, Say, checked, fingerprint, idempotency_key, is_message_id
from fanout.engine.listener import Listener
from fanout.engine.ports import Publication, Stream
from fanout.errors import EpochChanged, InvalidInput, MessageNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fanout.engine.engine import Engine

Observer = Callable[[Sequence[Entry]], None]


class Room:
    """Made by `Engine.open_room`; one object for each room, as long as the engine runs."""

    def __init__(self, engine: Engine, stream: Stream, recent: Sequence[Entry]) -> None:
        self._engine = engine
        self.settings: RoomSettings = stream.settings
        self.epoch: str = stream.epoch
        self.entered = 0
        """Entries that have entered this room since the engine was opened."""
        self._oldest = stream.oldest
        self._ring: Ring[Entry] = Ring(stream.settings.capacity, stream.head - len(recent))
        for entry in recent:
            self._ring.append(entry)
        self._observers: list[Observer] = []
        self._listeners: set[Listener] = set()
        self._readings: list[set[str]] = []
        self._waiting = trio.lowlevel.ParkingLot()

    # --- where the room stands ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def position(self) -> Position:
        """The newest entry's position; `EPOCH:0` in a room where nothing was ever published."""
        return Position(self.epoch, self._ring.head)

    @property
    def extent(self) -> Extent:
        """How far the room reaches. `oldest` is what is known of the log: it learns by reading that entries have
        expired."""
        return Extent(self.epoch, self._ring.head, self._ring.oldest, min(self._oldest, self._ring.oldest))

    @property
    def recent(self) -> list[Entry]:
        """The entries in memory, oldest first: `extent.recent` to `extent.head`."""
        return list(self._ring)

    @property
    def closed(self) -> bool:
        """Whether the engine has closed, so that nothing more will come."""
        return self._engine.closed

    @property
    def listeners(self) -> int:
        """How many library listeners there are (those of the edge count themselves)."""
        return len(self._listeners)

    # --- publishing --------------------------------------------------------------------------------------------------

    async def publish(
        self,
        text: str,
        *,
        author: Author = NOBODY,
        kind: str = "message",
        re: str | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
        at: int | None = None,
    ) -> Message:
        """Publish one message here and in every room that follows this one; return it once it is durable.

        Args:
            key: With a key, publishing again with the same key and content returns the first message and adds nothing,
                also after a restart.
            at: When it was said, in milliseconds since 1970, UTC; now when left out.
        Raises:
            InvalidInput: It may not be published; `fanout.core.say.checked` lists the codes.
            KeyReused: The key was used here with other content.
            LogUnavailable: Nothing was published; worth another try with the same key.
            EngineClosed: The engine is shutting down.
        Cancellation: once the log has begun, it finishes: the message may be published all the same. Use a key to find
            out.
        """
        [message] = await self.publish_all([Say(text, author, kind, re, data, at)], key=key)
        return message

    async def publish_all(self, says: Sequence[Say], *, key: str | None = None) -> list[Message]:
        """Publish several messages, all or none, with consecutive positions. Otherwise like `publish`."""
        self._engine.check_open()
        passed = checked(says)
        publication = Publication(
            drafts=self._drafts(passed),
            key=None if key is None else idempotency_key(key),
            fingerprint=b"" if key is None else fingerprint(passed),
        )
        appended = await self._engine.append(publication)
        return [entry for entry in appended.entries if isinstance(entry, Message) and entry.room == self.name]

    def _drafts(self, says: Sequence[Say]) -> tuple[Draft, ...]:
        now = time_ns() // 1_000_000
        ids = [_new_id() for _ in says]
        return tuple(
            Draft(room, now if say.at is None else say.at, id, say.kind, say.author, say.text, say.re, say.data)
            for room in self._engine.reached_from(self.name)
            for id, say in zip(ids, says, strict=True)
        )

    async def retract(self, message_id: str) -> Retraction:
        """Take a message back, here and in the rooms that follow this one and have it; return once that is durable.

        The text, data and author's name are gone from memory and from the log when this returns. Taking back again
        returns the same retraction. A room that followed when the message came and does not follow now keeps its copy:
        take it back there.

        Raises:
            MessageNotFound: No message of that id in this room.
            LogUnavailable, EngineClosed: As `publish`.
        Cancellation: as `publish`; trying again is always safe.
        """
        self._engine.check_open()
        log = self._engine.log
        if not await self._has(message_id):
            raise MessageNotFound(f"There is no message of that id in the room {self.name!r}.")
        if (before := await log.find_retraction(self.name, message_id)) is not None:
            return before
        reached = [self._engine.rooms[name] for name in self._engine.reached_from(self.name)]
        rooms = [room.name for room in reached if room is self or await room._has(message_id)]
        now = time_ns() // 1_000_000
        drafts = tuple(Draft(room, now, target=message_id) for room in rooms)
        # A line end can't stand in anybody else's key. With the key, two who take back at once make one retraction.
        appended = await self._engine.append(Publication(drafts, key=f"retract\n{message_id}"))
        return next(e for e in appended.entries if isinstance(e, Retraction) and e.room == self.name)

    async def _has(self, message_id: str) -> bool:
        if not is_message_id(message_id):
            return False
        if any(isinstance(entry, Message) and entry.id == message_id for entry in self._ring):
            return True
        return isinstance(await self._engine.log.find(self.name, message_id), Message)

    # --- reading -----------------------------------------------------------------------------------------------------

    async def history(self, after: Position | str | None = None, limit: int = MAX_HISTORY_PAGE) -> list[Entry]:
        """Up to `limit` entries after a position, or from the oldest kept; oldest first, retracted messages redacted.

        Entries that have expired are left out; the positions show it.

        Raises:
            EpochChanged: The position is of another stream, or beyond this one.
            InvalidInput: `bad_position`, `bad_limit`.
            LogUnavailable: The log can't be read now.
        Cancellation: safe.
        """
        if limit < 1:
            raise InvalidInput(f"limit is 1 to {MAX_HISTORY_PAGE} messages.", code="bad_limit")
        if after is None:
            return await self.read(self.extent.oldest - 1, min(limit, MAX_HISTORY_PAGE))
        after = _position(after)
        if after.epoch != self.epoch or after.seq > self._ring.head:
            raise EpochChanged(f"{after} is not of this room's stream, which stands at {self.position}.")
        return await self.read(after.seq, min(limit, MAX_HISTORY_PAGE))

    @asynccontextmanager
    async def listen(self, *, after: Position | str | None = None, last: int | None = None) -> AsyncIterator[Listener]:
        """Listen to the room: everything after a position, or the last few and then what comes, or only what comes.

        Args:
            after: Resume after this position. One of another stream gets a gap, then what the ring has.
            last: Begin with so many of the newest messages (at most `fanout.core.limits.MAX_LAST`).
        Raises:
            InvalidInput: `bad_position`, `bad_last`.
            LogUnavailable: The position is older than the ring and the log can't be read now.
            EngineClosed: The engine is shutting down.
        """
        self._engine.check_open()
        listener = Listener(self, await self.start(after=after, last=last))
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def start(self, *, after: Position | str | None = None, last: int | None = None) -> Start:
        """Where a listener begins who asks for this; the arguments and errors are those of `listen`.

        Looks into the log when that is before the ring, to learn whether it still has what is asked for.
        """
        if last is not None and last < 0:
            raise InvalidInput("last is how many messages to begin with: 0 or more.", code="bad_last")
        wanted = None if after is None else _position(after)
        begin = start(self.name, self.extent, after=wanted, last=last)
        if self.overtaken(begin.cursor):
            await self.read(begin.cursor, 1)
            begin = start(self.name, self.extent, after=wanted, last=last)
        return begin

    def overtaken(self, cursor: int) -> bool:
        """Whether what follows the cursor is no longer all in memory, so that it has to be `read`."""
        return self._ring.overtaken(cursor)

    def held(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after the cursor, from memory. Only when not `overtaken`."""
        return self._ring.after(cursor, limit)

    async def read(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after the cursor, from memory or from the log; empty when there is none yet.

        A number missing before the first one has expired. Nothing newer than `position` is in it, and nothing that was
        retracted by the time it returns.

        Raises:
            LogUnavailable: The log can't be read now.
            EngineClosed: It is not in memory and the engine has closed.
        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint()
        if not self._ring.overtaken(cursor):
            return self._ring.after(cursor, limit)
        self._engine.check_readable()
        with self._noting_retractions() as taken_back:
            found = await self._engine.log.read(self.name, cursor, limit)
        # The log may be a commit ahead of the ring. A listener must not be: it would hold a position from the future.
        entries = [entry for entry in found if entry.position.seq <= self._ring.head]
        if entries and entries[0].position.seq > cursor + 1:
            self._oldest = max(self._oldest, entries[0].position.seq)
        return [
            entry.redacted() if isinstance(entry, Message) and entry.id in taken_back else entry for entry in entries
        ]

    @contextmanager
    def _noting_retractions(self) -> Iterator[set[str]]:
        """Collects what is taken back while the log is being read: its answer may be from before."""
        taken_back: set[str] = set()
        self._readings.append(taken_back)
        try:
            yield taken_back
        finally:
            self._readings = [reading for reading in self._readings if reading is not taken_back]

    # --- following the log -------------------------------------------------------------------------------------------

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called with every entry that enters from now on, in order; return what ends that.

        It is called in the event loop, when the ring already has the entries (and no longer has the text that they take
        back). It must be quick and must not raise: it holds up the commit that it hears of.
        """
        self._observers.append(observer)

        def end() -> None:
            self._observers = [kept for kept in self._observers if kept is not observer]

        return end

    async def wait_for_news(self) -> None:
        """Wait until something has entered, or the engine has closed. Cancellation: safe."""
        await self._waiting.park()

    def take(self, entries: Sequence[Entry]) -> list[Entry]:
        """Called by the engine with what the log has committed for this room: into the ring. Returns the same entries
        as they may be shown, which differ when one takes back another."""
        shown: list[Entry] = []
        for entry in entries:
            if isinstance(entry, Retraction):
                self._redact(entry.target, shown)
            self._ring.append(entry)
            shown.append(entry)
        self.entered += len(shown)
        return shown

    def tell(self, shown: Sequence[Entry]) -> None:
        """Called by the engine after `take`, when every room has taken its part."""
        for observer in self._observers:
            observer(shown)
        self._waiting.unpark_all()

    def wake(self) -> None:
        """Called by the engine when it has closed."""
        self._waiting.unpark_all()

    def change(self, settings: RoomSettings) -> None:
        """Called by the engine when the log has the new settings."""
        if settings.capacity != self.settings.capacity:
            self._ring = self._ring.resized(settings.capacity)
        self.settings = settings

    def _redact(self, target: str, shown: list[Entry]) -> None:
        for entry in self._ring:
            if isinstance(entry, Message) and entry.id == target:
                self._ring.replace(entry.position.seq, entry.redacted())
        for index, entry in enumerate(shown):
            if isinstance(entry, Message) and entry.id == target:
                shown[index] = entry.redacted()
        for taken_back in self._readings:
            taken_back.add(target)
        for listener in self._listeners:
            listener.redact(target)


def _position(given: Position | str) -> Position:
    return Position.parse(given) if isinstance(given, str) else given


def _new_id() -> str:
    return "".join(choice(_ID_CHARACTERS) for _ in range(12))


_ID_CHARACTERS = ascii_lowercase + digits
