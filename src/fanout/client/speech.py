"""What the client says and hears: commands as payloads, payloads as entries, gaps and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import msgpack
import msgspec

from fanout.client.comeback import Ending
from fanout.client.resume import Item
from fanout.core.cursor import Recovery
from fanout.core.position import Position
from fanout.core.room import Mode
from fanout.core.typed_lines import TypedLine
from fanout.errors import FanoutError, InvalidInput
from fanout.wire.commands import Command, Ping, Publish, Submit, Subscribe, Unsubscribe
from fanout.wire.rendered import Format, entry_from_object
from fanout.wire.replies import Error, Notice, Presence, Published, RoomWelcome, Submission, Typing, Welcome

SUBPROTOCOL: Final = {Format.JSON: "fanout.v1.json", Format.MSGPACK: "fanout.v1.msgpack"}
"""What a client asks for, by format. Event streams are for browsers."""

_COMMAND_TYPE: Final[dict[type[Command], str]] = {
    Subscribe: "subscribe",
    Unsubscribe: "unsubscribe",
    Ping: "ping",
    Publish: "publish",
    Submit: "submit",
}


Spoken = Item | Welcome | Presence | Typing | Error | Published | Submission | Notice | Ending
"""Everything that a server says and this client understands. A `bye` is the ending that it announces."""


class NotUnderstood(FanoutError):
    """The server said something that no version of the protocol allows: a proxy's page, or another server."""

    code = "not_understood"


def write_command(command: Command, format: Format) -> str | bytes:
    """The payload of a command: text for JSON, bytes for MessagePack. Fields that are None stay away."""
    said = {name: value for name, value in _fields(command).items() if value is not None}
    fields = {"type": _COMMAND_TYPE[type(command)], **said}
    if format is Format.MSGPACK:
        packed: bytes = msgpack.packb(fields)
        return packed
    return msgspec.json.encode(fields).decode()


def read_spoken(payload: str | bytes) -> Spoken | None:
    """What one message of the server says; None for a type that we don't know, which is not for us.

    Raises:
        NotUnderstood: It is not an object with a type, or lacks what its type must have.
    """
    try:
        fields = msgspec.json.decode(payload) if isinstance(payload, str) else msgpack.unpackb(payload)
    except (ValueError, msgspec.DecodeError, msgpack.UnpackException, RecursionError) as error:
        raise NotUnderstood(f"The server sent what is neither JSON nor MessagePack: {error}.") from None
    if not isinstance(fields, dict):
        raise NotUnderstood("The server sent something that is not an object.")
    kind = fields.get("type")
    try:
        if kind in ("message", "retraction", "gap"):
            return entry_from_object(fields)
        read = _READ.get(kind) if isinstance(kind, str) else None
        return read(fields) if read else None
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput) as error:
        raise NotUnderstood(f"The server sent a {kind!r} that lacks what it must have: {error!r}.") from None


def _fields(command: Command) -> dict[str, Any]:
    if isinstance(command, Subscribe):
        after = None if command.after is None else str(command.after)
        return {"room": command.room, "after": after, "last": command.last}
    return asdict(command)


def _welcome(fields: Mapping[str, Any]) -> Welcome:
    rooms = {
        str(name): RoomWelcome(Position.parse(room["position"]), Mode(room["mode"]), Recovery(room["recovery"]))
        for name, room in fields["rooms"].items()
    }
    return Welcome(str(fields["listener"]), fields["heartbeat_s"] + 0, rooms)


def _presence(fields: Mapping[str, Any]) -> Presence:
    return Presence(str(fields["room"]), int(fields["listeners"]), int(fields["visitors"]))


def _typing(fields: Mapping[str, Any]) -> Typing:
    lines = (
        TypedLine(
            str(line["re"]), str(line["author"]["name"]), str(line["author"]["role"]), _text_or_none(line, "text")
        )
        for line in fields["lines"]
    )
    return Typing(str(fields["room"]), tuple(lines))


def _error(fields: Mapping[str, Any]) -> Error:
    after_ms = fields.get("after_ms")
    return Error(
        str(fields["code"]),
        str(fields["detail"]),
        _text_or_none(fields, "ref"),
        _text_or_none(fields, "room"),
        None if after_ms is None else int(after_ms),
    )


def _published(fields: Mapping[str, Any]) -> Published:
    position = Position.parse(fields["position"])
    return Published(str(fields["room"]), str(fields["id"]), position, str(fields.get("ref")))


def _submission(fields: Mapping[str, Any]) -> Submission:
    return Submission(
        str(fields["room"]),
        str(fields["id"]),
        str(fields["state"]),
        *(_text_or_none(fields, name) for name in ("ref", "reason", "message")),
    )


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else str(value)


def _bye(fields: Mapping[str, Any]) -> Ending:
    after_ms = fields.get("after_ms")
    return Ending(
        int(fields["code"]),
        str(fields.get("reason", "")),
        None if after_ms is None else int(after_ms),
        fields.get("reconnect") is True,
    )


_READ: Final[dict[str, Callable[[Mapping[str, Any]], Spoken]]] = {
    "welcome": _welcome,
    "presence": _presence,
    "typing": _typing,
    "error": _error,
    "published": _published,
    "submission": _submission,
    "notice": lambda fields: Notice(str(fields["code"]), str(fields["detail"])),
    "bye": _bye,
}
