"""What time does to connections: pings, comments, presence, typing, and the deadlines of the late, the silent, the
stalled and the leaving.

One look a second over everybody costs less than a timer for each: at 19,000 listeners about a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

import trio

from fanout.core.cursor import Overflow
from fanout.core.typed_lines import typing_interval_seconds
from fanout.edge.arrival import Arrival
from fanout.edge.connection import Connection, Stage
from fanout.edge.settings import SLICE_SECONDS, EdgeSettings
from fanout.wire.event_stream import comment
from fanout.wire.frames import ping_frame
from fanout.wire.replies import Presence, Reply, Typing, render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub
    from fanout.edge.room_view import RoomView

LOOK_AT_ONCE = 256
"""Connections looked at between two looks at the clock: about 20 µs, or 2 ms if each gets a ping."""


class KeepAlive:
    """The hub's sense of time. `hub.second` counts its looks."""

    def __init__(self, hub: Hub, arrival: Arrival, settings: EdgeSettings) -> None:
        self._hub = hub
        self._arrival = arrival
        self._settings = settings
        self._ping = ping_frame()
        self._comment = comment()
        self._typing_due = 0.0

    async def run(self) -> None:
        """Look once a second, for ever."""
        next_look = trio.current_time()
        while True:
            next_look = max(next_look + 1, trio.current_time())
            await trio.sleep_until(next_look)
            try:
                await self.look()
            except Exception as fault:
                self._hub.fault(fault)

    async def look(self) -> None:
        """One second has passed."""
        self._hub.second += 1
        self._end_what_is_due()
        self._look_at_stalled()
        await self._beat()
        await self._tell_presence()
        await self._tell_typing()
        self._hub.rooms.leave_empty()

    def _end_what_is_due(self) -> None:
        second = self._hub.second
        due = []
        for connection, until in self._arrival.waiting.items():
            if until > second:
                break  # in order of arrival, and each has the same time
            due.append(connection)
        for connection in due:
            self._arrival.too_late(connection)
        for connection in [leaving for leaving, until in self._hub.sending.leaving.items() if until <= second]:
            self._hub.sending.cut(connection)

    def _look_at_stalled(self) -> None:
        """Those whose socket is full: overtaken in a lossless room, or full for too long."""
        for connection, since in list(self._hub.sending.stalled.items()):
            if self._hub.second - since >= self._settings.stall_seconds:
                self._hub.sending.cut(connection)
                continue
            for subscription in connection.subscriptions:
                view = subscription.audience.view
                behind = not subscription.replaying and view.ring.overtaken(subscription.cursor)
                if behind and view.settings().overflow is Overflow.CLOSE:
                    self._hub.sending.overtaken(subscription)
                    break

    async def _beat(self) -> None:
        """Ping one in `heartbeat_seconds` of the WebSockets, comment on one in `comment_seconds` of the streams."""
        second = self._hub.second
        heartbeat, comment_every = self._settings.heartbeat_seconds, self._settings.comment_seconds
        until = perf_counter() + SLICE_SECONDS
        for index, connection in enumerate(self._hub.listeners()):
            if connection.is_websocket:
                if (second + connection.number) % heartbeat == 0:
                    self._ping_or_cut(connection)
            elif (second + connection.number) % comment_every == 0 and connection.takes_more:
                self._hub.sending.control(connection, self._comment)
            if index % LOOK_AT_ONCE == 0 and perf_counter() > until:
                await trio.lowlevel.checkpoint()
                until = perf_counter() + SLICE_SECONDS

    def _ping_or_cut(self, connection: Connection) -> None:
        if connection.stage is not Stage.LISTENING:
            return
        if self._hub.second - connection.heard_at >= self._settings.silence_seconds:
            self._hub.sending.cut(connection)
        elif not connection.blocked or self._ping not in (connection.control or ()):
            self._hub.sending.control(connection, self._ping)

    async def _tell_presence(self) -> None:
        """Tell rooms whose counts have changed. A listener whose socket is full hears it the next time."""
        for view in list(self._hub.views.values()):
            counts = view.presence.news(self._hub.second)
            if counts is not None:
                await self._tell(view, Presence(view.name, *counts))

    async def _tell_typing(self) -> None:
        """Tell what is being typed, when there is time for it."""
        if self._hub.second < self._typing_due:
            return
        told = 0
        for view in list(self._hub.views.values()):
            lines = view.typing.take()
            if lines is not None:
                told += await self._tell(view, Typing(view.name, lines), lambda: view.typing.heard)  # noqa: B023
        self._typing_due = self._hub.second + typing_interval_seconds(told)

    async def _tell(self, view: RoomView, reply: Reply, old: Callable[[], bool] = lambda: False) -> int:
        """Say this to everybody in a room whose socket takes bytes, or until it is `old`; to how many."""
        told = 0
        until = perf_counter() + SLICE_SECONDS
        for audience in view.all_audiences():
            frame = render_reply(reply, audience.format)
            for subscription in list(audience.line):
                if not subscription.parked:
                    self._hub.sending.control(subscription.connection, frame)
                    told += 1
                if perf_counter() > until:
                    await trio.lowlevel.checkpoint()
                    until = perf_counter() + SLICE_SECONDS
                    if old():  # the rest may have had by now what was being typed
                        return told
        return told
