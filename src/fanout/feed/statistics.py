"""What an edge has counted, as a frozen copy for whoever asks, and the sum of several edges."""

from __future__ import annotations

from dataclasses import dataclass

from fanout.core.histogram import Histogram


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
        rooms: By name.
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
