"""Listeners that resume from before the ring: their messages are read from the log, a batch at a time, until the ring
has the rest.

All who stand at the same place share one read and one rendering, so that a thousand people who come back after an
outage cost little more than one. A listener here is still one cursor: when it reaches the ring it joins the walks,
without a seam.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import trio

from fanout.core.closing import Bye
from fanout.edge.audience import Subscription
from fanout.edge.connection import Stage
from fanout.edge.room_view import MAX_BATCH_ENTRIES, Batch, Rendered, RoomView
from fanout.edge.settings import SLICE_SECONDS
from fanout.errors import FanoutError
from fanout.wire.problem import close_code_of
from fanout.wire.rendered import Format

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

UNREADABLE_RETRY_MS = 5000
"""When the log can't be read, those who need it are asked to come back after this."""


class Replay:
    """Serves the subscriptions that read from the log."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: dict[Subscription, None] = {}
        self._news = trio.Event()

    def add(self, subscription: Subscription) -> None:
        """This subscription's cursor lies before the ring; serve it from the log until it does not."""
        subscription.park()
        subscription.replaying = True
        self._waiting[subscription] = None
        self._news.set()

    async def run(self) -> None:
        """Serve, for ever."""
        while True:
            if not self._waiting:
                self._news = trio.Event()
                await self._news.wait()
            places: dict[tuple[RoomView, int], list[Subscription]] = {}
            for subscription in self._waiting:
                if subscription.replaying and not subscription.connection.blocked:
                    place = (subscription.audience.view, subscription.cursor)
                    places.setdefault(place, []).append(subscription)
            self._waiting.clear()
            for (view, cursor), subscriptions in places.items():
                try:
                    await self._serve(view, cursor, subscriptions)
                except Exception as fault:
                    self._hub.fault(fault, *(waiting.connection for waiting in subscriptions if waiting.replaying))
            await trio.lowlevel.checkpoint()

    async def _serve(self, view: RoomView, cursor: int, subscriptions: list[Subscription]) -> None:
        """Give everybody at `cursor` the next batch from the log."""
        if view.in_ring(cursor):
            for subscription in subscriptions:
                self._arrived(subscription)
            return
        retractions = view.retractions
        try:
            entries = await self._hub.feed.read(view.name, cursor, MAX_BATCH_ENTRIES)
        except FanoutError as error:
            for subscription in subscriptions:
                bye = Bye(close_code_of(error), f"history can't be read: {error.detail}", UNREADABLE_RETRY_MS)
                self._leave(subscription, bye)
            return
        now = perf_counter()
        first = entries[0].position.seq if entries else view.ring.oldest
        gap = view.expired(cursor, first) if first > cursor + 1 else None
        rendered = [Rendered(entry, now) for entry in entries]
        batches = {
            format: view.pack(rendered, format, gap)
            for format in {subscription.audience.format for subscription in subscriptions}
        }
        until = perf_counter() + SLICE_SECONDS
        for subscription in subscriptions:
            if view.retractions != retractions:
                self.add(subscription)  # something was taken back meanwhile: what was read must not be used
            elif subscription.replaying and subscription.connection.stage is Stage.LISTENING:
                self._send(subscription, batches)
            if perf_counter() > until:
                await trio.lowlevel.checkpoint()
                until = perf_counter() + SLICE_SECONDS

    def _leave(self, subscription: Subscription, bye: Bye) -> None:
        if subscription.replaying and subscription.connection.stage is Stage.LISTENING:
            self._hub.sending.leave(subscription.connection, bye)

    def _send(self, subscription: Subscription, batches: dict[Format, Batch]) -> None:
        connection = subscription.connection
        if connection.blocked:
            return  # it comes back here once its socket takes bytes again
        try:
            taken = self._hub.sending.batch(subscription, batches[subscription.audience.format])
        except OSError:
            self._hub.lost(connection)
            return
        if not taken:
            return
        if subscription.audience.view.in_ring(subscription.cursor):
            self._arrived(subscription)
        else:
            self.add(subscription)

    def _arrived(self, subscription: Subscription) -> None:
        subscription.replaying = False
        audience = subscription.audience
        audience.walked = max(audience.walked, subscription.since)
        if not subscription.connection.blocked:
            subscription.unpark()
        self._hub.walk(audience)
