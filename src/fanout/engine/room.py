"""One room: publishing into it, taking back, reading and listening.

What is published goes to the log and comes back from there into the room's tail, as the log commits it; the task that
publishes never touches it. So the order in memory is the order of the log, nothing is seen before it is durable, and a
publisher that is cancelled halfway leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from secrets import token_bytes
from string import ascii_lowercase, digits
from time import time_ns
from typing import Any

from fanout.core.cursor import Extent, Start, start
from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.message import Author, Draft, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.core.say import NOBODY, Say, checked, fingerprint, idempotency_key, is_message_id
from fanout.engine.listener import Listener
from fanout.engine.log_access import LogAccess
from fanout.engine.ports import Publication
from fanout.engine.tail import Observer, Tail
from fanout.errors import EpochChanged, InvalidInput, MessageNotFound

_ID_CHARACTERS = ascii_lowercase + digits
_PAIRS = [first + second for first in _ID_CHARACTERS for second in _ID_CHARACTERS]

_DRAWN_BYTES = 12
"""For one id: thirty bits more than twelve characters take, so that all are equally likely."""


class Room:
    """Made by `Engine.open_room`; one object for each room, as long as the engine runs."""

    def __init__(
        self, settings: RoomSettings, log: LogAccess, tail: Tail, reached: Callable[[str], Sequence[Room]]
    ) -> None:
        self.settings = settings
        self.tail = tail
        """For the engine's own modules; integrators use the methods here."""
        self._log = log
        self._reached = reached
        self._listeners = 0

    # --- where the room stands ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def position(self) -> Position:
        """The newest entry's position; `EPOCH:0` in a room where nothing was ever published."""
        return self.tail.position

    @property
    def extent(self) -> Extent:
        """How far the room reaches, in memory and in the log."""
        return self.tail.extent

    @property
    def listeners(self) -> int:
        """How many library listeners there are (those of the edge are counted there)."""
        return self._listeners

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
        keys_of: str = "",
    ) -> Message:
        """Publish one message here and in every room that follows this one; return it once it is durable.

        Args:
            key: With a key, publishing again with the same key and content returns the first message and adds nothing,
                also after a restart.
            keys_of: Whose key it is. Nobody's key meets another's; empty stands for whoever publishes from outside.
            at: When it was said, in milliseconds since 1970, UTC; now when left out.
        Raises:
            InvalidInput: It may not be published; `fanout.core.say.checked` lists the codes.
            KeyReused: The key was used here with other content.
            LogUnavailable: Nothing was published; worth another try with the same key.
            EngineClosed: The engine is shutting down.
        Cancellation: once the log has begun, it finishes: the message may be published all the same. Use a key to find
            out.
        """
        [message] = await self.publish_all([Say(text, author, kind, re, data, at)], key=key, keys_of=keys_of)
        return message

    async def publish_all(self, says: Sequence[Say], *, key: str | None = None, keys_of: str = "") -> list[Message]:
        """Publish several messages, all or none, with consecutive positions. Otherwise like `publish`."""
        passed = checked(says)
        publication = Publication(
            drafts=self._drafts(passed),
            key=None if key is None else _key(idempotency_key(key), keys_of),
            fingerprint=b"" if key is None else fingerprint(passed),
        )
        appended = await self._log.append(publication)
        return [entry for entry in appended.entries if isinstance(entry, Message) and entry.room == self.name]

    def _drafts(self, says: Sequence[Say]) -> tuple[Draft, ...]:
        now = time_ns() // 1_000_000
        ids = [say.id or new_message_id() for say in says]
        rooms = [room.name for room in self._reached(self.name)]
        return tuple(
            Draft(room, now if say.at is None else say.at, id, say.kind, say.author, say.text, say.re, say.data)
            for room in rooms
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
        self._log.check_open()
        message = await self.find(message_id)
        if message.retracted:
            with self._log.use() as log:
                if (before := await log.find_retraction(self.name, message_id)) is not None:
                    return before
        rooms = [self, *[room for room in self._reached(self.name)[1:] if await room._shows(message_id)]]
        now = time_ns() // 1_000_000
        drafts = tuple(Draft(room.name, now, target=message_id) for room in rooms)
        # With the key, two who take back at once make one retraction.
        appended = await self._log.append(Publication(drafts, key=_key(message_id, "retract")))
        return next(entry for entry in appended.entries if isinstance(entry, Retraction) and entry.room == self.name)

    async def _shows(self, message_id: str) -> bool:
        message = await self.tail.find(message_id)
        return message is not None and not message.retracted

    # --- reading -----------------------------------------------------------------------------------------------------

    async def find(self, message_id: str) -> Message:
        """The message of that id, redacted if it was retracted.

        Raises:
            MessageNotFound: No message of that id in this room.
            LogUnavailable: The log can't be read now.
        Cancellation: safe.
        """
        message = await self.tail.find(message_id) if is_message_id(message_id) else None
        if message is None:
            raise MessageNotFound(f"There is no message of that id in the room {self.name!r}.")
        return message

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
        if after.epoch != self.position.epoch or after.seq > self.position.seq:
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
        self._log.check_open()
        begin = await self.start(after=after, last=last)
        listener = Listener(self.tail, begin, lambda: self.settings)
        self._listeners += 1
        try:
            with self.tail.redacting(listener.redact):
                yield listener
        finally:
            listener.leave()
            self._listeners -= 1

    async def start(self, *, after: Position | str | None = None, last: int | None = None) -> Start:
        """Where a listener begins who asks for this; the arguments and errors are those of `listen`.

        Looks into the log when that is before the ring, to learn whether it still has what is asked for.
        """
        if last is not None and last < 0:
            raise InvalidInput("last is how many messages to begin with: 0 or more.", code="bad_last")
        wanted = None if after is None else _position(after)
        begin = start(self.name, self.extent, after=wanted, last=last)
        if self.tail.overtaken(begin.cursor):
            await self.read(begin.cursor, 1)
            begin = start(self.name, self.extent, after=wanted, last=last)
        return begin

    async def read(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after number `cursor`, from memory or from the log; empty when there is none yet.

        A number missing before the first one has expired. Nothing newer than `position` is in it, and nothing that was
        retracted by the time it returns. Raises and is cancelled like `history`.
        """
        return await self.tail.read(cursor, limit)

    @property
    def recent(self) -> list[Entry]:
        """The entries in memory, oldest first: `extent.recent` to `extent.head`."""
        return self.tail.held(self.extent.recent - 1, self.settings.capacity)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called with every entry that enters from now on, in order; return what ends that.

        It is called in the event loop, when the room already has the entries (and no longer has the text that they take
        back). It must be quick and must not raise: it holds up the commit that it hears of.
        """
        return self.tail.observe(observer)

    def change(self, settings: RoomSettings) -> None:
        """Called by the engine when the log has the new settings."""
        self.tail.resize(settings.capacity)
        self.settings = settings


def _key(key: str, keys_of: str) -> str:
    """The key as the log has it. A line end can't stand in the key of whoever publishes from outside."""
    return f"{keys_of}\n{key}" if keys_of else key


def _position(given: Position | str) -> Position:
    return Position.parse(given) if isinstance(given, str) else given


def new_message_id() -> str:
    """A name that no other message has: twelve lower-case letters and digits, drawn at random."""
    return new_message_ids(1)[0]


def new_message_ids(count: int) -> list[str]:
    """So many of them, for the price of one system call."""
    drawn = token_bytes(count * _DRAWN_BYTES)
    ids = []
    for begin in range(0, len(drawn), _DRAWN_BYTES):
        number = int.from_bytes(drawn[begin : begin + _DRAWN_BYTES], "little")
        pairs = []
        for _ in range(6):
            number, pair = divmod(number, len(_PAIRS))
            pairs.append(_PAIRS[pair])
        ids.append("".join(pairs))
    return ids
