"""What a load process has seen since it last said so: counts and latencies, added up where they arrive."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from typing import Any, Final

from fanout.client.crowd.hdr import BOUNDS_SECONDS
from fanout.core.histogram import Histogram

LEAST_SECONDS: Final = 0.5
"""A share of a core over less than this says little."""


class Evidence:
    """Counts by name, latencies by name. Threads may share it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: dict[str, Histogram] = {}
        self._lock = threading.Lock()
        self._cpu, self._at = time.process_time(), time.monotonic()
        self.lag = 0.0
        """Seconds by which this process was late with something, at worst."""

    def count(self, name: str, times: int = 1) -> None:
        """It happened so often."""
        with self._lock:
            self.counts[name] += times

    def observe(self, name: str, seconds: float, times: int = 1) -> None:
        """It took so long."""
        with self._lock:
            self._histogram(name).observe(seconds, times)

    def late(self, seconds: float) -> None:
        """This process did something so much later than it meant to."""
        self.lag = max(self.lag, seconds)

    def quantile(self, name: str, fraction: float) -> float | None:
        """In seconds, at most 1 % too high; None where nothing was observed. What lies beyond the last bound counts as
        that."""
        found = self.latencies.get(name)
        return min(found.quantile(fraction), BOUNDS_SECONDS[-1]) if found is not None and found.count else None

    def taken(self) -> dict[str, Any]:
        """All of it as plain values, and start again from nothing."""
        now, cpu = time.monotonic(), time.process_time()
        with self._lock:
            record = {
                "counts": dict(self.counts),
                "latencies": {name: sparse(found) for name, found in self.latencies.items()},
                "cpu": round((cpu - self._cpu) / max(now - self._at, LEAST_SECONDS), 3),
                "lag": round(self.lag, 4),
            }
            self.counts.clear()
            self.latencies.clear()
        self._cpu, self._at, self.lag = cpu, now, 0.0
        return record

    def add(self, record: dict[str, Any]) -> None:
        """Add what another's `taken` returned, but for its processor time and lag, which are of one process."""
        self.counts.update(record["counts"])
        for name, (counts, total) in record["latencies"].items():
            histogram = self._histogram(name)
            for bucket, times in counts.items():
                histogram.counts[int(bucket)] += times
                histogram.count += times
            histogram.total += total

    def _histogram(self, name: str) -> Histogram:
        found = self.latencies.get(name)
        if found is None:
            found = self.latencies[name] = Histogram(BOUNDS_SECONDS)
        return found


def sparse(histogram: Histogram) -> tuple[dict[int, int], float]:
    """Its buckets that are not empty, by number, and its total: what goes into a line of JSON."""
    return {number: times for number, times in enumerate(histogram.counts) if times}, histogram.total


def say(record: dict[str, Any]) -> None:
    """One line on stdout, at once."""
    try:
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever started us is gone, and so is everybody who would want to know
        os._exit(1)


class Clock:
    """The seconds since the doors opened, on the monotonic clock that all processes of the machine share."""

    def __init__(self, begin: float) -> None:
        self.begin = begin

    def now(self) -> float:
        return time.monotonic() - self.begin

    def due_ns(self, t: float) -> int:
        """The moment `t` in nanoseconds of the monotonic clock: what a line carries."""
        return int((self.begin + t) * 1e9)

    def sleep_until(self, t: float) -> None:
        """Return at `t`, or at once when it is past."""
        time.sleep(max(0.0, t - self.now()))
