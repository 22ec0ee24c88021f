"""What an arrival may have to wait for: a plug-in's say, a room that this edge does not follow yet, what has been heard
elsewhere and not yet here. Everybody else goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fanout.edge.connection import Connection, Stage
from fanout.edge.room_view import NotYet
from fanout.edge.sending import WATCH
from fanout.errors import FanoutError
from fanout.wire.join import HubRequest

if TYPE_CHECKING:
    from trio import Nursery

    from fanout.edge.hub import Hub

Outcome = Callable[[Connection, HubRequest, FanoutError | None], None]
"""Lets them in, or, with an error, tells them why not."""


class Admittance:
    """Keeps arrivals until they can be answered; `nursery` runs a task for each who waits for a plug-in."""

    def __init__(self, hub: Hub, nursery: Nursery, outcome: Outcome) -> None:
        self._hub = hub
        self._nursery = nursery
        self._outcome = outcome

    def ask(self, connection: Connection, request: HubRequest) -> None:
        """Have the plug-ins' say about a visitor first."""
        self._stop_reading(connection)
        self._nursery.start_soon(self._ask, connection, request)

    def wait(self, connection: Connection, request: HubRequest, obstacle: NotYet) -> None:
        """Answer when what it takes has been heard: no task for any of the thousands who may wait for it."""
        self._stop_reading(connection)
        obstacle.call_back(partial(self._go_on, connection, request))

    def _stop_reading(self, connection: Connection) -> None:
        """Nothing is read from the connection until the answer is there: what it says meanwhile waits in the kernel."""
        connection.stage = Stage.WAITING
        self._hub.epoll.modify(connection.fd, 0)

    async def _ask(self, connection: Connection, request: HubRequest) -> None:
        refusal: FanoutError | None = None
        try:
            rooms = [wish.room for wish in request.rooms]
            connection.principal = await self._hub.feed.admit(connection.principal, connection.address, rooms)
        except FanoutError as error:
            refusal = error
        except Exception as fault:
            self._hub.fault(fault, connection)
            return
        self._go_on(connection, request, refusal)

    def _go_on(self, connection: Connection, request: HubRequest, refusal: FanoutError | None) -> None:
        if connection.stage is not Stage.WAITING:
            return  # it has gone meanwhile
        connection.stage = Stage.ARRIVING
        said, connection.inbound = connection.inbound, None
        try:
            self._hub.epoll.modify(connection.fd, WATCH)
            self._outcome(connection, request, refusal)
            if isinstance(said, bytes):
                if connection.stage is Stage.LISTENING:
                    self._hub.listening.received(connection, said)
                elif connection.stage is Stage.WAITING:
                    connection.keep(said)
        except Exception as fault:
            self._hub.fault(fault, connection)
