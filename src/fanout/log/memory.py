"""A log that keeps nothing beyond its process: for tests, `--memory`, and rooms that need no yesterday.

It is a verified stand-in for the durable one: the same suite runs on both.
"""

from __future__ import annotations

import secrets
import string
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import trio

from fanout.core.message import Draft, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.room import RoomSettings
from fanout.engine.ports import Appended, Commit, Publication, Stream
from fanout.errors import KeyReused, RoomNotFound

HISTORY: Final = 10_000
"""Entries kept of a room, and keys remembered. At ten messages a second a quarter of an hour, 5 MiB of short texts."""

EPOCH_CHARACTERS: Final = 6
"""36**6 is two thousand million: enough that a restarted stream does not meet its former epoch again."""


def new_epoch() -> str:
    """The name of a new stream: letters and digits, never told from the clock, which may have been set back."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(EPOCH_CHARACTERS))


@dataclass(slots=True)
class _Place:
    """Where an entry is kept: the room, the index and the key all point here, so that a retraction reaches each."""

    entry: Entry


@dataclass(slots=True)
class _Stream:
    settings: RoomSettings
    epoch: str = field(default_factory=new_epoch)
    head: int = 0
    places: deque[_Place] = field(default_factory=deque)
    messages: dict[str, _Place] = field(default_factory=dict)
    retractions: dict[str, Retraction] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, tuple[_Place, ...]]] = field(default_factory=dict)

    @property
    def oldest(self) -> int:
        return self.head - len(self.places) + 1


class MemoryLog:
    """A `Log` that survives nothing and never fails.

    Args:
        history: Entries kept of each room, and keys remembered in each; the oldest go first.
    """

    def __init__(self, history: int = HISTORY) -> None:
        if history < 1:
            raise ValueError("a log keeps at least one entry")
        self._history = history
        self._streams: dict[str, _Stream] = {}
        self._on_commit: Commit | None = None

    def start(self, on_commit: Commit) -> None:
        """Say who hears of commits."""
        self._on_commit = on_commit

    async def streams(self) -> list[Stream]:
        """Every room there is, in the order of their making."""
        await trio.lowlevel.checkpoint()
        return [_seen(stream) for stream in self._streams.values()]

    async def save_room(self, settings: RoomSettings) -> Stream:
        """Create the room or change its settings."""
        await trio.lowlevel.checkpoint()
        stream = self._streams.get(settings.name)
        if stream is None:
            stream = self._streams[settings.name] = _Stream(settings)
        stream.settings = settings
        return _seen(stream)

    async def append(self, publication: Publication) -> Appended:
        """Number and keep. Cancelling takes effect before anything was done, or not at all. Others have their turn when
        it is done: whoever waits for the entries is told in this one."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if not publication.drafts:
            raise ValueError("a publication has at least one draft")
        for draft in publication.drafts:
            if draft.room not in self._streams:
                raise RoomNotFound(f"There is no room {draft.room!r}.")
        keys = self._streams[publication.drafts[0].room].keys
        if publication.key is not None and publication.key in keys:
            fingerprint, first = keys[publication.key]
            if fingerprint != publication.fingerprint:
                raise KeyReused("This idempotency key was used before, with other content.")
            return Appended(tuple(place.entry for place in first), repeated=True)
        kept = [self._keep(draft) for draft in publication.drafts]
        if publication.key is not None:
            keys[publication.key] = (publication.fingerprint, tuple(place for place, _ in kept))
            if len(keys) > self._history:
                del keys[next(iter(keys))]
        appended = Appended(tuple(entry for _, entry in kept))
        if self._on_commit is not None:
            self._on_commit(appended.entries)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return appended

    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        """Up to `limit` entries with numbers above `after`, oldest first."""
        await trio.lowlevel.checkpoint()
        stream = self._stream(room)
        begin = max(after + 1 - stream.oldest, 0)
        end = min(begin + max(limit, 0), len(stream.places))
        return [stream.places[index].entry for index in range(begin, end)]

    async def find(self, room: str, message_id: str) -> Message | None:
        """The message of that id in the room, or None."""
        await trio.lowlevel.checkpoint()
        place = self._stream(room).messages.get(message_id)
        return place.entry if place is not None and isinstance(place.entry, Message) else None

    async def find_retraction(self, room: str, message_id: str) -> Retraction | None:
        """The entry that took the message back, or None."""
        await trio.lowlevel.checkpoint()
        return self._stream(room).retractions.get(message_id)

    @property
    def available(self) -> bool:
        """Always: memory does not fail."""
        return True

    async def aclose(self) -> None:
        """Forget everything."""
        self._streams.clear()
        await trio.lowlevel.checkpoint()

    def _stream(self, room: str) -> _Stream:
        stream = self._streams.get(room)
        if stream is None:
            raise RoomNotFound(f"There is no room {room!r}.")
        return stream

    def _keep(self, draft: Draft) -> tuple[_Place, Entry]:
        stream = self._streams[draft.room]
        stream.head += 1
        entry = draft.numbered(Position(stream.epoch, stream.head))
        place = _Place(entry)
        stream.places.append(place)
        if isinstance(entry, Message):
            stream.messages.setdefault(entry.id, place)
        else:
            self._redact(stream, entry)
        if len(stream.places) > self._history:
            _forget(stream, stream.places.popleft().entry)
        return place, entry

    @staticmethod
    def _redact(stream: _Stream, retraction: Retraction) -> None:
        stream.retractions.setdefault(retraction.target, retraction)
        target = stream.messages.get(retraction.target)
        if target is not None and isinstance(target.entry, Message):
            target.entry = target.entry.redacted()


def _forget(stream: _Stream, entry: Entry) -> None:
    if isinstance(entry, Message):
        stream.messages.pop(entry.id, None)
    else:
        stream.retractions.pop(entry.target, None)


def _seen(stream: _Stream) -> Stream:
    return Stream(stream.settings, stream.epoch, stream.head, stream.oldest)
