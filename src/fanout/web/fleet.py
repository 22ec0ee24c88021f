"""The processes of a server: what each does and costs; and how many there are that carry listeners, where these have
some of their own."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable, Sequence
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
        listeners, slow, deliveries: Of what carries listeners; 0 for the engine's process beside edges.
        behind: Entries that it has not been sent, in the room where it is furthest behind.
        overtaken: How often it fell out of a room's ring, so that its listeners had to be told.
    """

    process: str
    pid: int
    listeners: int = 0
    slow: int = 0
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

    def __init__(self, processes: Callable[[], Sequence[ProcessCounts]]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        listeners = GaugeMetricFamily("fanout_process_listeners", "Listeners of a process now.", labels=["process"])
        slow = GaugeMetricFamily(
            "fanout_process_slow_listeners", "Listeners of a process whose socket is full now.", labels=["process"]
        )
        deliveries = CounterMetricFamily(
            "fanout_process_deliveries", "Messages that a process has handed to sockets.", labels=["process"]
        )
        behind = GaugeMetricFamily(
            "fanout_process_behind", "Entries that an edge has not been sent, in its worst room.", labels=["process"]
        )
        overtaken = CounterMetricFamily(
            "fanout_process_overtaken", "Times that an edge fell out of a room's ring.", labels=["process"]
        )
        cpu = CounterMetricFamily("fanout_process_cpu_seconds", "CPU time of a process.", labels=["process"])
        memory = GaugeMetricFamily("fanout_process_resident_bytes", "Memory of a process.", labels=["process"])
        open_fds = GaugeMetricFamily("fanout_process_open_fds", "Descriptors of a process.", labels=["process"])
        max_fds = GaugeMetricFamily("fanout_process_max_fds", "How many it may have.", labels=["process"])
        for one in self._processes():
            label = [one.process]
            used, resident, fds, most_fds = _used(one.pid)
            if used is not None:
                cpu.add_metric(label, used)
            for family, value in ((memory, resident), (open_fds, fds), (max_fds, most_fds)):
                if value is not None:
                    family.add_metric(label, value)
            listeners.add_metric(label, one.listeners)
            slow.add_metric(label, one.slow)
            deliveries.add_metric(label, one.deliveries)
            behind.add_metric(label, one.behind)
            overtaken.add_metric(label, one.overtaken)
        return (listeners, slow, deliveries, behind, overtaken, cpu, memory, open_fds, max_fds)


def _used(pid: int) -> tuple[float | None, int | None, int | None, int | None]:
    """CPU seconds, resident bytes, descriptors and the most of them that a process may have (proc(5), prlimit(2)); None
    for what can't be known: it has gone, or the kernel does not count descriptors (it does since Linux 6.2)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        open_fds = os.stat(f"/proc/{pid}/fd").st_size  # to list 20,000 of them would take the loop's time
        most, _ = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    except OSError:
        return None, None, None, None
    cpu = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return cpu, int(fields[21]) * PAGE_BYTES, open_fds or None, most
