"""Question: how long does one message take when nothing else goes on?

One WebSocket listener on an idle server, 200-byte texts, fifty a second. fanout twice: with its log in memory, and with
the durable log, where a message is on the disk before anybody sees it.

Timed: from when each message was due until the listener's read returns: p50 and p99. With it the way through two
processes' wake-ups, about 0.1 ms on an idle machine.
Not timed: start and handshake. The disk is the machine's own; a slow fsync is in the figure.

Rerun: python -m benchmarks one_listener
"""

from __future__ import annotations

from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.row import Goal, Measured, Row, Size, session

PER_SECOND = 50


def run(peer: Peer, size: Size, options: Options) -> Measured:
    with session(peer, size.listeners, 200, options) as s:
        before = s.begin()
        s.client.expect(s.number + size.messages)
        s.publisher.offer(s.number + 1, size.messages, PER_SECOND, 200)
        s.client.wait(size.listeners)
        measured, report = s.measured(before)
        measured.values = {"p50_ms": report["latency_ms"]["p50"], "p99_ms": report["latency_ms"]["p99"]}
        return measured


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
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket"),
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
