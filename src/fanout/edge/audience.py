"""The hot path: everybody who listens to one room in one format, and the walk that gives each what it has not had.

A walk goes along the audience's line and hands each socket all that follows its cursor, in one send; the bytes are
joined once for all that stand at the same cursor. It rolls: the ring's head is read afresh in each step, so what is
published during a walk still reaches those not yet visited in the same walk, and the others in the next one. Under load
walks take longer and each send carries more; throughput rises by itself.
"""

from __future__ import annotations

import ssl
from time import perf_counter
from typing import TYPE_CHECKING

from fanout.edge.line import NOBODY, Line
from fanout.edge.room_view import RoomView
from fanout.edge.sender import FULL
from fanout.wire.rendered import Format

if TYPE_CHECKING:
    from fanout.edge.connection import Connection
    from fanout.edge.hub import Hub

SEND_SECONDS = 10e-6
"""What one send costs, about, in the kernel and here: how many of them a slice has time for."""

LEAST_STEP, MOST_STEP = 64, 512
"""Sends between two looks at the clock: no fewer, or looking costs more than it gives; no more than one system call
takes."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError)


class Subscription:
    """One listener's place in one room.

    Args:
        cursor: The number of the last entry handed to its socket, while it is parked; else its line knows.
        place: In its audience's line; -1 while it is parked: walks pass it by, because its socket is full, it is
            reading older entries from the log, or it has left.
        since: The number of the newest entry that was there when it came: up to there it catches up, and nothing is
            late.
        replaying: Reading from the log; the room's overflow policy does not count until it has reached the ring.
    """

    __slots__ = ("audience", "connection", "cursor", "fd", "place", "replaying", "since")

    def __init__(self, connection: Connection, audience: Audience, cursor: int) -> None:
        self.connection = connection
        self.fd = connection.fd
        self.audience = audience
        self.cursor = cursor
        self.since = audience.view.ring.head
        self.place = NOBODY
        self.replaying = False

    @property
    def parked(self) -> bool:
        return self.place == NOBODY

    def park(self) -> None:
        """Step out of the line; from here on `cursor` counts."""
        if self.place != NOBODY:
            self.cursor = self.audience.line.leave(self)

    def unpark(self) -> None:
        """Step into the line, at `cursor`."""
        if self.place == NOBODY:
            self.audience.line.join(self, self.fd, self.cursor)


class Audience:
    """The subscriptions of one room in one format, either all over TLS or all without. `line` has those who take
    bytes."""

    def __init__(self, hub: Hub, view: RoomView, format: Format, secure: bool) -> None:
        self.view = view
        self.format = format
        self.secure = secure
        self.sender = hub.tls_sender if secure else hub.sender
        self.line: Line[Subscription] = Line()
        self.walked = 0
        """Who is given something up to here catches up: all others had it, or it was there before they came."""
        self._hub = hub
        self._next = 0

    def step(self, until: float) -> bool:
        """Go on with the walk until `until` (perf_counter); True when nobody is behind any more."""
        line = self.line
        while True:
            if self._next >= len(line):
                self._next = 0
                if line.all_at(self.view.ring.head):
                    self.walked = self.view.ring.head
                    return True
                if line.count < len(line) * 3 // 4:
                    line.close_up()
                    continue
            end, cursor = line.run(self._next)
            if cursor != self.view.ring.head:
                fitting = int((until - perf_counter()) / SEND_SECONDS)
                end = min(end, self._next + max(LEAST_STEP, min(fitting, MOST_STEP)))
                self._serve(self._next, end, cursor)
            self._next = end
            if perf_counter() > until:
                return False

    def behind(self) -> list[Subscription]:
        """Those whom the walks have still to give something."""
        head = self.view.ring.head
        return [one for one in self.line if self.line.run(one.place)[1] != head]

    def _serve(self, begin: int, end: int, cursor: int) -> None:
        """Send the batch after `cursor` to the places from `begin` to `end`, which all stand there."""
        hub, line = self._hub, self.line
        batch = self.view.batch(cursor, self.format)
        if batch is None:
            for subscription in line.members[begin:end]:
                if subscription is not None:
                    hub.overtaken(subscription)
            line.advance(begin, end, self.view.ring.head)  # nobody stands there any more
            return
        size = len(batch.data)
        results = self.sender.send(line.fds[begin:end], batch.data)
        line.advance(begin, end, batch.through)
        served = results.count(size)
        hub.statistics.delivered(self.view.name, batch.heard_at, served, perf_counter(), batch.through_to(self.walked))
        if served == end - begin:
            return
        for place, sent in enumerate(results, begin):
            if sent == size or (subscription := line.members[place]) is None:
                continue
            if sent >= 0 or sent == FULL:
                hub.blocked(subscription, batch, max(sent, 0), self.secure)
            else:
                hub.lost(subscription.connection)
