"""Bans that are made while those whom they concern are listening: they hold at once."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_network
from time import perf_counter
from typing import TYPE_CHECKING

import trio

from fanout.core.ban import Ban, Effect, known_address
from fanout.core.closing import Bye, CloseCode
from fanout.core.principal import EVERY_ROOM, Role
from fanout.edge.connection import Connection, Stage
from fanout.edge.settings import SLICE_SECONDS
from fanout.wire.replies import Error, render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub


class Banishment:
    """Ends what a new ban forbids. `nursery` runs the search for an address range, which has to look at everybody."""

    def __init__(self, hub: Hub, nursery: trio.Nursery) -> None:
        self._hub = hub
        self._nursery = nursery

    def heard(self, ban: Ban) -> None:
        """A ban has been made, or changed. Who is muted still may listen."""
        if ban.effect is not Effect.BAN:
            return
        kind, _, rest = ban.target.partition(":")
        if kind == "visitor":
            for connection in self._hub.authors.of(rest):
                self._send_away(connection, ban)
        elif kind == "address":
            self._nursery.start_soon(self._send_range_away, ban, rest)

    def lifted(self, ban_id: str) -> None:
        """A ban has been taken back: whoever it kept away is let in when they ask."""

    async def _send_range_away(self, ban: Ban, written: str) -> None:
        network = ip_network(written)

        @cache
        def concerned(address: str) -> bool:
            known = known_address(address)
            return known is not None and known in network

        until = perf_counter() + SLICE_SECONDS
        for connection in self._hub.listeners():
            if concerned(connection.address):
                self._send_away(connection, ban)
            if perf_counter() > until:
                await trio.lowlevel.checkpoint()
                until = perf_counter() + SLICE_SECONDS

    def _send_away(self, connection: Connection, ban: Ban) -> None:
        """End the connection, or only its places where the ban holds if it listens elsewhere too."""
        if connection.stage is not Stage.LISTENING or connection.principal.role is not Role.VISITOR:
            return
        if ban.room == EVERY_ROOM:
            self._hub.sending.leave(connection, Bye(CloseCode.BANNED, ban.reason))
            return
        rooms = [room for room in (ban.room, *ban.within) if connection.subscription(room) is not None]
        if rooms and len(rooms) == len(connection.subscriptions):
            self._hub.sending.leave(connection, Bye(CloseCode.BANNED, ban.reason, room=rooms[0]))
            return
        for room in rooms:
            subscription = connection.subscription(room)
            assert subscription is not None
            self._hub.unsubscribe(subscription)
            error = Error("banned", ban.reason, room=room)
            self._hub.sending.control(connection, render_reply(error, connection.format))
