"""Question: how long does one message take when nothing else goes on?

One WebSocket listener on an idle server, 200-byte texts, fifty a second. fanout twice: with its log in memory, and with
the durable log, where a message is on the disk before anybody sees it. The floors understand nothing of what they pass
on: a loop of epoll, read and send in C, and the same inside a turn of trio.

Timed: from just before the publisher's send until the listener's read returns: p50 and p99. Publisher and listener are
one process that does not sleep while a message is on its way, so one process is woken for each message: the server.
Not timed: start and handshake. The disk is the machine's own; a slow fsync is in the figure.

Rerun: python -m benchmarks one_listener
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks.load.control import SETTLE_SECONDS, on_core
from benchmarks.load.lone_listener import LoneListener, latencies_ms
from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.row import Goal, Measured, Row, Size

PER_SECOND: Final = 50
WARM_UP: Final = 10
"""Messages that nobody counts."""


def run(peer: Peer, size: Size, options: Options) -> Measured:
    with peer.start(options) as server, on_core(1):
        listener = LoneListener(server.target)
        time.sleep(SETTLE_SECONDS)
        publisher = server.publisher()
        times = sorted(latencies_ms(listener, publisher, WARM_UP + size.messages, PER_SECOND, 200)[WARM_UP:])
        publisher.close()
        listener.sock.close()
    values = {"p50_ms": times[len(times) // 2], "p99_ms": times[len(times) * 99 // 100]}
    return Measured(values, faults={"wrong": len(listener.faults)} if listener.faults else {}, notes=listener.faults)


def measure(peer: Peer, size: Size) -> Measured:
    measured = run(peer, size, Options())
    if peer.name == "fanout":
        durable = run(peer, size, Options(durable=True))
        measured.values |= {f"durable_{name}": value for name, value in durable.values.items()}
        measured.faults |= durable.faults
    return measured


ROW = Row(
    "one_listener",
    "a publish to one listener on an idle server",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket", "floor-c", "floor-trio"),
    Size(1, 300),
    Size(1, 50),
    measure,
    {
        "p50_ms": "p50, ms",
        "p99_ms": "p99, ms",
        "durable_p50_ms": "durable p50, ms",
        "durable_p99_ms": "durable p99, ms",
    },
    (
        Goal("durable log: p50 under 2 ms", "durable_p50_ms", 2.0),
        Goal("in memory: p50 under 0.5 ms", "p50_ms", 0.5),
    ),
)
