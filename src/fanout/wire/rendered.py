"""Entries and gaps as bytes, once for each format: the same `bytes` object then goes to everybody who listens.

That is lawful because frames from a server are not masked (RFC 6455 §5.1) and no per-connection compression is
negotiated. The field names are those of the protocol, version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Final

import msgpack
import msgspec

from fanout.core.message import Author, Entry, Gap, GapReason, Message, Retraction, iso_time
from fanout.core.position import Position
from fanout.errors import InvalidInput
from fanout.wire.event_stream import event
from fanout.wire.frames import binary_frame, text_frame

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

encode_json: Final = msgspec.json.Encoder().encode


class Format(IntEnum):
    """How a listener is written to."""

    JSON = 0
    """WebSocket text frames: subprotocol `fanout.v1.json`."""
    MSGPACK = 1
    """WebSocket binary frames: subprotocol `fanout.v1.msgpack`."""
    EVENTS = 2
    """An event stream."""


def render(entry: Entry | Gap, format: Format) -> bytes:
    """A whole frame, or a whole event whose `id:` is the position at which a listener stands after it.

    A message of 200 bytes takes 5.1 µs as JSON, 6.8 µs as MessagePack and 5.3 µs as an event (CPU time, Python 3.11),
    once for all listeners. Its `data` must be what both formats can carry: integers from -2**63 to 2**64 - 1, text
    without lone surrogates, text as keys.
    """
    fields = as_object(entry)
    if format is Format.EVENTS:
        position = entry.last if isinstance(entry, Gap) else entry.position
        return event(str(position), fields["type"], encode_json(fields))
    return as_frame(fields, format)


def as_frame(fields: Mapping[str, Any], format: Format) -> bytes:
    """An object as a text frame with JSON or as a binary frame with MessagePack."""
    if format is Format.MSGPACK:
        return binary_frame(msgpack.packb(fields))
    return text_frame(encode_json(fields))


def as_object(entry: Entry | Gap) -> dict[str, Any]:
    """The fields of an entry or gap, ready for JSON or MessagePack: what history and exports carry too."""
    if isinstance(entry, Message):
        fields: dict[str, Any] = {
            "type": "message",
            "room": entry.room,
            "position": str(entry.position),
            "id": entry.id,
            "kind": entry.kind,
            "author": {"name": entry.author.name, "role": entry.author.role},
            "text": entry.text,
        }
        if entry.re is not None:
            fields["re"] = entry.re
        if entry.data is not None:
            fields["data"] = entry.data
        fields["at"] = iso_time(entry.at)
        if entry.retracted:
            fields["retracted"] = True
        return fields
    if isinstance(entry, Retraction):
        return {
            "type": "retraction",
            "room": entry.room,
            "position": str(entry.position),
            "target": entry.target,
            "at": iso_time(entry.at),
        }
    return {
        "type": "gap",
        "room": entry.room,
        "from": str(entry.first),
        "to": str(entry.last),
        "missed": entry.missed,
        "reason": str(entry.reason),
    }


def entry_from_object(fields: Mapping[str, Any]) -> Entry | Gap:
    """The entry or gap that `as_object` made these fields of; unknown fields are ignored.

    Raises:
        InvalidInput: `bad_entry`: something is missing, or not of its kind. `bad_position`.
    """
    try:
        kind = fields["type"]
        if kind == "message":
            return Message(
                _text(fields["room"]),
                Position.parse(_text(fields["position"])),
                _text(fields["id"]),
                _text(fields["kind"]),
                Author(_text(fields["author"]["name"]), _text(fields["author"]["role"])),
                _text(fields["text"]),
                _milliseconds(fields["at"]),
                re=None if fields.get("re") is None else _text(fields["re"]),
                data=fields.get("data"),
                retracted=fields.get("retracted") is True,
            )
        if kind == "retraction":
            return Retraction(
                _text(fields["room"]),
                Position.parse(_text(fields["position"])),
                _text(fields["target"]),
                _milliseconds(fields["at"]),
            )
        if kind == "gap":
            return Gap(
                _text(fields["room"]),
                Position.parse(_text(fields["from"])),
                Position.parse(_text(fields["to"])),
                GapReason(fields["reason"]),
            )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InvalidInput(f"This is not an entry as the protocol writes it: {error!r}.", code="bad_entry") from None
    raise InvalidInput("An entry's type is message, retraction or gap.", code="bad_entry")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {type(value).__name__}")
    return value


def _milliseconds(written: object) -> int:
    return (datetime.fromisoformat(_text(written)) - _BEGIN) // _MILLISECOND
