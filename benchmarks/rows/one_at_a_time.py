"""Question: what does one delivery cost, and how soon does the last of 10,000 listeners have a message?

10,000 WebSocket listeners in one room, 200-byte texts. A message is published when the last listener has had the one
before, so that every pass carries exactly one and nobody's coalescing helps.

Timed: from handing the message to the publisher's socket until the last listener's read returns; the server's CPU over
all passes, user and system apart, divided by deliveries.
Not timed: start, handshakes, the first message, and the publisher's acknowledgement where it comes after the last
delivery. fanout sends its JSON envelope, about 380 bytes; the peers and the floor send the bare text.

Rerun: python -m benchmarks one_at_a_time
"""

from __future__ import annotations

from statistics import median

from benchmarks.peers.catalogue import Peer
from benchmarks.rows.row import Goal, Measured, Row, Size, session, until


def measure(peer: Peer, size: Size) -> Measured:
    with session(peer, size.listeners, 200) as s:
        before = s.begin()
        passes = [s.pass_ms() for _ in until(size.messages, size.seconds)]
        last_ms = median(passes)
        measured, _ = s.measured(before, last_ms=last_ms, deliveries_per_s=size.listeners / last_ms * 1e3)
        return measured


ROW = Row(
    "one_at_a_time",
    "10,000 listeners, 200 bytes, one message at a time",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket", "floor-c", "floor-python"),
    Size(10_000, 40),
    Size(500, 10, 2),
    measure,
    {
        "deliveries_per_s": "deliveries/s",
        "last_ms": "publish to last, ms",
        "user_us": "user µs each",
        "system_us": "system µs each",
    },
    (
        Goal("CPU per delivery at most the best peer's", "cpu_us", 1.0, "most", "peers"),
        Goal("publish to last listener at most the best peer's", "last_ms", 1.0, "most", "peers"),
        Goal("at least 90 % of the bare send loop's rate", "deliveries_per_s", 0.9, "least", "floor-c"),
        Goal("user CPU at most 1.0 µs a delivery", "user_us", 1.0),
    ),
)
