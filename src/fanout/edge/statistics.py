"""What an edge counts: plain numbers that the hot path adds to."""

from __future__ import annotations

from collections import Counter

from fanout.core.histogram import Histogram


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
