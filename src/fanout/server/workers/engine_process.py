"""The process with everything there is one of: engine, log, desk, plug-ins, ordinary HTTP. Edges come to it by
themselves, over two sockets that the supervisor keeps open for it."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
import trio

from fanout.core.admission import Ledger
from fanout.core.limits import FINISH_SECONDS
from fanout.feed.serving import FeedServer
from fanout.server.credentials import tokens_of
from fanout.server.house import appearance_of
from fanout.server.plugins import hooks_of
from fanout.server.server import feed_of, open_house
from fanout.server.status_line import Snapshot, StatusLine, keep_showing
from fanout.server.workers.handed_up import HandedUp
from fanout.server.workers.handovers import accept_ours
from fanout.server.workers.orders import DRAIN, REPLACE, Health, Orders, tell_supervisor
from fanout.web.app import make_app
from fanout.web.fleet import ProcessCounts
from fanout.web.operate_api import Control

EDGES_LEAVE_SECONDS: Final = 30.0
"""How long the engine waits, once it is to stop, until its edges have sent everybody away: some ten seconds for those
who read slowly, and ten for requests over TLS, which are answered through an edge."""

LOOKS_SECONDS: Final = 0.05
"""Between two looks at who is still there."""

log = structlog.get_logger()


class EngineFleet:
    """The processes, as the engine's knows them."""

    def __init__(self, feed: FeedServer, wanted: int) -> None:
        self._feed = feed
        self._wanted = wanted
        self.health = Health()

    def processes(self) -> Sequence[ProcessCounts]:
        counts = {"engine": ProcessCounts("engine", os.getpid())}
        for link in self._feed.links:  # one that makes room stands before the one that it makes room for
            now = link.statistics
            counted = (0, 0, 0) if now is None else (sum(now.listeners.values()), now.slow, now.deliveries)
            counts[link.process] = ProcessCounts(link.process, link.pid, *counted, link.behind, link.overtaken)
        return [*counts.values()]

    def edges(self) -> dict[str, Any]:
        running = len({link.process for link in self._feed.links})
        return {"running": running, "wanted": self._wanted, "failing": list(self.health.failing)}


@dataclass(slots=True)
class EngineProcess:
    """It serves."""

    feed: FeedServer
    requests: HandedUp
    fleet: EngineFleet
    control: Control

    def told(self, health: Health) -> None:
        """The supervisor says how the processes are."""
        self.fleet.health = health

    async def drain(self, why: int) -> None:
        """Wait until the edges have sent everybody away, then until every request is answered. One that follows the
        drain ends with the last listener: over TLS it goes through an edge, which waits for it. Cancellation: safe;
        what was acknowledged is in the log."""
        self.control.draining = True
        self.requests.drain()
        with trio.move_on_after(EDGES_LEAVE_SECONDS):
            while self.feed.links:
                if not sum((await self.feed.statistics()).listeners.values()):
                    self.control.gone.set()
                await trio.sleep(LOOKS_SECONDS)
        self.control.gone.set()
        with trio.move_on_after(FINISH_SECONDS):
            while self.requests.visiting:  # noqa: ASYNC110  # as above
                await trio.sleep(0.01)


@asynccontextmanager
async def open_engine_process(
    orders: Orders, descriptors: int, line: StatusLine | None
) -> AsyncIterator[EngineProcess]:
    """Start it; at the end of the block, stop what still runs. On a terminal, `line` shows what all edges do.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    config = orders.config
    hooks = hooks_of(config)
    appearance = appearance_of(config)
    tokens = tokens_of(config)
    feed_listener, requests_listener = (socket.socket(fileno=door) for door in orders.doors)
    with feed_listener, requests_listener:
        async with open_house(config, hooks) as (engine, moderation), trio.open_nursery() as nursery:
            feed = FeedServer(feed_of(engine, moderation), Ledger(config.max_listeners, config.max_per_address))
            fleet = EngineFleet(feed, orders.edges)
            control = Control(partial(tell_supervisor, DRAIN), partial(tell_supervisor, REPLACE), config.drain_seconds)
            app = make_app(
                engine,
                tokens,
                feed.statistics,
                ready=lambda: not control.draining,
                moderation=moderation,
                appearance=appearance,
                fleet=fleet,
                control=control,
            )
            process = EngineProcess(feed, HandedUp(app, descriptors, trust_proxy=config.trust_proxy), fleet, control)
            await nursery.start(feed.run)
            nursery.start_soon(_accept_edges, feed, feed_listener)
            nursery.start_soon(process.requests.run, requests_listener)

            async def snapshot() -> Snapshot:
                return Snapshot.take(await feed.statistics(), sum(engine.statistics().messages.values()))

            if line is not None:
                nursery.start_soon(keep_showing, line, snapshot)
            yield process
            nursery.cancel_scope.cancel()


async def _accept_edges(feed: FeedServer, listener: socket.socket) -> None:
    async with trio.open_nursery() as nursery:
        while True:
            sock = await accept_ours(listener)
            nursery.start_soon(feed.serve, trio.SocketStream(trio.socket.from_stdlib_socket(sock)))
