"""The processes that carry listeners, where they have some of their own: what each does, and how many there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ProcessCounts:
    """One process now.

    Args:
        listeners, deliveries: Of an edge; 0 for the engine's process.
        behind: Entries that it has not been sent, in the room where it is furthest behind.
        overtaken: How often it fell out of a room's ring, so that its listeners had to be told.
    """

    process: str
    pid: int
    listeners: int = 0
    deliveries: int = 0
    behind: int = 0
    overtaken: int = 0


class Fleet(Protocol):
    """Knows the processes."""

    def processes(self) -> Sequence[ProcessCounts]:
        """Those that are there now, by what they had counted when somebody last asked."""
        ...

    def edges(self) -> dict[str, Any]:
        """How many edges are `running` and `wanted`, and which processes are `failing`: they do nothing but die."""
        ...


class FleetCollector(Collector):
    """What each process does and costs, by process."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterable[Metric]:
        listeners = GaugeMetricFamily("fanout_process_listeners", "Listeners of an edge now.", labels=["process"])
        deliveries = CounterMetricFamily(
            "fanout_process_deliveries", "Messages that an edge has handed to sockets.", labels=["process"]
        )
        behind = GaugeMetricFamily(
            "fanout_process_behind", "Entries that an edge has not been sent, in its worst room.", labels=["process"]
        )
        overtaken = CounterMetricFamily(
            "fanout_process_overtaken", "Times that an edge fell out of a room's ring.", labels=["process"]
        )
        cpu = CounterMetricFamily("fanout_process_cpu_seconds", "CPU time of a process.", labels=["process"])
        memory = GaugeMetricFamily("fanout_process_resident_bytes", "Memory of a process.", labels=["process"])
        for one in self._fleet.processes():
            label = [one.process]
            used = _used(one.pid)
            if used is not None:
                cpu.add_metric(label, used[0])
                memory.add_metric(label, used[1])
            listeners.add_metric(label, one.listeners)
            deliveries.add_metric(label, one.deliveries)
            behind.add_metric(label, one.behind)
            overtaken.add_metric(label, one.overtaken)
        return (listeners, deliveries, behind, overtaken, cpu, memory)


def _used(pid: int) -> tuple[float, int] | None:
    """CPU seconds and resident bytes of a process (proc(5), stat); None when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND, int(fields[21]) * PAGE_BYTES
