"""How bytes leave: replies and goodbyes ahead of messages, full sockets, catching up, and the end of a connection.

Walks (`audience`) send to sockets that take everything. When one does not, its subscriptions are parked, it waits for
EPOLLOUT, and from then on this module serves it: first the rest of the frame that was cut, then replies, then from the
ring a bounded batch at a time, until it stands at the head of every room again.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING

from fanout.core.closing import Bye, CloseCode
from fanout.core.limits import CATCH_UP_BYTES, LINGER_SECONDS
from fanout.edge.audience import WOULD_BLOCK, Subscription
from fanout.edge.connection import CONTROL_FRAMES, NOTHING, Connection, Stage
from fanout.edge.room_view import Batch
from fanout.errors import ProtocolViolation
from fanout.wire.frames import Close, FrameReader, close_frame
from fanout.wire.replies import render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

CUT = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset, and the kernel frees what it held for this peer at once."""

WATCH = select.EPOLLIN | select.EPOLLRDHUP
WATCH_BOTH = WATCH | select.EPOLLOUT


class Sending:
    """Writes to the hub's connections. Nothing here waits.

    Args:
        stalled: Connections whose socket is full, and the hub's second of the last byte that it took.
        leaving: Connections that have been said goodbye, and the second in which they are cut.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._greetings: list[tuple[Connection, bytes]] | None = None
        self.stalled: dict[Connection, int] = {}
        self.leaving: dict[Connection, int] = {}

    # --- sending ------------------------------------------------------------------------------------------------------

    def control(self, connection: Connection, frame: bytes) -> None:
        """Send one whole frame ahead of any message; at once if the socket takes it."""
        if connection.control is not None:
            connection.control.append(frame)
            if len(connection.control) >= CONTROL_FRAMES:
                self._hub.epoll.modify(connection.fd, select.EPOLLOUT)  # no more reading until it takes its replies
            return
        try:
            sent = connection.sock.send(frame)
        except WOULD_BLOCK:
            sent = 0
        except OSError:
            self._hub.lost(connection)
            return
        if sent < len(frame):
            connection.owed = memoryview(frame)[sent:]
            self._park(connection)

    def greet(self, connection: Connection, greeting: bytes) -> None:
        """Send a newcomer's first bytes: at once, or with those of the others who are answered together."""
        if self._greetings is None:
            self.control(connection, greeting)
        else:
            self._greetings.append((connection, greeting))

    @contextmanager
    def greetings_together(self) -> Iterator[None]:
        """Keep greetings until the end of the block, in which nothing may be awaited."""
        self._greetings = []
        try:
            yield
        finally:
            self.send_greetings()
            self._greetings = None

    def send_greetings(self) -> None:
        """Send those that were kept: before anything else goes to one of them."""
        for connection, greeting in self._greetings or ():
            self.control(connection, greeting)
        if self._greetings:
            self._greetings.clear()

    def first(self, connection: Connection, greeting: bytes, places: Sequence[Subscription]) -> None:
        """Send a welcome and, behind it, what these places have for the listener already: in one send as far as one may
        go, the rest as to everybody who is behind."""
        batches: list[tuple[Subscription, Batch]] = []
        data = greeting
        if connection.control is None:
            for place in places:
                view = place.audience.view
                if place.replaying or place.cursor == view.ring.head or len(data) > CATCH_UP_BYTES:
                    continue
                batch = view.batch(place.cursor, connection.format)
                if batch is not None:
                    batches.append((place, batch))
                    data += batch.data
        if not batches:
            self.control(connection, greeting)
        else:
            self._first(connection, data, len(greeting), batches)
        if connection.control is None and connection.stage is Stage.LISTENING:
            for place in places:
                self._unpark_one(place)

    def _first(
        self, connection: Connection, data: bytes, greeting: int, batches: list[tuple[Subscription, Batch]]
    ) -> None:
        try:
            sent = connection.sock.send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):  # it wants the same bytes again: they count as sent
            sent = len(data)
            connection.owed = memoryview(data)
            self._park(connection)
        except WOULD_BLOCK:
            sent = 0
        except OSError:
            self._hub.lost(connection)
            return
        if sent < greeting:
            connection.owed = memoryview(data[:greeting])[sent:]
            self._park(connection)
            return
        sent -= greeting
        for place, batch in batches:
            if sent < len(batch.data):
                self.blocked(place, batch, sent, False)
                return
            sent -= len(batch.data)
            self._delivered(place, batch, batch.through)

    def blocked(self, subscription: Subscription, batch: Batch, sent: int, secure: bool) -> None:
        """The socket took only `sent` bytes of the batch. TLS has taken all of it or nothing, and wants the same bytes
        again."""
        connection = subscription.connection
        self._park(connection)
        if secure:
            cursor, connection.owed = batch.through, memoryview(batch.data)
        else:
            cursor, connection.owed = batch.after_partial_send(sent)
        self._delivered(subscription, batch, cursor)

    def _delivered(self, subscription: Subscription, batch: Batch, cursor: int) -> None:
        """The batch has gone out through `cursor`, to one who is parked; a frame that was cut counts, its rest is
        owed."""
        subscription.cursor = cursor
        frames = bisect_right(batch.cursors, cursor)
        if frames and batch.gap is not None:
            self._hub.statistics.gaps[batch.gap] += 1
            frames -= 1
        if frames:
            room = subscription.audience.view.name
            missed = batch.through_to(subscription.since)
            self._hub.statistics.delivered(room, batch.heard_at[:frames], 1, perf_counter(), missed)

    def _park(self, connection: Connection) -> None:
        connection.control = deque()
        for subscription in connection.subscriptions:
            subscription.park()
        self.stalled[connection] = self._hub.second
        self._hub.epoll.modify(connection.fd, WATCH_BOTH)

    def writable(self, connection: Connection) -> None:
        """The socket takes bytes again: pay what is owed, then replies, then each room a batch."""
        self.stalled[connection] = self._hub.second
        try:
            if not self._pay(connection):
                return
            if connection.stage is Stage.LEAVING:
                self._flushed(connection)
                return
            caught_up = True
            for subscription in connection.subscriptions:
                if not self._catch_up(subscription):
                    caught_up = False
                    break
            # The room that was last on the way gets its turn after the others, or a busy one would starve them.
            if not caught_up and connection.subscriptions:
                turn = connection.subscriptions.index(subscription) + 1
                connection.subscriptions = connection.subscriptions[turn:] + connection.subscriptions[:turn]
        except WOULD_BLOCK:
            return
        except OSError:
            self._hub.lost(connection)
            return
        if caught_up:
            self._unpark(connection)

    def _pay(self, connection: Connection) -> bool:
        """Whether everything that goes before messages has gone."""
        control = connection.control
        while True:
            while connection.owed:
                sent = connection.sock.send(connection.owed)
                connection.owed = connection.owed[sent:]
            connection.owed = NOTHING
            if not control:
                return True
            if len(control) == CONTROL_FRAMES:
                self._hub.epoll.modify(connection.fd, WATCH_BOTH)  # reading goes on
            connection.owed = memoryview(control.popleft())

    def _catch_up(self, subscription: Subscription) -> bool:
        """Send one batch from the ring; whether the subscription then stands at the head (or reads from the log)."""
        view = subscription.audience.view
        if subscription.replaying:
            self._hub.replay.add(subscription)
            return True
        if subscription.cursor == view.ring.head:
            return True
        batch = view.batch(subscription.cursor, subscription.audience.format)
        if batch is None:
            self.overtaken(subscription)
            return False
        if not self.batch(subscription, batch):
            return False
        return subscription.cursor == view.ring.head

    def batch(self, subscription: Subscription, batch: Batch) -> bool:
        """Send a batch to one listener, outside a walk; whether its socket took all of it."""
        connection = subscription.connection
        try:
            sent = connection.sock.send(batch.data)
        except WOULD_BLOCK as error:
            self.blocked(subscription, batch, 0, isinstance(error, ssl.SSLError))
            return False
        if sent < len(batch.data):
            self.blocked(subscription, batch, sent, False)
            return False
        self._delivered(subscription, batch, batch.through)
        return True

    def _unpark(self, connection: Connection) -> None:
        connection.control = None
        for subscription in connection.subscriptions:
            self._unpark_one(subscription)
        del self.stalled[connection]
        self._hub.epoll.modify(connection.fd, WATCH)

    def _unpark_one(self, subscription: Subscription) -> None:
        if not subscription.replaying:
            subscription.unpark()
            audience = subscription.audience
            if subscription.cursor != audience.view.ring.head:
                audience.walked = max(audience.walked, subscription.since)
                self._hub.walk(audience)

    # --- the end ------------------------------------------------------------------------------------------------------

    def overtaken(self, subscription: Subscription) -> None:
        """A lossless room's ring has gone past this listener: close it, with the position to resume from."""
        subscription.park()
        view = subscription.audience.view
        behind = view.ring.head - subscription.cursor
        self.leave(
            subscription.connection,
            Bye(
                CloseCode.TOO_SLOW,
                f"{behind} messages behind in a room that keeps {view.ring.capacity}",
                after_ms=0,
                position=f"{view.epoch}:{subscription.cursor}",
                room=view.name,
            ),
        )

    def leave(self, connection: Connection, bye: Bye) -> None:
        """Say goodbye and close once that has gone out, or after `LINGER_SECONDS`."""
        if connection.stage is Stage.LEAVING:
            return
        farewell = render_reply(bye, connection.format)
        if connection.is_websocket:
            farewell += close_frame(bye.code, bye.reason)
        self._hub.statistics.closes[int(bye.code)] += 1
        self.last(connection, farewell)

    def last(self, connection: Connection, data: bytes) -> None:
        """Send these bytes as the last ones; whatever else was waiting, but the rest of a cut frame, is dropped."""
        self._hub.forget(connection)
        connection.stage = Stage.LEAVING
        self.leaving[connection] = self._hub.second + LINGER_SECONDS
        if connection.control is not None:
            connection.control.clear()
        self.control(connection, data)
        if connection.stage is Stage.LEAVING and connection.control is None and connection in self.leaving:
            self._flushed(connection)

    def _flushed(self, connection: Connection) -> None:
        """Everything has gone out. A WebSocket now owes us its close frame, unless we had that already or it can't be
        understood any more; the others owe the end of the stream."""
        if connection.control is not None:
            self._unpark(connection)
        reader = connection.inbound
        if not connection.is_websocket or (isinstance(reader, FrameReader) and reader.ended):
            self._hang_up(connection)

    def _hang_up(self, connection: Connection) -> None:
        """Say that nothing more comes, in TLS as well: else a client can't tell the end from a cut."""
        with suppress(OSError, ValueError):
            if isinstance(connection.sock, ssl.SSLSocket):
                with suppress(ssl.SSLWantReadError):  # the peer's own goodbye; nobody waits for it
                    connection.sock.unwrap()
            connection.sock.shutdown(socket.SHUT_WR)

    def last_words(self, connection: Connection, data: bytes) -> None:
        """What a leaving client still says: only its close frame matters (RFC 6455 §7.1.1: the server closes first)."""
        if not connection.is_websocket:
            return
        reader = connection.inbound
        if not isinstance(reader, FrameReader):
            reader = connection.inbound = FrameReader(self._hub.max_frame_bytes)
        try:
            received = reader.feed(data)
        except ProtocolViolation:
            self._hub.lost(connection)
            return
        if any(isinstance(item, Close) for item in received) and not connection.blocked:
            self._hang_up(connection)
            self._hub.lost(connection)

    def cut(self, connection: Connection) -> None:
        """Close at once and let the kernel drop what it still holds."""
        with suppress(OSError):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUT)
        self._hub.lost(connection)
