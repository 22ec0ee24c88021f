"""Question: a moderator approves; how soon does the first of 10,000 listeners have the question?

A moderated room that airs on approval, with a durable log and a durable desk: two commits to the disk lie on the way.
One question after the other, each when the last has reached everybody.

Timed: from just before the request with the decision is sent until the first listener's read returns, and the last
one's. Beside it, as the floor, what two flushes of a few pages to the same disk take right afterwards: on a disk that
others use they are most of the tail.
Not timed: the questions' coming in.

Rerun: python -m benchmarks approve_to_listener
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from benchmarks.load import payload
from benchmarks.peers.catalogue import ROOM, Options, Peer, token
from benchmarks.peers.process import Server
from benchmarks.rows.row import Goal, Measured, Row, Size, session

PAGES_BYTES: Final = 16 * 1024
"""What a commit of one decision writes: four pages of SQLite's write-ahead log."""

BETWEEN_FLUSHES_SECONDS: Final = 0.03
"""A disk that has rested for a moment, as between two decisions."""


def ask(server: Server, method: str, path: str, role: str, body: Any = None) -> Any:
    """One request of the HTTP API, and what it answers."""
    request = urllib.request.Request(f"http://{server.host}:{server.port}{path}", method=method)
    request.add_header("Authorization", f"Bearer {token(role)}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=30) as answer:
        return json.load(answer)


def measure(peer: Peer, size: Size) -> Measured:
    options = Options(durable=True, mode="moderated")
    with session(peer, size.listeners, 200, options) as s:
        ask(s.server, "PATCH", f"/v1/rooms/{ROOM}/rules", "moderator", {"auto_air": True})
        numbers = range(s.number + 1, s.number + 1 + size.messages)
        sent = [{"id": f"{n}", "from": f"+3361{n:07d}", "text": payload.text(n, 1, 200).decode()} for n in numbers]
        ask(s.server, "POST", f"/v1/sms?room={ROOM}", "gateway", sent)
        while len(held := held_in(s.server, size.messages)) < size.messages:
            time.sleep(0.05)
        before = s.begin()
        first_ms, last_ms = [], []
        for number, submission in zip(numbers, held, strict=True):
            s.client.expect(number)
            begin = time.monotonic_ns()
            ask(s.server, "POST", f"/v1/submissions/{submission}/decisions", "moderator", {"action": "approve"})
            answer = s.client.wait(size.listeners)
            first_ms.append((answer["p0_ns"] - begin) / 1e6)
            last_ms.append((answer["p100_ns"] - begin) / 1e6)
        s.number = numbers[-1]
        measured, _ = s.measured(before)
        disk_ms = two_flushes_ms(s.server.folder, size.messages)
    for times in (first_ms, last_ms, disk_ms):
        times.sort()
    measured.values = {
        "first_p50_ms": first_ms[len(first_ms) // 2],
        "first_p99_ms": first_ms[len(first_ms) * 99 // 100],
        "last_p50_ms": last_ms[len(last_ms) // 2],
        "disk_p99_ms": disk_ms[len(disk_ms) * 99 // 100],
    }
    return measured


def two_flushes_ms(folder: Path, times: int) -> list[float]:
    """How long two commits' worth of writing takes on the disk of this folder, so many times, in milliseconds."""
    found = []
    with (folder / "flushes").open("wb", buffering=0) as file:
        for _ in range(times):
            begin = time.monotonic_ns()
            for _ in range(2):
                file.write(bytes(PAGES_BYTES))
                os.fdatasync(file.fileno())
            found.append((time.monotonic_ns() - begin) / 1e6)
            time.sleep(BETWEEN_FLUSHES_SECONDS)
    return found


def held_in(server: Server, count: int) -> list[str]:
    """The ids of what waits for a decision, oldest first."""
    page = ask(server, "GET", f"/v1/rooms/{ROOM}/submissions?state=held&limit={count}", "moderator")
    return [submission["id"] for submission in page["submissions"]]


ROW = Row(
    "approve_to_listener",
    "from a moderator's approval to the first of 10,000 listeners",
    ("fanout",),
    Size(10_000, 300),
    Size(200, 10),
    measure,
    {
        "first_p50_ms": "first p50, ms",
        "first_p99_ms": "first p99, ms",
        "last_p50_ms": "last p50, ms",
        "disk_p99_ms": "two flushes p99, ms",
    },
    (Goal("first delivery p99 under 20 ms", "first_p99_ms", 20),),
)
