"""The rooms that this edge follows: each from its first listener on, and not much longer than it has any."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from fanout.core.closing import Bye, CloseCode
from fanout.core.reconnect import slot_ms
from fanout.core.typed_lines import TypedLine
from fanout.edge.room_view import GoOn, NotYet, RoomView
from fanout.edge.settings import SLICE_SECONDS
from fanout.errors import EngineAway, FanoutError

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

FOLLOW_EMPTY_SECONDS: Final = 30
"""How long a room is followed after its last listener has left: most of them come back at once, over a page that is
loaded anew or a line that was cut."""

CATCH_UP_SECONDS: Final = 1.0
"""How long those wait who may have heard more elsewhere. It takes milliseconds, unless the engine's process hangs; then
they are told to come back."""

RESTART_SECONDS: Final = 5.0
"""Over how long the listeners of a room that begins anew are asked to spread their return."""


class FollowedRooms:
    """`views` has them by name."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.views: dict[str, RoomView] = {}
        self.up_to_date = False
        """Whether all has been heard here that whoever is being served can have heard elsewhere."""
        self._behind: list[GoOn] = []
        """Those who may have heard more elsewhere."""
        self._wanted = trio.Event()

    def view(self, room: str) -> RoomView:
        """The room as this edge sees it.

        Raises:
            RoomNotFound: There is none of that name.
            EngineAway: It can't be followed now.
            NotYet: It is not known yet how it stands.
        """
        view = self.views.get(room)
        if view is None or view.refusal is not None:
            view = self.views[room] = RoomView(room, self._hub.feed, self._hub.news, self._restart)
        if view.refusal is not None:
            del self.views[room]
            raise view.refusal
        if not view.ready:
            raise NotYet(view.when_ready)
        return view

    def catch_up(self, go_on: GoOn) -> None:
        """Call `go_on`, `up_to_date`, once everything is heard here that has been published until now."""
        self._behind.append(go_on)
        self._wanted.set()

    async def run(self) -> None:
        """Catch up whenever somebody waits for it, once for all of them, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            waiting, self._behind = self._behind, []
            refusal: FanoutError | None = EngineAway()
            with suppress(EngineAway), trio.move_on_after(CATCH_UP_SECONDS):
                await self._hub.feed.catch_up()
                refusal = None
            until = 0.0
            for go_on in waiting:
                if perf_counter() > until:
                    await trio.lowlevel.checkpoint()
                    until = perf_counter() + SLICE_SECONDS
                self.up_to_date = refusal is None
                go_on(refusal)
                self.up_to_date = False

    def leave_empty(self) -> None:
        """Follow no longer what nobody has listened to for a while. Asked once a second."""
        now = self._hub.second
        for name, view in list(self.views.items()):
            if view.refusal is not None:
                del self.views[name]
            elif view.presence.listeners or not view.ready:
                view.empty_since = None
            elif view.empty_since is None:
                view.empty_since = now
            elif now - view.empty_since >= FOLLOW_EMPTY_SECONDS:
                del self.views[name]
                view.stop()

    def typed(self, room: str, lines: tuple[TypedLine, ...]) -> None:
        """This is being typed in a room."""
        if (view := self.views.get(room)) is not None:
            view.typing.hear(lines)

    def nobody_types(self) -> None:
        """What was being typed is not known any more."""
        for view in self.views.values():
            view.typing.hear(())

    def _restart(self, view: RoomView) -> None:
        """This room goes on as another stream: those who listen come back, and are told then what they miss. It takes a
        moment for many, in which nothing else is done: nobody may be given the new stream from an old place."""
        listeners = [one for one in self._hub.listeners() if one.subscription(view.name) is not None]
        for index, connection in enumerate(listeners):
            after_ms = slot_ms(index, len(listeners), RESTART_SECONDS)
            bye = Bye(CloseCode.DRAINING, "The room begins anew.", after_ms, room=view.name)
            self._hub.sending.leave(connection, bye)
