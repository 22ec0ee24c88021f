"""Whether there is memory for so many listeners, their sockets, and those of them who stop reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fanout.edge.settings import SEND_BUFFER_BYTES
from fanout.server.doctor.demand import MARGIN, Demand
from fanout.server.doctor.finding import Finding, judged, size

PAGE_BYTES: Final = 4096
"""What tcp_mem counts in, on the machines that there are."""


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """Memory that can be had.

    Args:
        available: Bytes that programs may still take (MemAvailable).
        left_in_group: Bytes that the control group leaves; None without a limit.
        tcp_mem: Pages at which TCP is easy, under pressure, and at its end.
        wmem_max: Bytes of send buffer that a program may ask for (net.core.wmem_max).
    """

    available: int
    left_in_group: int | None
    tcp_mem: tuple[int, int, int]
    wmem_max: int

    @property
    def free(self) -> int:
        """Bytes that can be had under both limits."""
        return self.available if self.left_in_group is None else min(self.available, self.left_in_group)


def check_memory(facts: MemoryFacts, demand: Demand) -> Finding:
    """Bytes for processes, listeners and stalled listeners."""
    short = facts.free < demand.memory
    grouped = facts.left_in_group is not None and facts.left_in_group < facts.available
    more = size(demand.memory * MARGIN)
    change = [f"MemoryMax={more.replace(' ', '').replace('iB', '')} or more in the unit, or the container's limit"]
    if not grouped:
        change = [f"have {more} free: a larger machine, or fewer other programs on it"]
    return judged(
        "memory",
        f"{size(facts.free)} free" + (" in this control group" if grouped else ""),
        f"{size(demand.memory)}, and better {more}",
        "Listeners, their sockets, and a tenth of them stalled; what has no memory is killed by the kernel, with "
        "everybody on it.",
        bad=change if short else [],
        warn=change if not short and facts.free < demand.memory * MARGIN else [],
    )


def check_socket_memory(facts: MemoryFacts, demand: Demand) -> Finding:
    """Whether TCP as a whole may hold what is on its way to everybody."""
    pages = -(-demand.socket_memory // PAGE_BYTES)
    _, pressure, most = facts.tcp_mem
    raised = f'sysctl -w net.ipv4.tcp_mem="{pages} {pages * 2} {pages * 3}"'
    warn = [raised] if pages > pressure else []
    if facts.wmem_max < SEND_BUFFER_BYTES:
        warn.append(f"sysctl -w net.core.wmem_max={SEND_BUFFER_BYTES}")
    return judged(
        "socket memory",
        f"tcp_mem {' '.join(map(str, facts.tcp_mem))} pages, wmem_max {size(facts.wmem_max)}",
        f"{pages:,} pages, {size(SEND_BUFFER_BYTES)}",
        "Under pressure the kernel makes every buffer small, and at its end it drops what should be sent.",
        bad=[raised] if pages > most else [],
        warn=warn if pages <= most else [],
    )
