"""What is said to everybody who listens, whatever they listen to: that nothing new can come for the moment, and that it
comes again."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from fanout.edge.settings import SLICE_SECONDS
from fanout.wire.rendered import Format
from fanout.wire.replies import Notice, render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

PATIENCE_SECONDS: Final = 2.0
"""How long the engine may be away before anybody is told: it is usually started again within this time, and nobody
needs to know."""

AWAY: Final = Notice("engine_away", "Nothing new can come for a moment. Please stay.")

BACK: Final = Notice("engine_back", "It goes on.")


class Notices:
    """Watches over one thing that everybody would like to know."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._away = False
        self._changed = trio.Event()

    def engine(self, *, away: bool) -> None:
        """The engine's process is away, or there again."""
        self._away = away
        self._changed.set()

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            await self._until(away=True)
            with trio.move_on_after(PATIENCE_SECONDS):
                await self._until(away=False)
            if self._away:
                await self._tell(AWAY)
                await self._until(away=False)
                await self._tell(BACK)

    async def _until(self, *, away: bool) -> None:
        while self._away is not away:
            self._changed = trio.Event()
            await self._changed.wait()

    async def _tell(self, notice: Notice) -> None:
        frames = {format: render_reply(notice, format) for format in Format}
        until = perf_counter() + SLICE_SECONDS
        for connection in self._hub.listeners():
            if connection.takes_more:  # whose socket is full has other worries
                self._hub.sending.control(connection, frames[connection.format])
            if perf_counter() > until:
                await trio.lowlevel.checkpoint()
                until = perf_counter() + SLICE_SECONDS
