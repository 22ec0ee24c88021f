"""The edge as others use it: give it a feed and listening sockets, and it carries listeners until it is told to
drain."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from time import perf_counter

import trio

from fanout.core.closing import Bye, CloseCode
from fanout.core.limits import LINGER_SECONDS
from fanout.core.reconnect import slot_ms
from fanout.edge.admittance import Admittance
from fanout.edge.arrival import Arrival
from fanout.edge.banishment import Banishment
from fanout.edge.connection import Connection, Stage
from fanout.edge.conversation import Conversation
from fanout.edge.door import Door
from fanout.edge.greeting import Authenticate, Greeting
from fanout.edge.handover import HandleHttp, Handover
from fanout.edge.hub import Hub
from fanout.edge.keep_alive import KeepAlive
from fanout.edge.notices import Notices
from fanout.edge.settings import SLICE_SECONDS, EdgeSettings
from fanout.feed.port import Feed
from fanout.feed.statistics import EdgeStatistics, RoomCounts, total

DRAIN_CATCH_UP_SECONDS = 5
"""How long a draining edge lets its walks finish, before it says goodbye."""


class Edge:
    """One process's share of listeners.

    Args:
        feed: Where rooms come from.
        authenticate: Who a token speaks for.
        handle_http: Serves what is not for the hub; gives back with `adopt` what is.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        authenticate: Authenticate,
        handle_http: HandleHttp,
        settings: EdgeSettings = EdgeSettings(),  # noqa: B008  # frozen
    ) -> None:
        self._settings = settings
        self._handle_http = handle_http
        admission = feed.admission(settings.max_listeners, settings.max_per_address, settings.full_retry_seconds)
        self._hub = Hub(feed, admission)
        self._hub.accepted = settings.first_number
        self._greeting = Greeting(self._hub, settings, authenticate)
        self._arrival = Arrival(self._hub, settings.handshake_seconds, self._greeting.greet, self._hand_over)
        self._notices = Notices(self._hub)
        self._keep_alive = KeepAlive(self._hub, self._arrival, settings)
        self._doors: list[Door] = []
        self._visiting = 0
        self._nursery: trio.Nursery | None = None

    async def run(
        self,
        doors: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept and carry listeners, for ever; cancelling it closes every connection at once (`drain` first).

        Args:
            doors: Listening sockets, each with its TLS context or None. They stay the caller's to close.
        """
        hub = self._hub
        with ExitStack() as ending:
            ending.callback(hub.close)
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                conversation = Conversation(hub, self._settings.heartbeat_seconds, nursery)
                self._greeting.admittance = Admittance(hub, nursery, self._greeting.answer)
                banishment = Banishment(hub, nursery)
                ending.callback(hub.feed.watch(hub.authors.told, banishment.heard, banishment.lifted, hub.rooms.typed))
                hub.connect_stages(arriving=self._arrival, listening=conversation, secure=self._arrival.secure)
                self._doors = [Door(hub, self._arrival, sock, tls, self._room) for sock, tls in doors]
                nursery.start_soon(hub.read)
                nursery.start_soon(hub.fan_out)
                nursery.start_soon(hub.replay.run)
                nursery.start_soon(hub.rooms.run)
                nursery.start_soon(self._keep_alive.run)
                nursery.start_soon(self._notices.run)
                nursery.start_soon(self._watch_doors)
                self._set_doors()
                task_status.started()

    def engine(self, *, away: bool) -> None:
        """The process of the engine, where it has one of its own, is away, or there again. Listeners are told when it
        stays away."""
        self._notices.engine(away=away)
        self._hub.rooms.nobody_types()

    def adopt(self, handover: Handover) -> None:
        """Take back a connection whose next request is for the hub."""
        if self._nursery is None or handover.sock.fileno() < 0:
            handover.sock.close()
            return
        self._hub.accepted += 1
        connection = Connection(handover.sock, self._hub.accepted, handover.address, Stage.ARRIVING, self._hub.second)
        self._arrival.add(connection)
        try:
            self._arrival.received(connection, handover.received)
        except Exception as fault:
            self._hub.fault(fault, connection)

    def shut(self, *, others_stay: bool = False) -> None:
        """Accept nobody any more, for good; the listening sockets may be closed then. Those who wait at them already
        are let in, a burst at most, and told when to come back; unless `others_stay` who accept at the same sockets."""
        for door in self._doors:
            if door.open and not others_stay:
                door.accept()
        self._greeting.draining = True
        self._set_doors()

    async def drain(self, window_seconds: float, share: tuple[int, int] = (0, 1)) -> None:
        """Send everybody away, each with a slot of its own to come back in; return when all have gone.

        Stops accepting, lets walks finish, says goodbye, waits until the goodbyes have gone out or `LINGER_SECONDS` are
        over.

        Args:
            share: Which edge this is of how many that drain together; their slots lie between each other.
        Cancellation: safe; some have been told then and some not.
        """
        self.shut()
        with trio.move_on_after(DRAIN_CATCH_UP_SECONDS):
            while not self._hub.idle:  # noqa: ASYNC110  # the hot path sets no event for one who waits once
                await trio.sleep(SLICE_SECONDS)
        listeners = self._hub.listeners()
        until = perf_counter() + SLICE_SECONDS
        edge, edges = share
        for index, connection in enumerate(listeners):
            if connection.stage is Stage.LISTENING:
                after_ms = slot_ms(index * edges + edge, len(listeners) * edges, window_seconds)
                self._hub.sending.leave(connection, Bye(CloseCode.DRAINING, "The server is going down.", after_ms))
            if perf_counter() > until:
                await trio.lowlevel.checkpoint()
                until = perf_counter() + SLICE_SECONDS
        with trio.move_on_after(LINGER_SECONDS + 1):
            while self._hub.sending.leaving:  # noqa: ASYNC110  # as above
                await trio.sleep(0.01)

    def statistics(self) -> EdgeStatistics:
        """A copy of what has been counted."""
        counts = self._hub.statistics
        return EdgeStatistics(
            listeners=dict(counts.listeners),
            slow=len(self._hub.sending.stalled),
            arriving=len(self._arrival.waiting),
            visiting=self._visiting,
            deliveries=counts.deliveries,
            sends=counts.sends,
            passes=counts.passes,
            delivery=total(counts.delivery.values()),
            gaps=dict(counts.gaps),
            closes=dict(counts.closes),
            handshakes=dict(counts.handshakes),
            errors=dict(counts.errors),
            rooms={
                name: RoomCounts(view.presence.listeners, view.presence.visitors)
                for name, view in self._hub.views.items()
            },
            room_slow=dict(
                Counter(place.audience.view.name for one in self._hub.sending.stalled for place in one.subscriptions)
            ),
            room_delivery=dict(counts.delivery),
        )

    def _hand_over(self, handover: Handover) -> None:
        assert self._nursery is not None
        self._visiting += 1
        self._set_doors()
        self._nursery.start_soon(self._visit, handover)

    async def _visit(self, handover: Handover) -> None:
        try:
            await self._handle_http(handover)
        except Exception as fault:
            self._hub.fault(fault)
            handover.sock.close()
        finally:
            self._visiting -= 1
            self._set_doors()

    def _room(self) -> int:
        """How many more connections of any kind there is room for."""
        if self._greeting.draining or self._visiting >= self._settings.max_visiting:
            return 0
        return max(self._settings.max_listeners + self._settings.max_arriving - len(self._hub.connections), 0)

    def _set_doors(self) -> None:
        """Open while there is room, shut otherwise."""
        room = self._room() > 0
        for door in self._doors:
            door.set_open(room)

    async def _watch_doors(self) -> None:
        """Connections end in many places; a look ten times a second is enough to open again."""
        while True:
            await trio.sleep(0.1)
            with suppress(OSError):
                self._set_doors()
