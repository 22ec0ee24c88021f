"""Who decides whether the evening met its objectives: one judge a process; workers tell the master."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from locust.env import Environment

from fanout.client.comeback import Ending
from fanout.client.crowd.listener import Listener, count_behind
from fanout.client.crowd.reading import Readings
from fanout.client.crowd.tally import Tally

FAULTS = {"gaps": "gap", "lost": "lost", "repeated": "duplicate", "disordered": "order", "out_of_step": "protocol"}
"""What is counted, and the word for it in locust's list of failures."""

SHOWN_AT_ONCE = 20
"""Most failures of one kind that are put into locust's statistics at a time; the judge's own counts are exact."""


class Broken(Exception):
    """A promise was broken; the text is what locust's list of failures groups by."""


class Judge:
    """Collects what every simulated listener saw, reports it to locust as it happens, and has the last word."""

    def __init__(self, environment: Environment, *, p99_seconds: float, late_seconds: float) -> None:
        self._environment = environment
        self._p99_seconds = p99_seconds
        self.tally = Tally(budget_seconds=late_seconds)
        self.late_ms = late_seconds * 1000
        self.readings = Readings()
        self.listeners: set[Listener] = set()
        self._told = asdict(self.tally.counts)

    def begin(self) -> None:
        """Forget everything: a new run begins."""
        self.tally.taken()
        self.listeners.clear()
        self._told = asdict(self.tally.counts)

    def welcomed(self, listener: Listener, seconds: float) -> None:
        """A connection stands."""
        self._fire("WS", "resume" if listener.returning else "connect", seconds)

    def line_ended(self, listener: Listener, ending: Ending) -> None:
        """A connection ended. That is what the break is for, so it is a failure only if it never stood."""
        if not listener.live and ending.reason:
            name = "resume" if listener.has_been_here else "connect"
            self._fire("WS", name, 0.0, Broken(f"{ending.status or ending.close_code} {ending.reason}"))

    def observed(self, latencies: list[tuple[float, int, str]]) -> None:
        """Messages were delivered: one request each, whatever number of listeners of this process had it at this time.

        The judge's histogram has every single delivery; locust's own statistics are for looking at while it runs.
        """
        for seconds, _, _ in latencies:
            late = Broken(f"late > {self.late_ms:g} ms") if seconds * 1000 > self.late_ms else None
            self._fire("WSR", "deliver/stage", seconds, late)
        self.tell_faults()

    def tell_faults(self) -> None:
        """Put what was newly counted as broken into locust's failures."""
        counts = asdict(self.tally.counts)
        for name, word in FAULTS.items():
            for _ in range(min(counts[name] - self._told[name], SHOWN_AT_ONCE)):
                self._fire("WSR", "deliver/stage", 0.0, Broken(f"{word} lane=stage"))
        self._told = counts

    def look_around(self) -> None:
        """At the close, when nothing is being published any more: who is missing, and who is behind the others?"""
        self.tally.counts.absent += sum(not listener.live for listener in self.listeners)
        self.tally.counts.behind += count_behind(self.listeners)

    def evidence(self) -> dict[str, Any]:
        """All that was seen since the last time: for the master."""
        self.tell_faults()
        record = self.tally.taken()
        self._told = asdict(self.tally.counts)
        return record

    def verdict(self) -> list[str]:
        """The objectives that were missed, as sentences."""
        return self.tally.broken_promises(p99_seconds=self._p99_seconds, gaps_allowed=False)

    def _fire(self, kind: str, name: str, seconds: float, exception: Exception | None = None) -> None:
        self._environment.events.request.fire(
            request_type=kind, name=name, response_time=seconds * 1000, response_length=0, exception=exception,
            context={},
        )  # fmt: skip
