"""Question: how much more do two workers deliver than one?

10,000 listeners in one room, 200-byte texts, with `--workers 1` and with `--workers 2`, in the same round. On two cores
a client that reads would take what the second worker is to have. So nobody reads while a message is under way: it waits
in the sockets' own buffers, the kernel writes down when it came there (SO_TIMESTAMPNS), and the clients (load/crowd.c)
read and check everything between two messages. The floor is the same with no server at all: one process that sends a
prepared buffer to 10,000 sockets, and two that send it to 5,000 each.

Timed: from handing the message to the publisher's socket until the kernel has it for the last listener.
Not timed: start, handshakes, the first message, the clients' reading. Where a heartbeat comes in between, a listener
seems to have its message as late as that; it touches a tenth of the messages, and the median is what counts.

Rerun: python -m benchmarks second_core
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from benchmarks.load import payload
from benchmarks.load.control import SETTLE_SECONDS
from benchmarks.load.crowd import Crowd
from benchmarks.peers.catalogue import ROOM, Options, Peer
from benchmarks.peers.process import Server
from benchmarks.rows.crowded import TEXT_BYTES
from benchmarks.rows.row import Goal, Measured, Row, Size

QUIET_SECONDS = 0.05
"""When the servers have computed nothing for so long, five of the kernel's ticks, the message is everywhere."""

FLOOR_SETTLE_SECONDS = 1.5
"""Nobody waits for an answer there, so the backlog overflows; who found no room in it comes in a second later."""


class Found(NamedTuple):
    """What some workers did."""

    last_ms: float
    cpu_us: float
    faults: dict[str, int]


def measure(peer: Peer, size: Size) -> Measured:
    one, two = (with_workers(peer, workers, size) for workers in (1, 2))
    values = {
        "ratio": one.last_ms / two.last_ms,
        "one_last_ms": one.last_ms,
        "two_last_ms": two.last_ms,
        "one_us": one.cpu_us,
        "two_us": two.cpu_us,
    }
    return Measured(values, faults=dict(Counter(one.faults) + Counter(two.faults)))


def with_workers(peer: Peer, workers: int, size: Size) -> Found:
    """Measure one server of so many workers, or so many floors that share the listeners."""
    with ExitStack() as stack:
        if peer.floor:
            servers = [stack.enter_context(peer.start(Options(all_cores=True))) for _ in range(workers)]
        else:
            servers = [stack.enter_context(peer.start(Options(workers=workers, all_cores=True)))]
        shares = [(server.target, size.listeners // len(servers)) for server in servers]
        rooms = () if peer.floor else (ROOM,)
        crowd = stack.enter_context(Crowd(shares, TEXT_BYTES, rooms, late=True))
        crowd.connect()
        time.sleep(FLOOR_SETTLE_SECONDS if peer.floor else SETTLE_SECONDS)
        publishers = [server.publisher() for server in servers]
        for publisher in publishers:
            stack.callback(publisher.close)
        times, used = [], 0.0
        for number in range(1, size.messages + 2):
            crowd.expect(number)
            before, due = computed(servers), time.monotonic_ns()
            for publisher in publishers:
                publisher.send(payload.text(number, due, TEXT_BYTES))
            for publisher in publishers:
                publisher.wait()
            wait_until_quiet(servers)
            used += computed(servers) - before
            _, last = crowd.read()
            times.append((last - due) / 1e6)
        report = crowd.report()
    return Found(median(times[1:]), used / report["deliveries"] * 1e6, report["faults"])


def computed(servers: list[Server]) -> float:
    """Seconds of all the servers' processes so far."""
    return sum(sum(server.cpu()) for server in servers)


def wait_until_quiet(servers: list[Server]) -> None:
    before = -1.0
    while (now := computed(servers)) > before:
        before = now
        time.sleep(QUIET_SECONDS)


ROW = Row(
    "second_core",
    "10,000 listeners: two workers beside one, while no client reads",
    ("fanout", "floor-c"),
    Size(10_000, 30),
    Size(1_000, 5),
    measure,
    {
        "ratio": "deliveries/s, two / one",
        "one_last_ms": "one: publish to last, ms",
        "two_last_ms": "two: publish to last, ms",
        "one_us": "one: CPU µs each",
        "two_us": "two: CPU µs each",
    },
    (Goal("two workers deliver 1.7 times what one does", "ratio", 1.7, "least"),),
)
