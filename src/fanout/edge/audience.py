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

from fanout.edge.room_view import Batch, RoomView
from fanout.wire.rendered import Format

if TYPE_CHECKING:
    from fanout.edge.connection import Connection
    from fanout.edge.hub import Hub

STEP = 64
"""Subscriptions served between two looks at the clock: about 0.6 ms of sends."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError)


class Subscription:
    """One listener's place in one room. `cursor` is the number of the last entry handed to its socket.

    Args:
        parked: Walks pass it by: its socket is full, it is reading older entries from the log, or it has left.
        replaying: Reading from the log; the room's overflow policy does not count until it has reached the ring.
    """

    __slots__ = ("audience", "connection", "cursor", "parked", "replaying")

    def __init__(self, connection: Connection, audience: Audience, cursor: int) -> None:
        self.connection = connection
        self.audience = audience
        self.cursor = cursor
        self.parked = False
        self.replaying = False


class Audience:
    """The subscriptions of one room in one format."""

    def __init__(self, hub: Hub, view: RoomView, format: Format) -> None:
        self.view = view
        self.format = format
        self.subscriptions: dict[Subscription, None] = {}
        self._hub = hub
        self._line: list[Subscription] = []
        self._next = 0
        self._head_at_start = 0
        self._left_behind = False

    def step(self, until: float) -> bool:
        """Go on with the walk until `until` (perf_counter); True when nobody is behind any more."""
        if self._next >= len(self._line):
            self._line = list(self.subscriptions)
            self._next = 0
            self._head_at_start = self.view.ring.head
            self._left_behind = False
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
        return self._head_at_start == self.view.ring.head and not self._left_behind

    def serve(self, line: list[Subscription]) -> None:
        """Hand each of these what follows its cursor, a bounded batch at most."""
        view = self.view
        head = view.ring.head
        at, batch, data, size = -1, None, b"", 0
        served = 0
        for subscription in line:
            if subscription.parked:
                continue
            cursor = subscription.cursor
            if cursor != at:
                if cursor == head:
                    continue
                if batch is not None:
                    self._count(batch, served)
                    served = 0
                at = cursor
                batch = view.batch(cursor, self.format)
                if batch is not None:
                    data, size, through = batch.data, len(batch.data), batch.through
                    if through < head:
                        self._left_behind = True
            if batch is None:
                self._hub.overtaken(subscription)
                continue
            try:
                sent = subscription.connection.sock.send(data)
            except WOULD_BLOCK as blocked:
                self._hub.blocked(subscription, batch, 0, isinstance(blocked, ssl.SSLError))
                continue
            except OSError:
                self._hub.lost(subscription.connection)
                continue
            if sent == size:
                subscription.cursor = through
                served += 1
            else:
                self._hub.blocked(subscription, batch, sent, False)
        if batch is not None:
            self._count(batch, served)

    def _count(self, batch: Batch, served: int) -> None:
        if served:
            self._hub.statistics.delivered(batch.heard_at, served, perf_counter())
