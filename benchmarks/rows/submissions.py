"""Question: how many submissions a second does the durable queue take in, with the plug-ins looking at each?

SMS from a gateway over eight kept-alive connections, ten to a request, 4,000 a second for a minute: ten times the
average of the largest known event, which had 1,324,085 in about an hour. The built-in plug-ins are on. One in twenty
texts asks the same.

Timed: each request from when it was due until it is answered, which is after the commit to the disk (p50, p99); and how
long after the last answer the plug-ins have looked at everything. Checked: none is lost and none counted twice.
Not timed: start of the server. The gateway writes its requests beforehand.

Rerun: python -m benchmarks submissions
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any, Final

from benchmarks.load.control import LoadFailed, on_core
from benchmarks.load.gateway import Gateway
from benchmarks.peers.catalogue import ROOM, Options, Peer, token
from benchmarks.peers.process import Server
from benchmarks.rows.row import Goal, Measured, Row, Size

BATCH: Final = 10
BUILT_IN: Final = ("words", "links", "rate", "flood", "near-duplicates")
"""All but the webhook, which waits for somebody else's server."""

REVIEW_SECONDS: Final = 120.0


def tallies(server: Server) -> dict[str, Any]:
    request = urllib.request.Request(f"http://{server.host}:{server.port}/v1/rooms/{ROOM}/tallies")
    request.add_header("Authorization", f"Bearer {token('moderator')}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        counts: dict[str, Any] = json.load(answer)
    return counts


def reviewed(server: Server) -> dict[str, Any]:
    """The counts, once nothing waits for the plug-ins."""
    deadline = time.monotonic() + REVIEW_SECONDS
    while (counts := tallies(server))["by_state"].get("received", 0):
        if time.monotonic() > deadline:
            raise LoadFailed(f"{counts['by_state']['received']} were not reviewed in {REVIEW_SECONDS:g} s")
        time.sleep(0.05)
    return counts


def measure(peer: Peer, size: Size) -> Measured:
    options = Options(durable=True, mode="moderated", plugins=BUILT_IN)
    with peer.start(options) as server, on_core(1):
        gateway = Gateway(server.host, server.port, f"/v1/sms?room={ROOM}", token("gateway"), size.listeners)
        before, cpu = server.cpu(), time.process_time()
        outcome = gateway.offer(size.messages, size.messages / size.seconds, BATCH)
        share = (time.process_time() - cpu) / outcome.seconds
        answered = time.monotonic()
        counts = reviewed(server)
        review_s = time.monotonic() - answered
        used = server.cpu().since(before)
        gateway.close()
    times = sorted(outcome.latencies)
    values = {
        "per_s": outcome.accepted / outcome.seconds,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
        "lost": size.messages - counts["messages"],
        "review_s": review_s,
        "cpu_us": sum(used) / size.messages * 1e6,
    }
    faults = {"refused": len(outcome.refused)} if outcome.refused else {}
    return Measured(values, share, faults, outcome.refused[:3])


ROW = Row(
    "submissions",
    "4,000 SMS a second for a minute into the durable queue, plug-ins on",
    ("fanout",),
    Size(8, 240_000, 60),
    Size(4, 2_000, 1),
    measure,
    {
        "per_s": "submissions/s",
        "p50_ms": "acknowledged p50, ms",
        "p99_ms": "p99, ms",
        "lost": "lost",
        "review_s": "reviewed after, s",
        "cpu_us": "CPU µs each",
    },
    (
        Goal("4,000 a second", "per_s", 3_950, "least"),
        Goal("acknowledged p99 under 250 ms", "p99_ms", 250),
        Goal("none lost", "lost", 0),
    ),
)
