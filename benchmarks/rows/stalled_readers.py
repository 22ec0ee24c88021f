"""Question: do listeners who stop reading harm the others, or fill the memory?

5,000 WebSocket listeners in one room, 2,000-byte texts. First all of them read; then, on a fresh server, one in ten
never reads again: 300 messages one after another to fill what can be filled, then the measured part.

Timed: ten messages a second for ten seconds, from when each was due to the read of each healthy listener: p99, and its
ratio to the run without stalled readers.
Counted: growth of the server's RSS and of the kernel's TCP memory from before the first message to the end, the latter
less that of the run without, per stalled socket.
Not counted: the stalled client's own receive queue. Both ends of loopback share the kernel's count, so a client that
stops reading shrinks its queue to 8 KiB, for every server alike.

Rerun: python -m benchmarks stalled_readers
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from benchmarks.peers.catalogue import Options, Peer
from benchmarks.peers.process import kernel_tcp_kib
from benchmarks.rows.row import Goal, Measured, Row, Size, session

TEXT_BYTES = 2_000
PER_SECOND = 10


def run(peer: Peer, size: Size, stalled: int) -> tuple[Measured, dict[str, Any], float, float]:
    """Measure once; return also the growth of RSS and of the kernel's TCP memory, in KiB."""
    with session(peer, size.listeners, TEXT_BYTES, Options(mode="open")) as s:
        rss, kernel = s.server.rss_kib(), kernel_tcp_kib()
        if stalled:
            s.client.ask("stall", count=stalled)
            s.listeners -= stalled
            for _ in range(size.messages):
                s.pass_ms()
        count = round(PER_SECOND * size.seconds)
        before = s.begin()
        s.client.expect(s.number + count)
        s.publisher.offer(s.number + 1, count, PER_SECOND, TEXT_BYTES)
        s.client.wait(s.listeners)
        time.sleep(0.2)  # the last acknowledgements of the healthy leave the kernel
        grown = s.server.rss_kib() - rss, kernel_tcp_kib() - kernel
        measured, report = s.measured(before)
        return measured, report, *grown


def measure(peer: Peer, size: Size) -> Measured:
    stalled = size.listeners // 10
    _, without, _, kernel_without = run(peer, size, 0)
    measured, report, rss, kernel = run(peer, size, stalled)
    p99, p99_without = report["latency_ms"]["p99"], without["latency_ms"]["p99"]
    measured.values |= {
        "p99_ratio": p99 / p99_without,
        "p99_ms": p99,
        "p99_without_ms": p99_without,
        "rss_mib": rss / 1024,
        "kernel_kib": (kernel - kernel_without) / stalled,
    }
    return replace(measured, client_share=max(measured.client_share, without["cpu_share"]))


ROW = Row(
    "stalled_readers",
    "10 % of 5,000 listeners stop reading, 2,000-byte messages",
    ("fanout", "bun", "uws", "nchan"),
    Size(5_000, 300),
    Size(200, 50, 1),
    measure,
    {
        "kernel_kib": "kernel KiB per stalled socket",
        "rss_mib": "RSS growth, MiB",
        "p99_ms": "p99 of the others, ms",
        "p99_ratio": "p99 with / without",
    },
    (
        Goal("the others' p99 within 1.3 of the run without", "p99_ratio", 1.3),
        Goal("RSS grows by less than 10 MiB", "rss_mib", 10.0),
        Goal("kernel memory less than 64 KiB per stalled socket", "kernel_kib", 64.0),
    ),
)
