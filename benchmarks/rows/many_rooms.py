"""Question: how soon does the last of 30,000 listeners in 20 rooms have what is said on the one stage?

20 rooms of 1,500 listeners each, all of which follow one stage room; `--workers 2`; 200-byte texts, the next published
when the last listener has had the one before. In the same round one process carries 19,000 listeners in the same 20
rooms, which is what its 20,000 descriptors allow. The clients (load/crowd.c) check every message of every listener;
they share the two cores with the server, in both cases, and nothing is pinned.

Timed: from handing the message to the publisher's socket until the last listener's read returns.
Not timed: start, handshakes, the first message.

Rerun: python -m benchmarks many_rooms
"""

from __future__ import annotations

from collections import Counter

from benchmarks.peers.catalogue import Options, Peer
from benchmarks.rows.crowded import crowd_session, passes
from benchmarks.rows.row import Goal, Measured, Row, Size

ROOMS = 20
ONE_PROCESS_HOLDS = 19_000


def measure(peer: Peer, size: Size) -> Measured:
    with crowd_session(peer, size.listeners, Options(workers=2, rooms=ROOMS, all_cores=True)) as several:
        measured = passes(several, size.messages)
    fewer = min(size.listeners, ONE_PROCESS_HOLDS)
    with crowd_session(peer, fewer, Options(rooms=ROOMS, all_cores=True)) as one:
        alone = passes(one, size.messages)
    measured.faults = dict(Counter(measured.faults) + Counter(alone.faults))
    measured.notes += alone.notes
    measured.values |= {f"one_{name}": alone.values[name] for name in ("last_ms", "last_p99_ms", "cpu_us")}
    measured.values["rate_ratio"] = measured.values["deliveries_per_s"] / alone.values["deliveries_per_s"]
    return measured


ROW = Row(
    "many_rooms",
    "30,000 listeners in 20 rooms that follow one stage, two workers",
    ("fanout",),
    Size(30_000, 100),
    Size(2_000, 5),
    measure,
    {
        "last_ms": "publish to last p50, ms",
        "last_p99_ms": "p99, ms",
        "one_last_ms": "one process with 19,000: p50, ms",
        "one_last_p99_ms": "p99, ms",
        "rate_ratio": "deliveries/s, two workers / one process",
        "cpu_us": "server µs each",
        "client_us": "client µs each",
    },
    (
        Goal("at least as many deliveries/s as one process", "rate_ratio", 1.0, "least"),
        Goal("without a gap", "gaps", 0.0),
    ),
)
