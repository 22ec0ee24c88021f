"""What a crowd has seen, added up: deliveries, their latency, and every way in which a promise can be broken."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from fanout.client.crowd.hdr import BOUNDS_SECONDS
from fanout.client.crowd.reading import Heard, Run
from fanout.core.histogram import Histogram


@dataclass(slots=True)
class Counts:
    """Everything that is counted, in listeners' events.

    `lost`: positions jumped over without a gap. `repeated`: positions had before. `disordered`: positions that came
    after a later one. `announced`: positions named in a gap. `caught_up`: deliveries of what was published before the
    listener was there; they count as deliveries, but say nothing of latency. `behind`: positions that others had and a
    connected listener did not, at the end. `absent`: listeners that were not connected then.
    """

    connected: int = 0
    resumed: int = 0
    refused: int = 0
    cut: int = 0
    stopped: int = 0
    delivered: int = 0
    caught_up: int = 0
    gaps: int = 0
    announced: int = 0
    lost: int = 0
    repeated: int = 0
    disordered: int = 0
    out_of_step: int = 0
    late: int = 0
    behind: int = 0
    absent: int = 0


@dataclass(slots=True)
class Tally:
    """Counts, the latency of live deliveries, and why connections ended (bounded: a server can't fill it).

    `budget_seconds`: deliveries that took longer are `late`.
    """

    budget_seconds: float = math.inf
    counts: Counts = field(default_factory=Counts)
    latency: Histogram = field(default_factory=lambda: Histogram(BOUNDS_SECONDS))
    endings: dict[str, int] = field(default_factory=dict)
    answers: list[Heard] = field(default_factory=list)
    """What listeners were told of what they said, until the loop passes it on."""
    _heard: list[Run] = field(default_factory=list)

    def deliver(self, run: Run) -> None:
        """One listener had this run, live. Its latency is observed at the next `flush`."""
        if not run.heard:
            self._heard.append(run)
        run.heard += 1

    def flush(self, now_ns: int) -> list[tuple[float, int, str]]:
        """Observe what was delivered since the last flush: it was read just before `now_ns` of the monotonic clock.

        Returns (seconds, listeners, room) for each message, for whoever reports them elsewhere too.
        """
        observed = []
        for run in self._heard:
            times, run.heard = run.heard, 0
            for sent_ns in run.sent_ns:
                seconds = (now_ns - sent_ns) / 1e9
                self.latency.observe(seconds, times)
                if seconds > self.budget_seconds:
                    self.counts.late += times
                observed.append((seconds, times, run.room))
        self._heard.clear()
        return observed

    def ended(self, why: str) -> None:
        """A connection ended for this reason."""
        if why in self.endings or len(self.endings) < 50:
            self.endings[why] = self.endings.get(why, 0) + 1

    def broken_promises(self, *, p99_seconds: float, gaps_allowed: bool) -> list[str]:
        """Every objective that was missed, as a sentence; empty when all are met."""
        counts = self.counts
        missed = []
        if not counts.delivered:
            missed.append("nothing was delivered")
        if counts.gaps and not gaps_allowed:
            missed.append(f"gap: {counts.announced} deliveries were announced as missing in {counts.gaps} gaps")
        if counts.lost:
            missed.append(f"lost: {counts.lost} deliveries were missing and no gap said so")
        if counts.repeated:
            missed.append(f"duplicate: {counts.repeated} deliveries came twice")
        if counts.disordered:
            missed.append(f"order: {counts.disordered} deliveries came after a later one")
        if counts.behind:
            missed.append(f"behind: {counts.behind} deliveries had not come when everybody else had them")
        if counts.absent:
            missed.append(f"absent: {counts.absent} listeners were not connected at the end")
        if counts.out_of_step:
            missed.append(f"protocol: {counts.out_of_step} connections carried what no server may send")
        if counts.stopped:
            missed.append(f"stopped: {counts.stopped} listeners were sent away for good")
        if self.latency.count and (p99 := self.latency.quantile(0.99)) > p99_seconds:
            missed.append(f"late: p99 is {p99 * 1000:.1f} ms, the objective {p99_seconds * 1000:g} ms")
        return missed

    def figures(self) -> dict[str, Any]:
        """The counts and the latency's quantiles in milliseconds (None before anything was observed)."""
        quantiles = {
            f"{name}_ms": round(self.latency.quantile(fraction) * 1000, 2) if self.latency.count else None
            for name, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        }
        return asdict(self.counts) | quantiles

    def taken(self) -> dict[str, Any]:
        """All of it as plain values, and start again from zero: what a load worker sends to its master."""
        record = {
            "counts": asdict(self.counts),
            "latency": [self.latency.counts, self.latency.count, self.latency.total],
            "endings": self.endings,
        }
        self.counts, self.latency, self.endings = Counts(), Histogram(BOUNDS_SECONDS), {}
        return record

    def add(self, record: dict[str, Any]) -> None:
        """Add what another tally's `taken` returned."""
        for each in fields(Counts):
            setattr(self.counts, each.name, getattr(self.counts, each.name) + record["counts"][each.name])
        counts, count, total = record["latency"]
        self.latency.counts = [mine + other for mine, other in zip(self.latency.counts, counts, strict=True)]
        self.latency.count += count
        self.latency.total += total
        for why, times in record["endings"].items():
            self.endings[why] = self.endings.get(why, 0) + times
