"""The hot path: everybody who listens to one room in one format, and the walk that gives each what it has not had.

A walk visits every subscription in turn and hands its socket all that follows its cursor, in one send; the bytes are
joined once for all that stand at the same cursor. It rolls: the ring's head is read afresh in each step, so what is
published during a walk still reaches those not yet visited in the same walk, and the others in the next one. Under load
walks take longer and each send carries more; throughput rises by itself.
"""

from __future__ import annotations

import ssl
from time import perf_counter
from typing import TYPE_CHECKING

from fanout.edge.room_view import RoomView
from fanout.edge.sender import FULL
from fanout.wire.rendered import Format

if TYPE_CHECKING:
    from fanout.edge.connection import Connection
    from fanout.edge.hub import Hub

STEP = 128
"""Subscriptions served between two looks at the clock: about 1.2 ms of sends, and one system call where there is
io_uring."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError)


class Subscription:
    """One listener's place in one room. `cursor` is the number of the last entry handed to its socket.

    Args:
        parked: Walks pass it by: its socket is full, it is reading older entries from the log, or it has left.
        replaying: Reading from the log; the room's overflow policy does not count until it has reached the ring.
    """

    __slots__ = ("audience", "connection", "cursor", "fd", "parked", "replaying")

    def __init__(self, connection: Connection, audience: Audience, cursor: int) -> None:
        self.connection = connection
        self.fd = connection.fd
        self.audience = audience
        self.cursor = cursor
        self.parked = False
        self.replaying = False


class Audience:
    """The subscriptions of one room in one format, either all over TLS or all without."""

    def __init__(self, hub: Hub, view: RoomView, format: Format, secure: bool) -> None:
        self.view = view
        self.format = format
        self.secure = secure
        self.sender = hub.tls_sender if secure else hub.sender
        self.subscriptions: dict[Subscription, None] = {}
        self._hub = hub
        self._line: list[Subscription] = []
        self._next = 0
        self._head_at_start = 0
        self.left_behind = False

    def step(self, until: float) -> bool:
        """Go on with the walk until `until` (perf_counter); True when nobody is behind any more."""
        if self._next >= len(self._line):
            self._line = list(self.subscriptions)
            self._next = 0
            self._head_at_start = self.view.ring.head
            self.left_behind = False
        line = self._line
        while self._next < len(line):
            begin = self._next
            self._next = begin + STEP
            self.serve(line[begin : begin + STEP])
            if perf_counter() > until:
                break
        if self._next < len(line):
            return False
        self._line = []
        return self._head_at_start == self.view.ring.head and not self.left_behind

    def behind(self) -> list[Subscription]:
        """Those whom the walks have still to give something."""
        head = self.view.ring.head
        return [one for one in self.subscriptions if not one.parked and one.cursor != head]

    def serve(self, line: list[Subscription]) -> None:
        """Hand each of these what follows its cursor, a bounded batch at most. Neighbours at the same cursor go
        together."""
        head = self.view.ring.head
        at = -1
        together: list[Subscription] = []
        for subscription in line:
            if subscription.parked:
                continue
            cursor = subscription.cursor
            if cursor == at:
                together.append(subscription)
            elif cursor != head:
                if together:
                    self._serve_all(together, at)
                at, together = cursor, [subscription]
        if together:
            self._serve_all(together, at)

    def _serve_all(self, together: list[Subscription], cursor: int) -> None:
        """Send the batch after `cursor` to all of these, who stand there."""
        hub = self._hub
        batch = self.view.batch(cursor, self.format)
        if batch is None:
            for subscription in together:
                hub.overtaken(subscription)
            return
        through = batch.through
        if through < self.view.ring.head:
            self.left_behind = True
        results = self.sender.send(together, batch.data)
        size = len(batch.data)
        served = results.count(size)
        for subscription in together:
            subscription.cursor = through
        hub.statistics.delivered(batch.heard_at, served, perf_counter())
        if served == len(together):
            return
        for subscription, sent in zip(together, results, strict=True):
            if sent == size:
                continue
            if sent >= 0 or sent == FULL:
                hub.blocked(subscription, batch, max(sent, 0), self.secure)
            else:
                hub.lost(subscription.connection)
