"""What edges and the engine's process say to each other, as bytes: MessagePack behind its length."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from fanout import errors
from fanout.core.message import Author, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.wire.feed_messages import Fault, FromEdge, Items, MessageItem, RetractionItem, ToEdge

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Longest message. The largest that is sent is 512 entries of a room; what claims to be longer is no message."""

_LENGTH: Final = struct.Struct(">I")

_encode: Final = msgspec.msgpack.Encoder().encode
read_from_edge: Final = msgspec.msgpack.Decoder(FromEdge).decode
read_to_edge: Final = msgspec.msgpack.Decoder(ToEdge).decode


def framed(said: FromEdge | ToEdge) -> bytes:
    """A message as it goes over the socket."""
    payload = _encode(said)
    return _LENGTH.pack(len(payload)) + payload


class MessageReader:
    """Cuts what comes over the socket into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """The messages that are whole with these bytes.

        Raises:
            ValueError: This is not what the other end would send.
        """
        self._buffer += data
        found = []
        begin = 0
        while len(self._buffer) >= begin + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, begin)
            if length > MAX_MESSAGE_BYTES:
                raise ValueError(f"a message of {length} bytes; {MAX_MESSAGE_BYTES} are the most")
            end = begin + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            found.append(bytes(self._buffer[begin + _LENGTH.size : end]))
            begin = end
        del self._buffer[:begin]
        return found


def items_of(entries: Iterable[Entry]) -> Items:
    """Entries of one room, as a batch carries them."""
    return [
        MessageItem(
            entry.position.seq,
            entry.id,
            entry.kind,
            entry.author.name,
            entry.author.role,
            entry.text,
            entry.at,
            entry.re,
            _plain(entry.data),
            entry.retracted,
        )
        if isinstance(entry, Message)
        else RetractionItem(entry.position.seq, entry.target, entry.at)
        for entry in entries
    ]


def entries_of(room: str, epoch: str, items: Sequence[MessageItem | RetractionItem]) -> list[Entry]:
    """The entries that `items_of` was given."""
    return [
        Message(
            room,
            Position(epoch, item.seq),
            item.id,
            item.kind,
            Author(item.name, item.role),
            item.text,
            item.at,
            re=item.re,
            data=item.data,
            retracted=item.retracted,
        )
        if isinstance(item, MessageItem)
        else Retraction(room, Position(epoch, item.seq), item.target, item.at)
        for item in items
    ]


def _plain(data: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if data is None else dict(data)


_KINDS: Final[dict[str, type[errors.FanoutError]]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.FanoutError)
}


def fault_of(error: errors.FanoutError) -> Fault:
    """An error, as a message carries it. One whose kind is not in `fanout.errors` goes as the nearest that is."""
    kind = next(known.__name__ for known in type(error).__mro__ if _KINDS.get(known.__name__) is known)
    return Fault(kind, error.code, error.detail, getattr(error, "after_s", None))


def error_of(fault: Fault) -> errors.FanoutError:
    """The error to raise: of the same kind, code and detail."""
    kind = _KINDS.get(fault.kind, errors.FanoutError)
    if issubclass(kind, errors.TooSoon):
        return kind(fault.detail, after_s=fault.after_s or 0.0)
    if issubclass(kind, errors.EngineAway):
        return kind(fault.detail)
    if issubclass(kind, errors.ConfigurationError | errors.ProtocolViolation | errors.ListenerOvertaken):
        kind = errors.FanoutError  # none of them comes of what a feed is asked
    return kind(fault.detail, code=fault.code)
