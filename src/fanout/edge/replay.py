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

from fanout.core.closing import Bye, CloseCode
from fanout.edge.audience import Subscription
from fanout.edge.connection import Stage
from fanout.edge.room_view import MAX_BATCH_ENTRIES, Batch, Rendered, RoomView
from fanout.edge.settings import SLICE_SECONDS
from fanout.errors import LogUnavailable
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
        subscription.replaying = subscription.parked = True
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
                await self._serve(view, cursor, subscriptions)
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
        except LogUnavailable as error:
            for subscription in subscriptions:
                bye = Bye(CloseCode.INTERNAL_ERROR, f"history can't be read: {error.detail}", UNREADABLE_RETRY_MS)
                self._hub.sending.leave(subscription.connection, bye)
            return
        now = perf_counter()
        rendered = [Rendered(entry, now) for entry in entries]
        batches = {
            format: view.pack(rendered, format)
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
        subscription.parked = subscription.connection.blocked
        self._hub.walk(subscription.audience)
