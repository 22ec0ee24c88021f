"""What so many listeners need: seats, workers, memory, disk. The figures are measured; each says how."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from fanout.server.edge_share import edge_settings
from fanout.server.settings import Config

KIB: Final = 1024
MIB: Final = 1024 * KIB

USER_BYTES: Final = 0.5 * KIB
"""A listener in the server's own memory (benchmarks/rows/idle_memory.py)."""

TLS_BYTES: Final = 15 * KIB
"""What TLS in the server adds to that: 2,000 event streams over TLS 1.3 made its RSS grow by 14.9 KiB each."""

KERNEL_BYTES: Final = 6 * KIB
"""Our end of a listener's connection in the kernel: with 12,000 event streams over loopback its slab grew by 10.0 KiB
each, of which the client's end is 4.0 (9,000 bare pairs: 8.0)."""

MESSAGE_BYTES: Final = 2 * KIB
"""What a short message on its way takes in the kernel at most, headers and rounding included (skb->truesize)."""

STALLED_BYTES: Final = 50 * KIB
"""What the kernel holds for a listener that stops reading (benchmarks/rows/stalled_readers.py)."""

STALLED_SHARE: Final = 0.1
"""How many of all may have stopped reading at the same time: what that benchmark tries."""

PROCESS_BYTES: Final = 60 * MIB
"""A server without listeners: 56 MiB with CPython 3.11."""

DELIVERIES_PER_SECOND: Final = 40_000
"""What one core sends of single messages: half of what was measured (benchmarks/rows/one_at_a_time.py)."""

SUBMISSIONS: Final = 1_324_085
"""What the largest known evening received, SMS and WAP, from 1,008,029 people."""

SUBMISSION_BYTES: Final = 600
"""A submission in the desk's file: 510 for 30,000 SMS of 120 characters, each from somebody else."""

MESSAGES: Final = 100_000
"""Messages of an evening: twenty rooms in which something is said every three seconds for four hours."""

LOGGED_BYTES: Final = 400
"""A message in the log's file: 310 for 10,000 of 200 characters."""

MARGIN: Final = 2
"""A machine should have so many times what is needed: figures of one machine are guesses about another."""

UNEVEN: Final = 4
"""Chance deals listeners to workers (SO_REUSEPORT hashes addresses), so the fullest has some more than its share: four
standard deviations, that is four times the square root of it."""

MOST_WORKERS_PER_CORE: Final = 4
"""Beyond that the descriptor limit is what is wrong, not the number of workers."""


def seats_of(descriptors: int) -> int:
    """How many listeners a process with so many descriptors seats."""
    return edge_settings(Config(), descriptors).max_listeners


def descriptors_for(listeners: int) -> int:
    """How many descriptors a process needs to seat so many."""
    usual = edge_settings(Config(), 1_000_000)
    return listeners + 1_000_000 - usual.max_listeners


def fullest(listeners: int, workers: int) -> int:
    """Listeners of the fullest process, with `workers` workers (0: the only process has all)."""
    if workers <= 1:
        return listeners
    share = ceil(listeners / workers)
    return min(listeners, share + ceil(UNEVEN * sqrt(share)))


def workers_for(listeners: int, seats: int) -> int:
    """The fewest workers that seat so many; 0 when a single process does."""
    if listeners <= seats:
        return 0
    workers = max(2, ceil(listeners / seats))
    while workers < listeners and fullest(listeners, workers) > seats:
        workers += 1
    return workers


def most_seated(workers: int, seats: int) -> int:
    """The most listeners that so many workers seat, however chance deals them."""
    if workers <= 1:
        return seats
    share = bisect_right(range(1, seats + 1), seats, key=lambda each: each + ceil(UNEVEN * sqrt(each)))
    return max(seats, share * workers)  # whoever is in one process at the worst is one of all


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the machine.

    Args:
        listeners: How many at the same time.
        workers: Worker processes beside the engine's; 0: a single process does it all.
        tls: TLS is the server's own work.
        behind_proxy: A proxy stands before it.
        over_tcp: That proxy connects over TCP, and not over a Unix socket.
    """

    listeners: int
    workers: int
    tls: bool = False
    behind_proxy: bool = False
    over_tcp: bool = True

    @property
    def processes(self) -> int:
        return self.workers + 1

    @property
    def memory(self) -> int:
        """Bytes for everybody, with a tenth of them stalled."""
        return self.processes * PROCESS_BYTES + int(self.listeners * bytes_each(tls=self.tls))

    @property
    def socket_memory(self) -> int:
        """Bytes of what the kernel holds for sockets, on its way or stalled."""
        return int(self.listeners * (MESSAGE_BYTES + STALLED_SHARE * STALLED_BYTES))

    @property
    def disk(self) -> int:
        """Bytes by which the data directory grows in the largest known evening."""
        return SUBMISSIONS * SUBMISSION_BYTES + MESSAGES * LOGGED_BYTES

    @property
    def fullest(self) -> int:
        """Listeners of the fullest process."""
        return fullest(self.listeners, self.workers)


def bytes_each(*, tls: bool) -> float:
    """Memory of one listener, its share of the stalled included."""
    own = USER_BYTES + KERNEL_BYTES + (TLS_BYTES if tls else 0)
    return own + MESSAGE_BYTES + STALLED_SHARE * STALLED_BYTES
