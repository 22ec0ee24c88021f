"""Question: can one machine of two cores hold 100,000 listeners, and what do they cost?

As many workers as 18,500 listeners each need, one room, everything on (heartbeats, admission, presence, metrics). Then
five messages, each published when the last listener has had the one before. The clients (load/crowd.c) are on the same
two cores, and check every message of every listener.

Timed: the handshakes, from the first SYN to the last answer; from handing a message to the publisher's socket until the
last listener's read returns.
Counted: what the server's processes have resident (PSS: pages that they share are counted once) after the handshakes,
less before, a listener; and by how much the kernel's slabs and TCP buffers grow, of which half is the server's: the
other end of each connection is on the same machine.

Rerun: python -m benchmarks past_the_limit
"""

from __future__ import annotations

import time

from benchmarks.load.control import SETTLE_SECONDS
from benchmarks.load.crowd import Crowd
from benchmarks.peers.catalogue import ROOM, Options, Peer
from benchmarks.peers.process import kernel_kib
from benchmarks.rows.crowded import IN_FLIGHT, TEXT_BYTES, CrowdSession, passes
from benchmarks.rows.row import Goal, Measured, Row, Size

LISTENERS_EACH = 18_500
"""Listeners for each worker: it takes 19,400, and the kernel's shares differ by a few hundred."""

CONNECT_SECONDS = 300.0


def measure(peer: Peer, size: Size) -> Measured:
    workers = max(2, -(-size.listeners // LISTENERS_EACH))
    with peer.start(Options(workers=workers, all_cores=True)) as server:
        at_rest = server.pss_kib()
        with Crowd([(server.target, size.listeners)], TEXT_BYTES, [ROOM], in_flight=IN_FLIGHT) as crowd:
            before = kernel_kib()
            open_s = crowd.connect(CONNECT_SECONDS)["open_s"]
            publisher = server.publisher()
            try:
                session = CrowdSession(server, crowd, publisher, open_s)
                time.sleep(SETTLE_SECONDS)
                user = server.pss_kib() - at_rest
                kernel = kernel_kib() - before
                session.pass_ms()
                measured = passes(session, size.messages)
            finally:
                publisher.close()
    measured.values |= {
        "listeners": size.listeners,
        "connects_per_s": size.listeners / session.open_s,
        "last_s": measured.values["last_ms"] / 1e3,
        "user_kib": user / size.listeners,
        "kernel_kib": kernel / size.listeners / 2,
        "rest_mib": at_rest / 1024,
    }
    return measured


def row(name: str, question: str, listeners: int) -> Row:
    return Row(
        name,
        question,
        ("fanout",),
        Size(listeners, 5),
        Size(2_000, 3),
        measure,
        {
            "listeners": "listeners",
            "last_s": "publish to last, s",
            "connects_per_s": "connects/s",
            "user_kib": "server's KiB each",
            "kernel_kib": "kernel's KiB each, one end",
            "rest_mib": "all processes at rest, MiB",
            "cpu_us": "server µs each",
            "client_us": "client µs each",
        },
        (
            Goal(f"{listeners:,} listeners, each message once, in order", "listeners", listeners, "least"),
            Goal("without a gap", "gaps", 0.0),
        ),
    )


ROW = row("past_the_limit", "100,000 listeners on one machine", 100_000)
