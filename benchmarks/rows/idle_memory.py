"""Question: what does a listener who only listens cost in the server's memory?

10,000 listeners are connected and left alone, in fanout with everything on (heartbeats, admission, presence, metrics);
once by WebSocket and once by server-sent events, each on a fresh server.

Counted: the server's resident memory (VmRSS, with its children) after, less before, divided by the listeners.
Not counted: the first 200 listeners, who come before, so that what a server allocates once is not charged to anybody;
the kernel's memory for the sockets, which is the same for all.

Rerun: python -m benchmarks idle_memory
"""

from __future__ import annotations

import time

from benchmarks.load.control import LoadClient
from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.row import Goal, Measured, Row, Size

FIRST = 200
REST_SECONDS = 2.0
"""Time for a server to tidy up after the rush: buffers, garbage, heartbeats."""


def kib_each(peer: Peer, listeners: int, rest_s: float, *, events: bool) -> float:
    with peer.start(Options(events=events)) as server, LoadClient() as client:
        client.connect(server.target, FIRST, size=200)
        time.sleep(rest_s)
        before = server.rss_kib()
        client.connect(server.target, listeners, size=200)
        time.sleep(rest_s)
        return (server.rss_kib() - before) / listeners


def measure(peer: Peer, size: Size) -> Measured:
    rest_s = min(REST_SECONDS, size.seconds)
    values = {"websocket_kib": kib_each(peer, size.listeners, rest_s, events=False)}
    if peer.name == "fanout":
        values["events_kib"] = kib_each(peer, size.listeners, rest_s, events=True)
    return Measured(values)


ROW = Row(
    "idle_memory",
    "idle memory per listener (the server's RSS)",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket"),
    Size(10_000, 0),
    Size(1_000, 0, 0.5),
    measure,
    {"websocket_kib": "KiB per WebSocket", "events_kib": "KiB per event stream"},
    (
        Goal("at most 0.75 KiB per WebSocket listener", "websocket_kib", 0.75),
        Goal("at most 0.75 KiB per event-stream listener", "events_kib", 0.75),
    ),
)
