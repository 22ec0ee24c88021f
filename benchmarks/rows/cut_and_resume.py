"""Question: when the line to everybody breaks, does everybody come back, and how soon?

19,000 WebSocket listeners are reset at the same moment. While they are away ten messages are published. Then all of
them come back at once, each from the position it had, 1,024 handshakes under way at any time.

Timed: from the first attempt to come back until 99 % (and all) of the listeners have the last of the ten messages.
Checked: each listener gets each message it missed once, in order; nobody gets a gap.
Not timed: the cut itself. The client is plain Python and makes about 10,000 handshakes a second, so where its share of
the core is near 1 it is the client that sets the pace.

Rerun: python -m benchmarks cut_and_resume
"""

from __future__ import annotations

from benchmarks.peers.catalogue import Peer
from benchmarks.rows.row import Goal, Measured, Row, Size, session


def measure(peer: Peer, size: Size) -> Measured:
    with session(peer, size.listeners, 200) as s:
        s.client.ask("cut")
        for _ in range(size.messages):
            s.publish()
            s.publisher.wait()
        before = s.begin()
        s.client.expect(s.number)
        start_ns: int = s.client.ask("resume")["now_ns"]
        answer = s.client.wait(size.listeners)
        measured, report = s.measured(before)
        measured.values = {
            "p99_s": (answer["p99_ns"] - start_ns) / 1e9,
            "all_s": (answer["p100_ns"] - start_ns) / 1e9,
            "resumed": answer["reached"] / size.listeners,
            "gaps": report["gaps"],
            "server_share": measured.values["cpu_us"] * report["deliveries"] / (answer["p100_ns"] - start_ns) * 1e3,
        }
        if not measured.valid and not measured.faults:
            measured.notes.append("the client set the pace: the server could be quicker, not slower")
        return measured


ROW = Row(
    "cut_and_resume",
    "19,000 listeners cut at once, all resume",
    ("fanout",),
    Size(19_000, 10),
    Size(500, 10),
    measure,
    {
        "p99_s": "99 % back, s",
        "all_s": "all back, s",
        "resumed": "resumed",
        "gaps": "gaps",
        "server_share": "server's core",
    },
    (
        Goal("every one resumed", "resumed", 1.0, "least"),
        Goal("without a gap", "gaps", 0.0),
    ),
)
