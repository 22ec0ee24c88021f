"""Question: what happens when messages keep coming, whatever the server does?

10,000 WebSocket listeners in one room, 200-byte texts, 100 messages offered every second: a million deliveries a
second. Nobody waits for anything; a message's latency counts from when it was due, so a server that falls behind cannot
hide it.

Timed: from when each message was due until each listener's read returns (p99 over all deliveries); deliveries divided
by the time from the first due message to the last delivery.
Not timed: start, handshakes, the first message. A server that is not done a minute after the last message was due is
stopped there, and what it delivered until then counts.

Rerun: python -m benchmarks open_chat
"""

from __future__ import annotations

import time

from benchmarks.load.control import LoadFailed
from benchmarks.load.publisher import PublishFailed
from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.row import Goal, Measured, Row, Size, session

PER_SECOND = 100
PATIENCE_SECONDS = 60.0


def measure(peer: Peer, size: Size) -> Measured:
    with session(peer, size.listeners, 200, Options(mode="open")) as s:
        before = s.begin()
        s.client.expect(s.number + size.messages)
        first = time.monotonic_ns()
        note = ""
        try:
            s.publisher.offer(s.number + 1, size.messages, PER_SECOND, 200)
            last: int = s.client.wait(size.listeners, PATIENCE_SECONDS)["p100_ns"]
        except (LoadFailed, PublishFailed) as error:
            last, note = time.monotonic_ns(), f"stopped: {error}"
        measured, report = s.measured(before)
        delivered: int = report["deliveries"]
        measured.values |= {
            "deliveries_per_s": delivered / (last - first) * 1e9,
            "p50_ms": report["latency_ms"]["p50"],
            "p99_ms": report["latency_ms"]["p99"],
            "delivered": delivered / (size.listeners * size.messages),
        }
        if note:  # what had not come by then is late, not lost, and `delivered` says how much it is
            measured.faults.pop("missing", None)
            measured.notes = [note]
        return measured


ROW = Row(
    "open_chat",
    "open chat: 10,000 listeners, 100 messages/s offered whatever the server does",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets"),
    Size(10_000, 500),
    Size(500, 100),
    measure,
    {"deliveries_per_s": "deliveries/s", "p50_ms": "p50, ms", "p99_ms": "p99, ms", "cpu_us": "CPU µs each"},
    (
        Goal("all delivered", "delivered", 1.0, "least"),
        Goal("deliveries/s at least the best peer's", "deliveries_per_s", 1.0, "least", "peers"),
        Goal("p99 at most the best peer's", "p99_ms", 1.0, "most", "peers"),
    ),
)
