"""The rooms that this edge follows: each from its first listener on, and not much longer than it has any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fanout.core.closing import Bye, CloseCode
from fanout.core.reconnect import slot_ms
from fanout.edge.room_view import RoomNotReady, RoomView

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

FOLLOW_EMPTY_SECONDS: Final = 30
"""How long a room is followed after its last listener has left: most of them come back at once, over a page that is
loaded anew or a line that was cut."""

RESTART_SECONDS: Final = 5.0
"""Over how long the listeners of a room that begins anew are asked to spread their return."""


class FollowedRooms:
    """`views` has them by name."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.views: dict[str, RoomView] = {}

    def view(self, room: str) -> RoomView:
        """The room as this edge sees it.

        Raises:
            RoomNotFound: There is none of that name.
            EngineAway: It can't be followed now.
            RoomNotReady: It is not known yet how it stands.
        """
        view = self.views.get(room)
        if view is None or view.refusal is not None:
            view = self.views[room] = RoomView(room, self._hub.feed, self._hub.news, self._restart)
        if view.refusal is not None:
            del self.views[room]
            raise view.refusal
        if not view.ready:
            raise RoomNotReady(view)
        return view

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

    def _restart(self, view: RoomView) -> None:
        """This room goes on as another stream: those who listen come back, and are told then what they miss. It takes a
        moment for many, in which nothing else is done: nobody may be given the new stream from an old place."""
        listeners = [one for one in self._hub.listeners() if one.subscription(view.name) is not None]
        for index, connection in enumerate(listeners):
            after_ms = slot_ms(index, len(listeners), RESTART_SECONDS)
            bye = Bye(CloseCode.DRAINING, "The room begins anew.", after_ms, room=view.name)
            self._hub.sending.leave(connection, bye)
