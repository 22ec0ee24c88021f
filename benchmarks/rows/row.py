"""A row of the table: its question, how it is measured on one server, and what is to be reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from benchmarks.load import payload
from benchmarks.load.control import SETTLE_SECONDS, LoadClient
from benchmarks.load.publisher import Publisher
from benchmarks.peers.catalogue import Options, Peer
from benchmarks.peers.process import Cpu, Server

SATURATED: Final = 0.95
"""Share of its core above which the client, not the server, may have set the pace."""


@dataclass(frozen=True)
class Size:
    """How large one measurement is."""

    listeners: int
    messages: int
    """Passes, bursts or messages, as the row says."""
    seconds: float = 10.0
    """A slow server gets fewer messages, once this much time has been measured."""


@dataclass(frozen=True)
class Goal:
    """What is to be reached by fanout."""

    text: str
    value: str
    """Which of the measured values."""
    bound: float
    at: Literal["most", "least"] = "most"
    against: Literal["", "peers", "floor-c"] = ""
    """Empty: `bound` is absolute. Otherwise it is a ratio: to the best peer's value, or to the floor's."""


@dataclass
class Measured:
    """One measurement of one server."""

    values: dict[str, float]
    client_share: float = 0.0
    """How much of its core the load client used."""
    faults: dict[str, int] = field(default_factory=dict)
    """What the listeners found wrong: missing, repeated, reordered, damaged, disconnected."""
    notes: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether the server set the pace and did its job."""
        return not self.faults and self.client_share <= SATURATED


@dataclass(frozen=True)
class Row:
    """One benchmark."""

    name: str
    question: str
    peers: tuple[str, ...]
    full: Size
    quick: Size
    measure: Callable[[Peer, Size], Measured]
    show: dict[str, str]
    """Measured value -> heading of its column; the first is what the plot draws."""
    goals: tuple[Goal, ...]


class Session:
    """A server with its listeners connected and a publisher ready."""

    def __init__(self, server: Server, client: LoadClient, publisher: Publisher, listeners: int, size: int) -> None:
        self.server, self.client, self.publisher = server, client, publisher
        self.listeners, self.size = listeners, size
        self.number = 0  # of the last message published

    def publish(self) -> int:
        """Publish the next message, due now; return when that was."""
        self.number += 1
        due = time.monotonic_ns()
        self.publisher.send(payload.text(self.number, due, self.size))
        return due

    def pass_ms(self) -> float:
        """Publish one message; return the milliseconds until the last listener had it."""
        self.client.expect(self.number + 1)
        due = self.publish()
        last: int = self.client.wait(self.listeners)["p100_ns"]
        self.publisher.wait()
        return (last - due) / 1e6

    def begin(self) -> Cpu:
        """Start counting; hand the result to `measured`."""
        self.client.begin()
        return self.server.cpu()

    def measured(self, before: Cpu, **values: float) -> tuple[Measured, dict[str, Any]]:
        """Stop counting; return a measurement with the server's CPU per delivery in it, and the client's whole
        report."""
        used, report = self.server.cpu().since(before), self.client.report()
        each = 1e6 / max(report["deliveries"], 1)
        values |= {"user_us": used.user * each, "system_us": used.system * each, "cpu_us": sum(used) * each}
        return Measured(values, report["cpu_share"], report["faults"], report["examples"]), report


@contextmanager
def session(peer: Peer, listeners: int, size: int, options: Options | None = None) -> Iterator[Session]:
    """Start a server, connect its listeners, let it settle, warm it up with one message."""
    with peer.start(options or Options()) as server, LoadClient() as client:
        client.connect(server.target, listeners, size=size)
        time.sleep(SETTLE_SECONDS)
        publisher = server.publisher()
        try:
            ready = Session(server, client, publisher, listeners, size)
            ready.pass_ms()
            yield ready
        finally:
            publisher.close()


def until(messages: int, seconds: float) -> Iterator[int]:
    """Count to `messages`, but at least to 3 and no further once the time is over."""
    end = time.monotonic() + seconds
    for i in range(messages):
        if i >= 3 and time.monotonic() > end:
            return
        yield i
