"""What an edge has counted: plain numbers that the hot path adds to, and a frozen copy for whoever asks."""

from __future__ import annotations

from collections import Counter
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


class Counts:
    """The numbers themselves."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.sends = 0
        self.passes = Histogram()
        self.delivery = Histogram()
        self.gaps: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.handshakes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.listeners = {"websocket": 0, "events": 0}

    def delivered(self, heard_at: list[float], listeners: int, now: float) -> None:
        """Messages heard at these moments have just been handed to so many sockets, in one send each."""
        self.sends += listeners
        self.deliveries += listeners * len(heard_at)
        for moment in heard_at:
            self.delivery.observe(now - moment, listeners)
