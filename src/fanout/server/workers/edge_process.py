"""A process that carries listeners and nothing else. All that it knows of the event comes over the feed's socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from fanout.core.limits import FINISH_SECONDS
from fanout.edge.edge import Edge
from fanout.errors import EngineAway
from fanout.feed.remote_feed import RemoteFeed
from fanout.server.credentials import tokens_of
from fanout.server.doors import tls_context
from fanout.server.edge_share import edge_settings
from fanout.server.workers.handing_up import HandingUp
from fanout.server.workers.orders import RETIRE, Health, Orders

RETURNS_PER_SECOND: Final = 1_000
"""At which rate the listeners of an edge that makes room are asked to come back: a twentieth of what the others can
greet."""


CATCH_UP_SECONDS: Final = 2.0
"""How long an edge waits for what was published before it was told to stop: as a rule a millisecond."""


@dataclass(slots=True)
class EdgeProcess:
    """It serves."""

    edge: Edge
    feed: RemoteFeed
    doors: list[socket.socket]
    share: tuple[int, int]
    drain_seconds: float

    def told(self, health: Health) -> None:
        """How the other processes are is nothing to an edge."""

    async def drain(self, why: int) -> None:
        """Send everybody away, each with a slot to come back in. When it retires, somebody else accepts at its doors.

        Cancellation: safe; who has not been told is cut.
        """
        self.edge.shut(others_stay=why == RETIRE)
        for door in self.doors:
            door.close()
        with suppress(EngineAway), trio.move_on_after(CATCH_UP_SECONDS):
            await self.feed.catch_up()  # what has been acknowledged may still be on its way here
        if why == RETIRE:
            listeners = sum(self.edge.statistics().listeners.values())
            await self.edge.drain(min(self.drain_seconds, listeners / RETURNS_PER_SECOND))
        else:
            await self.edge.drain(self.drain_seconds, self.share)
        with trio.move_on_after(FINISH_SECONDS):
            while self.edge.statistics().visiting:  # noqa: ASYNC110  # requests over TLS, which go through here
                await trio.sleep(0.01)


@asynccontextmanager
async def open_edge_process(orders: Orders, descriptors: int) -> AsyncIterator[EdgeProcess]:
    """Start it; at the end of the block, stop what still runs.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    config = orders.config
    settings = edge_settings(config, descriptors, orders.number, orders.edges, orders.begun)
    tokens = tokens_of(config)
    tls = tls_context(config.tls_cert, config.tls_key) if config.tls_cert and config.tls_key else None
    doors = [socket.socket(fileno=door) for door in orders.doors]
    connect = partial(trio.open_unix_socket, orders.feed)
    feed = RemoteFeed(orders.process, connect, lambda: edge.statistics(), lambda away: edge.engine(away=away))
    handing_up = HandingUp(orders.requests, lambda: feed.away)
    edge = Edge(feed, authenticate=tokens.authenticate, handle_http=handing_up.serve, settings=settings)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(feed.run)
            await nursery.start(handing_up.run, edge.adopt)
            await nursery.start(edge.run, [(door, tls) for door in doors])
            yield EdgeProcess(edge, feed, doors, (orders.number, orders.edges), config.drain_seconds)
            nursery.cancel_scope.cancel()
    finally:
        for door in doors:
            door.close()
