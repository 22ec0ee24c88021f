"""What the server may say that is not an entry of a room, and how each is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fanout.core.closing import Bye
from fanout.core.cursor import Recovery
from fanout.core.position import Position
from fanout.core.room import Mode
from fanout.core.typed_lines import TypedLine
from fanout.wire.event_stream import event
from fanout.wire.rendered import Format, as_frame, encode_json


@dataclass(frozen=True, slots=True)
class RoomWelcome:
    """How a listener begins in one room. `position` is where it stands: what follows that position is what it will be
    sent next, so it may resume from there before it has received anything."""

    position: Position
    mode: Mode
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first thing that a listener hears, and the answer to a `subscribe`. `heartbeat_s` is in seconds."""

    listener: str
    heartbeat_s: int
    rooms: Mapping[str, RoomWelcome]


@dataclass(frozen=True, slots=True)
class Presence:
    """How many connections and how many visitors a room has."""

    room: str
    listeners: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Typing:
    """What is being typed in a room now, all of it; it is not on air, and may never be."""

    room: str
    lines: tuple[TypedLine, ...]


@dataclass(frozen=True, slots=True)
class Error:
    """Something was refused; the connection goes on.

    Args:
        ref: The refused command's own, if it had one.
        room: The room that this connection does not listen to any more, where that is what happened.
        after_ms: When another try makes sense, in milliseconds from now.
    """

    code: str
    detail: str
    ref: str | None = None
    room: str | None = None
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A `publish` is durable."""

    room: str
    id: str
    position: Position
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What has become of a visitor's message: the answer to a `submit`, and later whatever is decided. For its author
    alone.

    Args:
        state: As in `fanout.core.submission.State`.
        ref: The command's own, on the connection that it came by.
        reason: Why, where the author may know.
        message: The id of the message that it became.
    """

    room: str
    id: str
    state: str
    ref: str | None = None
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """How the server is, for everybody. `code` is `engine_away` (nothing new comes for the moment; who listens stays)
    or `engine_back`."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to the command `ping`."""


Reply = Welcome | Presence | Typing | Error | Published | Submission | Notice | Pong | Bye


def render_reply(reply: Reply, format: Format) -> bytes:
    """A whole frame or event.

    In an event stream a welcome carries its position as `id:`, so that a browser that loses the line before the first
    message still says where it stood; a bye carries its slot as `retry:`, which browsers honour by themselves.
    """
    fields = reply_as_object(reply)
    if format is not Format.EVENTS:
        return as_frame(fields, format)
    position: str | None = None
    if isinstance(reply, Welcome) and len(reply.rooms) == 1:
        (room,) = reply.rooms.values()
        position = str(room.position)
    retry_ms = reply.after_ms if isinstance(reply, Bye) else None
    return event(position, fields["type"], encode_json(fields), retry_ms=retry_ms)


def reply_as_object(reply: Reply) -> dict[str, Any]:
    """The fields of a reply, under the protocol's names; what is None is left out."""
    match reply:
        case Welcome():
            rooms = {
                name: {"position": str(room.position), "mode": str(room.mode), "recovery": str(room.recovery)}
                for name, room in reply.rooms.items()
            }
            return {"type": "welcome", "listener": reply.listener, "heartbeat_s": reply.heartbeat_s, "rooms": rooms}
        case Presence():
            return {
                "type": "presence",
                "room": reply.room,
                "listeners": reply.listeners,
                "visitors": reply.visitors,
            }
        case Typing():
            return {"type": "typing", "room": reply.room, "lines": [_typed(line) for line in reply.lines]}
        case Error():
            return _without_none(
                {
                    "type": "error",
                    "code": reply.code,
                    "detail": reply.detail,
                    "ref": reply.ref,
                    "room": reply.room,
                    "after_ms": reply.after_ms,
                }
            )
        case Published():
            return _without_none(
                {
                    "type": "published",
                    "room": reply.room,
                    "id": reply.id,
                    "position": str(reply.position),
                    "ref": reply.ref,
                }
            )
        case Submission():
            return _without_none(
                {
                    "type": "submission",
                    "room": reply.room,
                    "id": reply.id,
                    "state": str(reply.state),
                    "ref": reply.ref,
                    "reason": reply.reason,
                    "message": reply.message,
                }
            )
        case Notice():
            return {"type": "notice", "code": reply.code, "detail": reply.detail}
        case Pong():
            return {"type": "pong"}
        case Bye():
            return _without_none(
                {
                    "type": "bye",
                    "code": int(reply.code),
                    "reason": reply.reason,
                    "reconnect": reply.reconnect,
                    "after_ms": reply.after_ms,
                    "room": reply.room,
                    "position": reply.position,
                }
            )


def _typed(line: TypedLine) -> dict[str, Any]:
    return _without_none({"re": line.re, "author": {"name": line.name, "role": line.role}, "text": line.text})


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
