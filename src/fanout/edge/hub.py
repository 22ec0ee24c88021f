"""The hub: one epoll with every listener's socket in it, a task that reads, a task that walks. Nobody else touches
them.

`await trio.lowlevel.wait_readable(epoll.fileno())` makes one epoll a thing trio can wait for; so twenty thousand
sockets are one wait, and the rest of the program stays ordinary trio. Both tasks work in slices of `SLICE_SECONDS` with
a checkpoint between.
"""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Protocol

import structlog
import trio

from fanout.core.admission import Admission
from fanout.core.closing import Bye, CloseCode
from fanout.core.limits import MAX_CLIENT_FRAME_BYTES
from fanout.edge.audience import WOULD_BLOCK, Audience, Subscription
from fanout.edge.authors import Authors
from fanout.edge.connection import Connection, Stage
from fanout.edge.followed_rooms import FollowedRooms
from fanout.edge.replay import Replay
from fanout.edge.room_view import RoomView
from fanout.edge.sender import TlsSender
from fanout.edge.sending import WATCH, Sending
from fanout.edge.settings import LONGEST_SLICE_SECONDS, QUIET_SECONDS, SLICE_SECONDS
from fanout.edge.statistics import Counts
from fanout.edge.uring import open_sender
from fanout.feed.port import Feed

log = structlog.get_logger()

READ_BYTES = 64 * 1024
"""One read of one socket: a client's largest frame, in one buffer that all share."""

FEW_LISTENERS = 32
"""An audience that is served at once: about 0.3 ms, for which the publication that it hears of waits."""

CALM_SECONDS = 0.005
"""Without news for this long, what comes next probably comes alone: there is nothing to be gained by waiting for
more."""

HEADS_AT_ONCE = 64
"""Requests that are read before they are answered: enough for the code to stay in the cache, and 4 MiB at the most."""

EVENTS_AT_ONCE = 1024
"""Ready sockets taken from the kernel at a time."""


class Receiver(Protocol):
    """Takes what a connection in one stage of its life has sent."""

    def received(self, connection: Connection, data: bytes) -> None: ...


class Hub:
    """Owns the sockets of one edge.

    Args:
        feed: Where rooms come from.
        admission: Counts listeners; what it admitted, the hub gives back when they go.
        max_frame_bytes: Largest message that a WebSocket client may send.
    """

    def __init__(self, feed: Feed, admission: Admission, max_frame_bytes: int = MAX_CLIENT_FRAME_BYTES) -> None:
        self.feed = feed
        self.admission = admission
        self.max_frame_bytes = max_frame_bytes
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.rooms = FollowedRooms(self)
        self.views = self.rooms.views
        self.view = self.rooms.view
        self.statistics = Counts()
        self.second = 0
        self.accepted = 0
        self.arriving: dict[Connection, int] = {}
        """Connections without a whole request yet, oldest first, and the second in which their time is up."""
        self.sender = open_sender()
        self.tls_sender = TlsSender(self.connections)
        self.sending = Sending(self)
        self.authors = Authors(self)
        self.replay = Replay(self)
        self.overtaken = self.sending.overtaken
        self.blocked = self.sending.blocked
        self._doors: dict[int, Callable[[], None]] = {}
        self._news = trio.Event()
        self._news_at = 0.0
        self._to_walk: dict[Audience, float] = {}
        """Who may be behind, and since when."""
        self._buffer = bytearray(READ_BYTES)
        self._filled = memoryview(self._buffer)
        self._heads: list[tuple[Connection, bytes]] = []
        """Arrivals whose first bytes have been read and not yet looked at."""

    def connect_stages(self, *, arriving: Receiver, listening: Receiver, secure: Callable[[Connection], None]) -> None:
        """Say who takes the bytes of each stage. Done once, before `read`."""
        self._arriving = arriving
        self.listening = listening
        self._secure = secure

    # --- rooms --------------------------------------------------------------------------------------------------------

    def subscribe(self, connection: Connection, view: RoomView, cursor: int) -> Subscription:
        """Give a connection a place in a room, parked at `cursor`: whoever asked sends what follows, then unparks
        it."""
        secure = isinstance(connection.sock, ssl.SSLSocket)
        audiences = view.secure_audiences if secure else view.audiences
        audience = audiences[connection.format]
        if audience is None:
            audience = audiences[connection.format] = Audience(self, view, connection.format, secure)
        subscription = Subscription(connection, audience, cursor)
        connection.subscriptions += (subscription,)
        view.presence.join(connection.principal.subject)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Take the place back."""
        subscription.park()
        subscription.replaying = False
        connection = subscription.connection
        connection.subscriptions = tuple(other for other in connection.subscriptions if other is not subscription)
        subscription.audience.view.presence.leave(connection.principal.subject)

    def news(self, audience: Audience) -> None:
        """Something was published to this audience. A few listeners get it at once, without waiting for the turn of the
        walks, unless there was news a moment ago: then it waits to be sent together with what comes next."""
        now = perf_counter()
        calm = now - self._news_at > CALM_SECONDS and not self._to_walk
        self.walk(audience)
        if calm and audience.line.count <= FEW_LISTENERS:
            self._step(audience, now, now + SLICE_SECONDS)

    def walk(self, audience: Audience) -> None:
        """Somebody in this audience may be behind."""
        self._news_at = perf_counter()
        self._to_walk.setdefault(audience, self._news_at)
        self._news.set()

    @property
    def idle(self) -> bool:
        """Whether every listener that takes bytes has had everything."""
        return not self._to_walk

    # --- connections --------------------------------------------------------------------------------------------------

    def add_door(self, fd: int, accept: Callable[[], None]) -> None:
        """Call `accept` whenever somebody waits at this listening socket."""
        self._doors[fd] = accept
        self.epoll.register(fd, select.EPOLLIN)

    def remove_door(self, fd: int) -> None:
        del self._doors[fd]
        self.epoll.unregister(fd)

    def add(self, connection: Connection) -> None:
        self.connections[connection.fd] = connection
        self.epoll.register(connection.fd, WATCH)

    def forget(self, connection: Connection) -> None:
        """Take a listener out of its rooms and give its place back; its socket stays."""
        if connection.stage is Stage.LISTENING:
            for subscription in connection.subscriptions:
                self.unsubscribe(subscription)
            self.admission.release(connection.address)
            self.statistics.listeners["websocket" if connection.is_websocket else "events"] -= 1
            if connection.principal.subject or connection.extra is not None:
                self.authors.left(connection)

    def release(self, connection: Connection) -> None:
        """Let go of a connection without closing its socket."""
        if self._take_out(connection):
            with suppress(OSError):
                self.epoll.unregister(connection.fd)

    def lost(self, connection: Connection) -> None:
        """The connection is over, or must be: close its socket, which takes it out of the epoll too (epoll(7)). A
        listener that goes without a goodbye counts as 1006."""
        if connection.stage is Stage.LISTENING:
            self.statistics.closes[1006] += 1
        self._take_out(connection)
        connection.sock.close()

    def _take_out(self, connection: Connection) -> bool:
        """Whether it was still there to be taken out of everything that knows it."""
        self.forget(connection)
        connection.stage = Stage.LEAVING
        self.arriving.pop(connection, None)
        self.sending.stalled.pop(connection, None)
        self.sending.leaving.pop(connection, None)
        if self.connections.get(connection.fd) is not connection:  # the number is somebody else's by now
            return False
        del self.connections[connection.fd]
        return True

    # --- the two tasks ------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """Accept and read, for ever."""
        while True:
            await trio.lowlevel.wait_readable(self.epoll.fileno())
            until = perf_counter() + SLICE_SECONDS
            for fd, event in self.epoll.poll(0, EVENTS_AT_ONCE):
                if accept := self._doors.get(fd):
                    accept()
                elif connection := self.connections.get(fd):
                    try:
                        self._ready(connection, event)
                    except Exception as fault:
                        self.fault(fault, connection)
                if len(self._heads) >= HEADS_AT_ONCE:
                    self._greet()
                if perf_counter() > until:
                    self._greet()
                    await trio.lowlevel.checkpoint()
                    until = perf_counter() + SLICE_SECONDS
            self._greet()

    def _ready(self, connection: Connection, event: int) -> None:
        if event & select.EPOLLOUT and connection.stage is not Stage.SECURING:
            self.sending.writable(connection)
            if connection.fd not in self.connections:
                return
        if connection.stage is Stage.SECURING:
            self._secure(connection)
        elif connection.stage is Stage.ARRIVING and not isinstance(connection.sock, ssl.SSLSocket):
            if data := self._received(connection):
                self._heads.append((connection, data))
        elif event & ~select.EPOLLOUT:
            self.readable(connection)

    def _greet(self) -> None:
        """Answer those whose request has been read: first work out all answers, then send them. So the same code runs
        many times in a row, out of the processor's cache; taking turns with the kernel's networking for each of them
        made a handshake a quarter more expensive."""
        if not self._heads:
            return
        heads, self._heads = self._heads, []
        with self.sending.greetings_together():
            for connection, data in heads:
                try:
                    if connection.stage is Stage.ARRIVING:
                        self._arriving.received(connection, data)
                except Exception as fault:
                    self.fault(fault, connection)

    def readable(self, connection: Connection) -> None:
        """Read once, and give the bytes to whoever this connection's stage is about."""
        sock = connection.sock
        while data := self._received(connection):
            if connection.stage is Stage.LISTENING:
                self.listening.received(connection, data)
            elif connection.stage is Stage.ARRIVING:
                self._arriving.received(connection, data)
            elif connection.stage is Stage.WAITING:
                connection.keep(data)
            else:
                self.sending.last_words(connection, data)
            # TLS may hold decrypted bytes that epoll knows nothing of.
            if not isinstance(sock, ssl.SSLSocket) or connection.fd not in self.connections or not sock.pending():
                return

    def _received(self, connection: Connection) -> bytes:
        """What the kernel has of this connection, one buffer at most; nothing if that is nothing, or it is over."""
        try:
            size = connection.sock.recv_into(self._buffer)
        except WOULD_BLOCK:
            return b""
        except OSError:
            size = 0
        if size == 0:
            self.lost(connection)
        connection.heard_at = self.second
        return bytes(self._filled[:size])

    async def fan_out(self) -> None:
        """Walk over every audience that has news, a slice each in turn, for ever.

        Slices grow when nothing new has come for a moment: giving others a turn costs about 50 µs, most of it for what
        has to come back into the processor's cache (5 % of a walk's time with slices of a millisecond, less than 1 %
        with eight). While there is news they stay short, since whoever publishes waits for a few turns.
        """
        length = SLICE_SECONDS
        until = perf_counter() + length
        while True:
            if not self._to_walk:
                self._news = trio.Event()
                await self._news.wait()
                length = SLICE_SECONDS
                until = perf_counter() + length
            for audience, began in list(self._to_walk.items()):
                self._step(audience, began, until)
                if perf_counter() > until:
                    await trio.lowlevel.checkpoint()
                    now = perf_counter()
                    quiet = now - self._news_at > QUIET_SECONDS
                    length = min(length * 2, LONGEST_SLICE_SECONDS) if quiet else SLICE_SECONDS
                    until = now + length

    def _step(self, audience: Audience, began: float, until: float) -> None:
        """Go on with the walk that `began` over this audience, until `until`."""
        try:
            done = audience.step(until)
        except Exception as fault:
            done = True
            self.fault(fault, *(subscription.connection for subscription in audience.behind()))
        if done:
            del self._to_walk[audience]
            self.statistics.passes.observe(perf_counter() - began)

    def fault(self, fault: Exception, *connections: Connection) -> None:
        """A fault of ours in the service of these connections: it ends them, and nothing else. They may come back."""
        log.error("edge_fault", connections=len(connections), exc_info=fault)
        for connection in connections:
            try:
                if connection.stage is Stage.LISTENING:
                    self.sending.leave(connection, Bye(CloseCode.INTERNAL_ERROR, "a fault of the server"))
                else:
                    self.lost(connection)
            except Exception:  # even that can't be said
                self.lost(connection)

    def listeners(self) -> list[Connection]:
        """Everybody who listens now."""
        return [connection for connection in self.connections.values() if connection.stage is Stage.LISTENING]

    def close(self) -> None:
        """Close every socket and the epoll itself."""
        for connection in list(self.connections.values()):
            self.lost(connection)
        for view in self.views.values():
            view.stop()
        self.sender.close()
        self.epoll.close()
