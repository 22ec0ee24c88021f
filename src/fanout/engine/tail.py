"""The end of one room's stream in memory, fed by the log's commits, and the way back from it into the log.

Everybody reads from here: listeners, history, the edge. What is not in the ring any more is read from the log, as if
there were only one stream; a retraction is known everywhere at the same moment, also in what was read a moment before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import trio

from fanout.core.cursor import Extent
from fanout.core.message import Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.ring import Ring
from fanout.engine.log_access import LogAccess
from fanout.engine.ports import Stream

Observer = Callable[[Sequence[Entry]], None]
"""Hears of entries, in order."""

Redactor = Callable[[str], None]
"""Hears the ids of messages that are taken back."""


class Tail:
    """One room's newest entries. `recent` are those that the log has already, oldest first."""

    def __init__(self, log: LogAccess, stream: Stream, recent: Sequence[Entry]) -> None:
        self._log = log
        self.room = stream.settings.name
        self.epoch = stream.epoch
        self.messages = 0
        """Messages that have entered since the engine was opened."""
        self.ended = False
        """Whether the engine has closed, so that nothing more will come."""
        self._oldest = stream.oldest
        self._ring: Ring[Entry] = Ring(stream.settings.capacity, stream.head - len(recent))
        for entry in recent:
            self._ring.append(entry)
        self._observers: list[Observer] = []
        self._redactors: list[Redactor] = []
        self._waiting = trio.lowlevel.ParkingLot()

    @property
    def position(self) -> Position:
        """The newest entry's position; `EPOCH:0` where nothing was ever published."""
        return Position(self.epoch, self._ring.head)

    @property
    def extent(self) -> Extent:
        """How far the stream reaches. `oldest` is what is known of the log: reading teaches that entries have
        expired."""
        return Extent(self.epoch, self._ring.head, self._ring.oldest, min(self._oldest, self._ring.oldest))

    # --- reading -----------------------------------------------------------------------------------------------------

    def overtaken(self, cursor: int) -> bool:
        """Whether what follows the cursor is no longer all in memory, so that it has to be `read`."""
        return self._ring.overtaken(cursor)

    def held(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after the cursor, from memory. Only when not `overtaken`."""
        return self._ring.after(cursor, limit)

    async def find(self, message_id: str) -> Message | None:
        """The message of that id, from memory or from the log. Errors as `read`."""
        for entry in self._ring:
            if isinstance(entry, Message) and entry.id == message_id:
                return entry
        with self._log.use() as log:
            found = await log.find(self.room, message_id)
        return found if isinstance(found, Message) else None

    async def read(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries after the cursor, from memory or from the log; empty when there is none yet.

        A number missing before the first one has expired. Nothing newer than `position` is in it, and nothing that was
        retracted by the time it returns.

        Raises:
            LogUnavailable: They are not in memory and the log can't be read now.
            EngineClosed: They are not in memory and the engine is closing.
        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint()
        if not self._ring.overtaken(cursor):
            return self._ring.after(cursor, limit)
        taken_back: set[str] = set()  # while the log is being read: its answer may be from before
        with self.redacting(taken_back.add), self._log.use() as log:
            found = await log.read(self.room, cursor, limit)
        # The log may be a commit ahead of the ring. A listener must not be: it would hold a position from the future.
        entries = [entry for entry in found if entry.position.seq <= self._ring.head]
        if not entries or entries[0].position.seq > self._ring.oldest:  # the log keeps less than the ring
            entries = self._ring.after(self._ring.oldest - 1, limit)
        if entries[0].position.seq > cursor + 1:
            self._oldest = max(self._oldest, entries[0].position.seq)
        return [
            entry.redacted() if isinstance(entry, Message) and entry.id in taken_back else entry for entry in entries
        ]

    async def wait_for_news(self) -> None:
        """Wait until something has entered, or the engine has closed. Cancellation: safe."""
        await self._waiting.park()

    # --- being fed ---------------------------------------------------------------------------------------------------

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called with every entry that enters from now on; return what ends that."""
        self._observers = [*self._observers, observer]

        def end() -> None:
            self._observers = [kept for kept in self._observers if kept is not observer]

        return end

    @contextmanager
    def redacting(self, redactor: Redactor) -> Iterator[None]:
        """Have `redactor` called for every message that is taken back, before anybody hears of the retraction."""
        self._redactors = [*self._redactors, redactor]
        try:
            yield
        finally:
            self._redactors = [kept for kept in self._redactors if kept is not redactor]

    def take(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take in what the log has committed. Returns the same as it may be shown: it differs when one entry takes back
        another. `tell` with that when every room has taken its part."""
        shown: list[Entry] = []
        for entry in entries:
            if isinstance(entry, Retraction):
                self._redact(entry.target, shown)
            self._ring.append(entry)
            shown.append(entry)
        self.messages += sum(isinstance(entry, Message) for entry in shown)
        return shown

    def tell(self, shown: Sequence[Entry]) -> None:
        """Tell everybody."""
        for observer in self._observers:
            observer(shown)
        self._waiting.unpark_all()

    def resize(self, capacity: int) -> None:
        """Hold so many entries from now on; the newest stay."""
        if capacity != self._ring.capacity:
            self._ring = self._ring.resized(capacity)

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._waiting.unpark_all()

    def _redact(self, target: str, shown: list[Entry]) -> None:
        for entry in self._ring:
            if isinstance(entry, Message) and entry.id == target:
                self._ring.replace(entry.position.seq, entry.redacted())
        for index, entry in enumerate(shown):
            if isinstance(entry, Message) and entry.id == target:
                shown[index] = entry.redacted()
        for redactor in self._redactors:
            redactor(target)
