"""What an edge has counted, as a frozen copy for whoever asks, and the sum of several edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import msgspec

from fanout.core.histogram import Histogram

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class RoomCounts:
    """One room at this edge, now."""

    listeners: int
    visitors: int


@dataclass(frozen=True, slots=True)
class EdgeStatistics:
    """One edge, now and since it started.

    Args:
        listeners: By transport: `websocket`, `events`.
        slow: Listeners whose socket is full at this moment.
        arriving: Connections whose request is not whole yet.
        visiting: Connections in ordinary HTTP.
        deliveries: Messages handed to sockets; one message to a thousand listeners counts a thousand.
        sends: Calls of send() that carried messages; deliveries / sends is what coalescing saves.
        passes: Duration of walks over an audience, in seconds.
        delivery: From the moment the edge has a message to its hand-over to a socket, in seconds.
        gaps: By reason. closes: By code. handshakes: By result. errors: Refused commands, by code.
        rooms: By name. room_slow: As `slow`, by room; one who listens to several counts in each.
        room_delivery: As `delivery`, by room.
    """

    listeners: dict[str, int]
    slow: int
    arriving: int
    visiting: int
    deliveries: int
    sends: int
    passes: Histogram
    delivery: Histogram
    gaps: dict[str, int]
    closes: dict[int, int]
    handshakes: dict[str, int]
    errors: dict[str, int]
    rooms: dict[str, RoomCounts]
    room_slow: dict[str, int] = field(default_factory=dict)
    room_delivery: dict[str, Histogram] = field(default_factory=dict)


def summed(parts: Sequence[EdgeStatistics], rooms: Mapping[str, RoomCounts]) -> EdgeStatistics:
    """What these edges are and have done together. How many people are in `rooms` is for somebody else to say: one may
    listen at two edges."""
    return EdgeStatistics(
        listeners=_sum(part.listeners for part in parts),
        slow=sum(part.slow for part in parts),
        arriving=sum(part.arriving for part in parts),
        visiting=sum(part.visiting for part in parts),
        deliveries=sum(part.deliveries for part in parts),
        sends=sum(part.sends for part in parts),
        passes=total(part.passes for part in parts),
        delivery=total(part.delivery for part in parts),
        gaps=_sum(part.gaps for part in parts),
        closes=_sum(part.closes for part in parts),
        handshakes=_sum(part.handshakes for part in parts),
        errors=_sum(part.errors for part in parts),
        rooms=dict(rooms),
        room_slow=_sum(part.room_slow for part in parts),
        room_delivery=_by_room([part.room_delivery for part in parts]),
    )


def of_the_gone(statistics: EdgeStatistics) -> EdgeStatistics:
    """What stays of an edge that is gone: what it has done, not who was there; so that sums never go back."""
    return replace(
        statistics,
        listeners=dict.fromkeys(statistics.listeners, 0),
        slow=0,
        arriving=0,
        visiting=0,
        rooms={},
        room_slow={},
    )


def _sum(tables: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    total: Counter[Key] = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def total(parts: Iterable[Histogram]) -> Histogram:
    """All of them in one."""
    whole = Histogram()
    for part in parts:
        whole.add(part)
    return whole


def _by_room(parts: Sequence[Mapping[str, Histogram]]) -> dict[str, Histogram]:
    rooms = {room for part in parts for room in part}
    return {room: total(part[room] for part in parts if room in part) for room in rooms}


def packed(statistics: EdgeStatistics) -> bytes:
    """As one process sends it to another."""
    return _packer.encode(statistics)


def unpacked(data: bytes) -> EdgeStatistics:
    """What `packed` was given."""
    return _unpacker.decode(data)


def _plain(value: Any) -> Any:
    assert isinstance(value, Histogram)
    return value.counts, value.total


def _histogram_of(kind: type, value: Any) -> Any:
    assert kind is Histogram
    histogram = Histogram()
    histogram.counts, histogram.total = list(value[0]), value[1]
    histogram.count = sum(histogram.counts)
    return histogram


_packer: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_unpacker: Final = msgspec.msgpack.Decoder(EdgeStatistics, dec_hook=_histogram_of)
