"""The engine's process takes ordinary requests from edges with their sockets, and gives back what is for a hub."""

from __future__ import annotations

import socket
from typing import Final
from weakref import WeakSet

import structlog
import trio

from fanout.edge.handover import Handover
from fanout.server.workers.handovers import HandoverSocket, accept_ours
from fanout.web.http import App, HttpServer

log = structlog.get_logger()

MAX_VISITING: Final = 2_000
"""Connections in ordinary HTTP at once, over all edges: each is a task and some 20 KiB. Beyond, nothing more is taken
from the edges, whose doors shut when they have too many on their hands. Where descriptors are few, half of them."""


class HandedUp:
    """Serves them with `app`, as many as `descriptors` allow. `run` has to run.

    Args:
        trust_proxy: As in `HttpServer`.
    """

    def __init__(self, app: App, descriptors: int, *, trust_proxy: bool = False) -> None:
        self._app = app
        self._trust_proxy = trust_proxy
        self._places = trio.CapacityLimiter(min(MAX_VISITING, descriptors // 2))
        self._servers: dict[HandoverSocket, HttpServer] = {}
        """By the edge whose connections each serves."""
        self._serving: WeakSet[HttpServer] = WeakSet()
        """Those of edges, too, that are gone while their connections are not."""
        self._draining = False
        self.visiting = 0
        """Connections that are here now."""

    def drain(self) -> None:
        """From now on each connection ends with the answer that is under way, or at once when there is none."""
        self._draining = True
        for server in self._serving:
            server.drain()

    async def run(self, listener: socket.socket) -> None:
        """Take connections from whoever of ours connects to `listener`, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._take_from, HandoverSocket(await accept_ours(listener)), nursery)

    async def _take_from(self, edge: HandoverSocket, nursery: trio.Nursery) -> None:
        def give_back(handover: Handover) -> None:
            nursery.start_soon(self._give_back, edge, handover)

        server = self._servers[edge] = HttpServer(self._app, give_back, trust_proxy=self._trust_proxy)
        self._serving.add(server)
        if self._draining:
            server.drain()
        try:
            while True:
                place = object()
                await self._places.acquire_on_behalf_of(place)
                handover = await edge.receive()
                if handover is None:
                    self._places.release_on_behalf_of(place)
                    return
                nursery.start_soon(self._serve, server, handover, place)
        finally:
            del self._servers[edge]
            edge.close()

    async def _serve(self, server: HttpServer, handover: Handover, place: object) -> None:
        self.visiting += 1
        try:
            await server.serve(handover)
        except Exception:
            log.exception("connection_failed")
            handover.sock.close()
        finally:
            self.visiting -= 1
            self._places.release_on_behalf_of(place)

    async def _give_back(self, edge: HandoverSocket, handover: Handover) -> None:
        """To the edge that it came from, or to any other if that is gone."""
        for one in sorted(self._servers, key=lambda other: other is not edge):
            try:
                await one.send(handover)
            except OSError:
                continue
            return
        handover.sock.close()
