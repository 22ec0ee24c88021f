"""A histogram that costs one comparison and one addition for a whole group of equal observations.

The hot path observes a thousand deliveries at once; exporters read `buckets`, `count` and `total` when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

LATENCY_BOUNDS_SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds, from half a millisecond (one listener, idle) to ten seconds (an outage): each about twice the one
before."""


class Histogram:
    """Counts of observations up to each bound, as Prometheus has them but not yet cumulated."""

    __slots__ = ("bounds", "count", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.count = 0
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Note `value` as seen `times` times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.count += times
        self.total += value * times

    def add(self, other: Histogram) -> None:
        """Note everything that `other` has seen, which has the same bounds."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.count += other.count
        self.total += other.total

    def cumulated(self) -> list[tuple[float, int]]:
        """(upper bound, observations up to it), the last bound infinite."""
        pairs, running = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            running += count
            pairs.append((bound, running))
        return pairs

    def quantile(self, fraction: float) -> float:
        """The upper bound of the bucket that holds this fraction of the observations; 0.0 when there are none."""
        if not self.count:
            return 0.0
        return next(bound for bound, running in self.cumulated() if running >= fraction * self.count)
