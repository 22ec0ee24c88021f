"""Question: how fast does a burst reach everybody when the publisher waits for each acknowledgement?

10,000 WebSocket listeners in one room, 200-byte texts, twenty messages one after another: the next when the server has
acknowledged the last, as a scribe's program or a ticker does.

Timed: from the first publish until the last listener has had the twentieth message; deliveries divided by that time.
Not timed: start, handshakes, the first message. A server that acknowledges only after its fan-out has to wait for
itself; what an acknowledgement means differs (fanout: the log has the message; here the log in memory).

Rerun: python -m benchmarks back_to_back
"""

from __future__ import annotations

from statistics import median

from benchmarks.peers.catalogue import Peer
from benchmarks.rows.row import Goal, Measured, Row, Size, session, until

BURST = 20


def measure(peer: Peer, size: Size) -> Measured:
    with session(peer, size.listeners, 200) as s:
        before = s.begin()
        rates = []
        for _ in until(size.messages, size.seconds):
            s.client.expect(s.number + BURST)
            first = s.publish()
            for _ in range(BURST - 1):
                s.publisher.wait()
                s.publish()
            last: int = s.client.wait(size.listeners)["p100_ns"]
            s.publisher.wait()
            rates.append(BURST * size.listeners / (last - first) * 1e9)
        measured, report = s.measured(before, deliveries_per_s=median(rates))
        measured.values["p99_ms"] = report["latency_ms"]["p99"]
        return measured


ROW = Row(
    "back_to_back",
    "10,000 listeners, 20 messages back to back, each acknowledged before the next",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket", "floor-c"),
    Size(10_000, 10),
    Size(500, 3, 2),
    measure,
    {"deliveries_per_s": "deliveries/s", "p99_ms": "p99, ms", "cpu_us": "CPU µs each"},
    (Goal("at least 5 times the best peer's rate", "deliveries_per_s", 5.0, "least", "peers"),),
)
