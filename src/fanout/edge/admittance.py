"""Where a plug-in has a say in who is let in: the arrival waits for its answer, and everybody else goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fanout.edge.connection import Connection, Stage
from fanout.edge.sending import WATCH
from fanout.errors import FanoutError
from fanout.wire.join import HubRequest

if TYPE_CHECKING:
    from trio import Nursery

    from fanout.edge.hub import Hub

Outcome = Callable[[Connection, HubRequest, FanoutError | None], None]
"""Lets them in, or, with an error, tells them why not."""


class Admittance:
    """Asks about visitors; `nursery` runs a task for each who waits."""

    def __init__(self, hub: Hub, nursery: Nursery, outcome: Outcome) -> None:
        self._hub = hub
        self._nursery = nursery
        self._outcome = outcome

    def ask(self, connection: Connection, request: HubRequest) -> None:
        """Nothing is read from the connection until the answer is there: what it says meanwhile waits in the kernel."""
        connection.stage = Stage.WAITING
        self._hub.epoll.modify(connection.fd, 0)
        self._nursery.start_soon(self._ask, connection, request)

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
        if connection.stage is not Stage.WAITING:
            return  # it has gone meanwhile
        connection.stage = Stage.ARRIVING
        said, connection.inbound = connection.inbound, None
        try:
            self._hub.epoll.modify(connection.fd, WATCH)
            self._outcome(connection, request, refusal)
            if isinstance(said, bytes) and connection.stage is Stage.LISTENING:
                self._hub.listening.received(connection, said)
        except Exception as fault:
            self._hub.fault(fault, connection)
