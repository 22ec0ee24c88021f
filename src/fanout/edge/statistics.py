"""What an edge counts: plain numbers that the hot path adds to."""

from __future__ import annotations

from collections import Counter, defaultdict

from fanout.core.histogram import Histogram


class Counts:
    """The numbers themselves."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.sends = 0
        self.passes = Histogram()
        self.delivery: defaultdict[str, Histogram] = defaultdict(Histogram)
        """By room; of those that have had any."""
        self.gaps: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.handshakes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.listeners = {"websocket": 0, "events": 0}

    def delivered(self, room: str, heard_at: list[float], listeners: int, now: float, missed: int = 0) -> None:
        """Messages of a room, heard at these moments, have just been handed to so many sockets, in one send each. The
        first few may be what a listener had missed before it came: how long that took is no delivery's time."""
        self.sends += listeners
        self.deliveries += listeners * len(heard_at)
        delivery = self.delivery[room]
        for moment in heard_at[missed:] if missed else heard_at:
            delivery.observe(now - moment, listeners)
