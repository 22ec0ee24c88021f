"""Question: how long does a page of the desk's queue take when 1.3 million submissions are in it?

One page of fifty for each way in which a desk asks: what is held, one source, deep in the queue, common and rare words,
one person, a span of time. Asked of the store itself, in this process; the file is on disk and was made beforehand.

Timed: each page thirty times, from asking until it is there; the slowest kind's p50 and p99 are shown.
Not timed: making the file, and opening it.

Rerun: python -m benchmarks queue_pages
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import trio

from benchmarks.peers.catalogue import Peer
from benchmarks.rows.row import Goal, Measured, Row, Size
from fanout.core.submission import Source, State
from fanout.moderation.ports import Query
from fanout.store.sqlite import open_sqlite_store
from tests.store import many

ROOM: Final = "stage"
TIMES: Final = 30


def queries(count: int) -> dict[str, Query]:
    held, sms = frozenset({State.HELD}), frozenset({Source.SMS})
    middle, span = many.AT + count // 2 * many.EVERY_MS, 60_000
    return {
        "held": Query(ROOM, held),
        "held by SMS": Query(ROOM, held, sms),
        "deep": Query(ROOM, held, after=count * 9 // 10),
        "cued": Query(ROOM, frozenset({State.CUED})),
        "every state": Query(ROOM),
        "common word": Query(ROOM, held, search="question"),
        "rare word": Query(ROOM, search="unicorn"),
        "common word, rare state": Query(ROOM, frozenset({State.CUED}), search="question"),
        "no such word": Query(ROOM, held, search="nosuchword"),
        "a minute": Query(ROOM, held, since=middle, until=middle + span),
        "a minute and a word": Query(ROOM, held, search="question", since=middle, until=middle + span),
    }


async def times_ms(path: Path, count: int) -> dict[str, list[float]]:
    store = await open_sqlite_store(path)
    found: dict[str, list[float]] = {}
    try:
        for name, query in queries(count).items():
            found[name] = []
            for _ in range(TIMES):
                begin = time.perf_counter()
                await store.page(query)
                found[name].append((time.perf_counter() - begin) * 1e3)
    finally:
        await store.aclose()
    return {name: sorted(times) for name, times in found.items()}


def measure(peer: Peer, size: Size) -> Measured:
    with tempfile.TemporaryDirectory(prefix="fanout-benchmark-") as folder:
        path = Path(folder) / "desk.sqlite3"
        many.fill(path, size.messages, ROOM)
        found = trio.run(times_ms, path, size.messages)
    slowest = max(found, key=lambda name: found[name][-1])
    notes = [f"{name}: p50 {times[TIMES // 2]:.1f}, slowest {times[-1]:.1f} ms" for name, times in found.items()]
    values = {
        "p50_ms": max(times[TIMES // 2] for times in found.values()),
        "slowest_ms": found[slowest][-1],
    }
    return Measured(values, notes=notes)


ROW = Row(
    "queue_pages",
    "a page of the queue at 1.3 million submissions",
    ("fanout",),
    Size(1, 1_324_085),
    Size(1, 20_000),
    measure,
    {"p50_ms": "slowest kind's p50, ms", "slowest_ms": "slowest page, ms"},
    (Goal("a page under 50 ms", "slowest_ms", 50),),
)
