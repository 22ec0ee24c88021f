"""What a client may say on a WebSocket, and how it is read: JSON in text frames or MessagePack in binary frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgpack
import msgspec

from fanout.core.position import Position
from fanout.core.room import room_name
from fanout.errors import InvalidInput
from fanout.wire.rendered import Format

MAX_REF_CHARACTERS: Final = 200
"""Characters of a `ref`, which comes back with the answer: as long as an idempotency key. Beyond: `bad_field`."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Listen to one more room; `after` resumes, `last` replays the last N messages."""

    room: str
    after: Position | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Listen to it no more."""

    room: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a `pong`: browsers can't send a ping frame."""


@dataclass(frozen=True, slots=True)
class Submit:
    """A visitor's message, to be decided on. `ref` comes back with the answer."""

    room: str
    text: str
    name: str = ""
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """A staff member's message. `ref` comes back with the answer; `re` is the id of the message that it refers to."""

    room: str
    text: str
    kind: str = "message"
    ref: str | None = None
    re: str | None = None
    data: Mapping[str, Any] | None = None


Command = Subscribe | Unsubscribe | Ping | Submit | Publish


class BadCommand(InvalidInput):
    """A command that is not accepted; `ref` is its own, if one could be made out."""

    def __init__(self, detail: str, *, code: str, ref: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.ref = ref


_Ref = Annotated[str, msgspec.Meta(max_length=MAX_REF_CHARACTERS)]


class _Said(msgspec.Struct, tag_field="type", frozen=True):
    """A command as it was written: every field of its type, nothing looked up yet."""


class _Subscribe(_Said, tag="subscribe", frozen=True):
    room: str
    after: str | None = None
    last: Annotated[int, msgspec.Meta(ge=0)] | None = None


class _Unsubscribe(_Said, tag="unsubscribe", frozen=True):
    room: str


class _Ping(_Said, tag="ping", frozen=True):
    pass


class _Submit(_Said, tag="submit", frozen=True):
    room: str
    text: str
    name: str = ""
    ref: _Ref | None = None


class _Publish(_Said, tag="publish", frozen=True):
    room: str
    text: str
    kind: str = "message"
    ref: _Ref | None = None
    re: str | None = None
    data: dict[str, Any] | None = None


_AnySaid = _Subscribe | _Unsubscribe | _Ping | _Submit | _Publish
_read_json = msgspec.json.Decoder(_AnySaid).decode


def read_command(payload: str | bytes, format: Format) -> Command:
    """The command in one WebSocket message: a text message for `Format.JSON`, a binary one for `Format.MSGPACK`.

    Raises:
        BadCommand: An InvalidInput with the code `wrong_frame`, `bad_json`, `bad_msgpack`, `unknown_type`,
            `missing_field`, `bad_field`, `bad_room_name` or `bad_position`, and the command's `ref` if it had one.
    """
    if isinstance(payload, str) is (format is Format.MSGPACK):
        wanted = "binary messages with MessagePack" if format is Format.MSGPACK else "text messages with JSON"
        raise BadCommand(f"This connection takes {wanted}.", code="wrong_frame")
    try:
        said = _read_json(payload) if format is Format.JSON else msgspec.convert(_unpacked(payload), _AnySaid)
        return _command(said)
    except InvalidInput as error:
        raise BadCommand(error.detail, code=error.code, ref=_ref_of(payload, format)) from None
    except msgspec.ValidationError as error:
        raise _refused(str(error), _ref_of(payload, format)) from None
    except (msgspec.DecodeError, RecursionError):
        raise BadCommand("This is not JSON, or nested too deep.", code="bad_json") from None


def _command(said: _AnySaid) -> Command:
    match said:
        case _Subscribe():
            after = None if said.after is None else Position.parse(said.after)
            return Subscribe(room_name(said.room), after, said.last)
        case _Unsubscribe():
            return Unsubscribe(room_name(said.room))
        case _Ping():
            return Ping()
        case _Submit():
            return Submit(room_name(said.room), said.text, said.name, said.ref)
        case _Publish():
            return Publish(room_name(said.room), said.text, said.kind, said.ref, said.re, said.data)


def _unpacked(payload: str | bytes) -> object:
    """MessagePack as JSON knows it: no extension types, no raw bytes, text as keys."""
    try:
        return msgpack.unpackb(payload, raw=False, strict_map_key=True, max_bin_len=0, max_ext_len=0)
    except (ValueError, RecursionError, msgpack.UnpackException):
        raise InvalidInput(
            "This is not MessagePack, nested too deep, or has binary or extension values.", code="bad_msgpack"
        ) from None


def _refused(reason: str, ref: str | None) -> BadCommand:
    if "`$.type`" in reason or "`type`" in reason:
        return BadCommand(
            "A command's type is subscribe, unsubscribe, ping, submit or publish.", code="unknown_type", ref=ref
        )
    code = "missing_field" if "missing required field" in reason else "bad_field"
    return BadCommand(f"{reason}.", code=code, ref=ref)


def _ref_of(payload: str | bytes, format: Format) -> str | None:
    try:
        said: object = msgspec.json.decode(payload) if format is Format.JSON else _unpacked(payload)
    except (msgspec.DecodeError, RecursionError, InvalidInput):
        return None
    ref = said.get("ref") if isinstance(said, dict) else None
    return ref if isinstance(ref, str) and len(ref) <= MAX_REF_CHARACTERS else None
