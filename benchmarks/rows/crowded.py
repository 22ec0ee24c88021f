"""What the rows with many processes share: a server and a crowd on the same cores, none of them pinned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

from benchmarks.load import payload
from benchmarks.load.control import SETTLE_SECONDS
from benchmarks.load.crowd import Crowd
from benchmarks.load.publisher import Publisher
from benchmarks.peers.catalogue import ROOM, Options, Peer, followers
from benchmarks.peers.process import Cpu, Server
from benchmarks.rows.row import Measured

TEXT_BYTES: Final = 200

IN_FLIGHT: Final = 1_024
"""Handshakes under way, over all processes of the client."""


class CrowdSession:
    """A server with a crowd connected and a publisher ready."""

    def __init__(self, server: Server, crowd: Crowd, publisher: Publisher, open_s: float) -> None:
        self.server, self.crowd, self.publisher, self.open_s = server, crowd, publisher, open_s
        self.number = 0  # of the last message published

    def publish(self) -> int:
        """Publish the next message, due now; return when that was."""
        self.number += 1
        due = time.monotonic_ns()
        self.publisher.send(payload.text(self.number, due, TEXT_BYTES))
        return due

    def pass_ms(self) -> float:
        """Publish one message; return the milliseconds until the last listener had it."""
        self.crowd.expect(self.number + 1)
        due = self.publish()
        _, last = self.crowd.wait()
        self.publisher.wait()
        return (last - due) / 1e6

    def begin(self) -> Cpu:
        """Start counting; hand the result to `measured`."""
        self.crowd.ask("begin")
        return self.server.cpu()

    def measured(self, before: Cpu, **values: float) -> tuple[Measured, dict[str, Any]]:
        """Stop counting; return a measurement with the CPU per delivery of both sides in it, and the crowd's report."""
        used, report = self.server.cpu().since(before), self.crowd.report()
        each = 1e6 / max(report["deliveries"], 1)
        values |= {"cpu_us": sum(used) * each, "client_us": report["cpu_s"] * each, "gaps": report["gaps"]}
        return Measured(values, faults=report["faults"], notes=report["examples"]), report


@contextmanager
def crowd_session(peer: Peer, listeners: int, options: Options) -> Iterator[CrowdSession]:
    """Start a server, connect its listeners, let it settle, warm it up with one message."""
    with peer.start(options) as server:
        rooms = followers(options.rooms) or [ROOM]
        with Crowd([(server.target, listeners)], TEXT_BYTES, rooms, in_flight=IN_FLIGHT) as crowd:
            open_s = crowd.connect()["open_s"]
            publisher = server.publisher()
            try:
                ready = CrowdSession(server, crowd, publisher, open_s)
                time.sleep(SETTLE_SECONDS)
                ready.pass_ms()
                yield ready
            finally:
                publisher.close()


def passes(session: CrowdSession, count: int) -> Measured:
    """Publish so many messages, one at a time, and say how long the last listener waited: the median, and p99."""
    before = session.begin()
    times = sorted(session.pass_ms() for _ in range(count))
    measured, report = session.measured(before, last_ms=median(times), last_p99_ms=times[(count * 99 - 1) // 100])
    measured.values["p99_ms"] = report["p99_ms"]
    measured.values["deliveries_per_s"] = session.crowd.listeners / measured.values["last_ms"] * 1e3
    return measured
