"""Question: 30,000 listeners lose their line at once; does everybody come back, without a gap, and how soon?

`--workers 2`, one room. Every connection is reset at the same moment; while all are away ten messages are published.
Then all come back at once, each from the position it had, 1,024 handshakes under way at any time. The clients
(load/crowd.c) share the two cores with the server.

Timed: from the first attempt to come back until all have the last of the ten messages.
Checked: each listener gets each message it missed once, in order; nobody gets a gap.
Not timed: the cut itself.

Rerun: python -m benchmarks reconnect_storm
"""

from __future__ import annotations

import time

from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.crowded import crowd_session
from benchmarks.rows.row import Goal, Measured, Row, Size


def measure(peer: Peer, size: Size) -> Measured:
    with crowd_session(peer, size.listeners, Options(workers=2, all_cores=True)) as s:
        s.crowd.ask("cut")
        for _ in range(size.messages):
            s.publish()
            s.publisher.wait()
        s.crowd.expect(s.number)
        before = s.begin()
        begin = time.monotonic_ns()
        s.crowd.connect()
        _, last = s.crowd.wait()
        all_s = (last - begin) / 1e9
        measured, report = s.measured(before)
    measured.values = {
        "all_s": all_s,
        "back_per_s": size.listeners / all_s,
        "resumed": report["deliveries"] / (size.listeners * size.messages),
        "gaps": report["gaps"],
        "server_us": measured.values["cpu_us"] * size.messages,
        "client_us": measured.values["client_us"] * size.messages,
    }
    return measured


ROW = Row(
    "reconnect_storm",
    "30,000 listeners cut at once, all resume at two workers",
    ("fanout",),
    Size(30_000, 10),
    Size(2_000, 10),
    measure,
    {
        "all_s": "all back, s",
        "back_per_s": "resumed/s",
        "resumed": "resumed",
        "gaps": "gaps",
        "server_us": "server µs a listener",
        "client_us": "client µs a listener",
    },
    (
        Goal("every one resumed", "resumed", 1.0, "least"),
        Goal("without a gap", "gaps", 0.0),
    ),
)
