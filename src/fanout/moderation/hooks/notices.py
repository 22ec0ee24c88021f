"""Notifications: a bounded queue for each plug-in, which nobody ever waits for.

A plug-in hears of things one after another, in the order in which they happened; plug-ins don't wait for each other.
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import Any, Final

import trio

from fanout.moderation.hooks.calls import Calls, Failure
from fanout.moderation.hooks.plugin import Plugin

QUEUE_LENGTH: Final = 10_000
"""Notifications that one plug-in may be behind: ten seconds of doors-open. Beyond, they are dropped and counted."""

TURN_SECONDS: Final = 0.002
"""How long calls that never wait may follow each other before everybody else has a turn. A turn for each of them costs
more than most of the calls."""


class Notices:
    """One plug-in's queue, and what empties it."""

    def __init__(self, plugin: Plugin) -> None:
        self._rooms = plugin.rooms
        self._send, self._receive = trio.open_memory_channel[tuple[Calls, tuple[Any, ...]]](QUEUE_LENGTH)
        self._scope = trio.CancelScope(shield=True)

    @property
    def queued(self) -> int:
        return self._send.statistics().current_buffer_used

    def tell(self, calls: Calls, arguments: tuple[Any, ...]) -> None:
        """Queue one, if it is of a room that the plug-in is to hear of."""
        if self._rooms and room_of(arguments[0]) not in self._rooms:
            return
        try:
            self._send.send_nowait((calls, arguments))
        except trio.WouldBlock:
            calls.fail(Failure.DROPPED)
        except trio.ClosedResourceError:
            calls.fail(Failure.STOPPED)

    async def deliver(self) -> None:
        """Call the plug-in with one after another, until they are at an end. Cancellation: has no effect; `end` has."""
        with self._scope:
            async for calls, arguments in self._receive:
                await calls.ask(*arguments)
                until = perf_counter() + TURN_SECONDS
                with suppress(trio.WouldBlock, trio.EndOfChannel):
                    while perf_counter() < until:
                        calls, arguments = self._receive.receive_nowait()
                        await calls.ask(*arguments)
        while self.queued:
            self._receive.receive_nowait()[0].fail(Failure.STOPPED)

    def forget(self) -> None:
        """What is queued is told to nobody. What is under way ends."""
        with suppress(trio.WouldBlock):
            while True:
                self._receive.receive_nowait()

    def end(self, seconds: float) -> None:
        """Take nothing more; what is queued may be told for so long."""
        self._send.close()
        self._scope.deadline = trio.current_time() + seconds


def room_of(subject: Any) -> str:
    """The room of what a notification is about: a room, or something that happened in one."""
    name: str = subject.room if hasattr(subject, "room") else subject.name
    return name
