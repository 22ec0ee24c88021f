"""What a room carries: messages, and retractions of them. Both are entries with a position of their own.

A retraction is an entry so that replay, late joiners and transcripts all agree on when it happened; the message that it
names keeps its position but nothing that could still be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fanout.core.position import Position

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Author:
    """Who speaks: a display name and a role (`publisher`, `guest`, `visitor`…). Either may be empty."""

    name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the log has numbered it. `at` is in milliseconds since 1970, UTC.

    With `target` it is a retraction of the message of that id, and everything else but `room` and `at` is empty.
    """

    room: str
    at: int
    id: str = ""
    kind: str = "message"
    author: Author = Author()
    text: str = ""
    re: str | None = None
    data: Mapping[str, Any] | None = None
    target: str | None = None

    def numbered(self, position: Position) -> Entry:
        """The entry that this draft becomes at `position`."""
        if self.target is not None:
            return Retraction(self.room, position, self.target, self.at)
        return Message(
            self.room, position, self.id, self.kind, self.author, self.text, self.at, re=self.re, data=self.data
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One immutable message of a room. `at` is in milliseconds since 1970, UTC; `re` is the id of the message it refers
    to.

    A followed message keeps its `id` in every room that it enters, and has a position of its own in each.
    """

    room: str
    position: Position
    id: str
    kind: str
    author: Author
    text: str
    at: int
    re: str | None = None
    data: Mapping[str, Any] | None = None
    retracted: bool = False

    def redacted(self) -> Message:
        """The same message with nothing left of what was said or who said it."""
        return replace(self, author=Author("", self.author.role), text="", data=None, retracted=True)


@dataclass(frozen=True, slots=True)
class Retraction:
    """From here on, the message `target` is taken back. `at` is in milliseconds since 1970, UTC."""

    room: str
    position: Position
    target: str
    at: int


Entry = Message | Retraction


class GapReason(StrEnum):
    """Why positions will not be delivered."""

    SLOW = "slow"
    """The listener was overtaken in a room that skips."""
    EXPIRED = "expired"
    """They are older than anything that is kept."""
    EPOCH = "epoch"
    """The position asked for is not of this stream; what can still be had of this stream follows."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The positions `first` to `last`, both included, will not be delivered. After it, a listener stands at `last`.

    Both are of the room's present stream. With reason `epoch` the range may be empty (`last` just before `first`):
    nothing of this stream is missing, but of the former one nobody can say.
    """

    room: str
    first: Position
    last: Position
    reason: GapReason

    @property
    def missed(self) -> int:
        """How many positions of the present stream are missing."""
        return self.last.seq - self.first.seq + 1


def iso_time(at: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC: `2026-11-22T20:15:00.123Z`."""
    return (_BEGIN + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
