"""What the engine needs from outside, as a port: where a room's entries are numbered and made durable.

The suite `fanout.testing.check_log` runs against every implementation, ours or a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fanout.core.message import Draft, Entry, Message, Retraction
from fanout.core.room import RoomSettings


@dataclass(frozen=True, slots=True)
class Stream:
    """One room as the log has it: its settings, and how far its numbers reach (`oldest` is `head + 1` when it is
    empty)."""

    settings: RoomSettings
    epoch: str
    head: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Publication:
    """Entries that are appended together: all or none, in this order, to one or several rooms.

    Args:
        drafts: At least one. Drafts of the same room get consecutive numbers.
        key: With a key, a second publication of the same key and `drafts[0].room` appends nothing and returns the first
            one's entries.
        fingerprint: What tells the same content from other content under a used key.
    """

    drafts: tuple[Draft, ...]
    key: str | None = None
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class Appended:
    """What the log made of a publication: the entries as numbered; `repeated` when the key had been used and nothing
    was added."""

    entries: tuple[Entry, ...]
    repeated: bool = False


Commit = Callable[[Sequence[Entry]], None]


class Log(Protocol):
    """Numbers entries and keeps them.

    Order: numbers of a room are dense from 1 and are given in the order of the commits. `on_commit` is called in the
    event loop's thread with every committed entry, one commit after the other in the order of their numbers, before the
    `append` that brought them returns; never for a repeated key. One call may carry several publications. It must not
    raise. `read` may know an entry a moment before `on_commit` tells of it.
    Loss: what `append` has returned, and what `on_commit` has been given, survives whatever this log claims to survive.
    Duplicates: none; a key used again returns what it returned first, also after a restart.
    Atomicity: a publication is appended whole or not at all, also over several rooms. A retraction removes the text,
    the data and the author's name of its target in the same step: no later `read` or `find` has them, and no file does
    in readable form (while a stranger's reader holds a file back, as soon as it lets go). One that began before may.
    That an id names one message of a room, and a retraction one that is there, is the caller's duty.
    Failure: what can't be committed raises `LogUnavailable` and leaves no trace; the same call may be made again.
    `available` turns true again by itself.
    Cancellation: an `append` once begun is not undone by cancelling; the log finishes it, and `on_commit` tells.
    """

    def start(self, on_commit: Commit) -> None:
        """Say who hears of commits. Called once, in the event loop's thread, before anything else."""
        ...

    async def streams(self) -> list[Stream]:
        """Every room there is."""
        ...

    async def save_room(self, settings: RoomSettings) -> Stream:
        """Create the room, or change the settings of the one that is there; its entries and epoch stay.

        Raises:
            LogUnavailable: Nothing was changed.
        """
        ...

    async def append(self, publication: Publication) -> Appended:
        """Number and keep; return when it is durable.

        Raises:
            LogUnavailable: Nothing was appended.
            KeyReused: The key was used with another fingerprint.
            RoomNotFound: A draft names a room that was never saved.
        """
        ...

    async def read(self, room: str, after: int, limit: int) -> list[Entry]:
        """Up to `limit` entries with numbers above `after`, oldest first; retracted messages come redacted.

        Raises:
            LogUnavailable: It can't be read; so for `streams`, `find` and `find_retraction`.
            RoomNotFound: There is no such room; so for `find` and `find_retraction`.
        """
        ...

    async def find(self, room: str, message_id: str) -> Message | None:
        """The message of that id in the room (redacted if it was retracted), or None."""
        ...

    async def find_retraction(self, room: str, message_id: str) -> Retraction | None:
        """The entry that took the message back, or None."""
        ...

    @property
    def available(self) -> bool:
        """Whether the last attempt to write succeeded: what readiness reports."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun, then close. Nothing may be called afterwards."""
        ...
