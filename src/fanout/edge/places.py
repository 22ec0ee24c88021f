"""How a listener takes a place in a room: at its arrival and by `subscribe`, over WebSocket and event stream alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fanout.core.cursor import Recovery
from fanout.core.limits import MAX_ROOMS_PER_LISTENER
from fanout.core.message import GapReason
from fanout.core.position import Position
from fanout.core.principal import Action, Principal, Role
from fanout.core.room import DESK_ROOM_PREFIX, STAFF_ROOM_PREFIX, STAGE_ROOM_PREFIX
from fanout.edge.audience import Subscription
from fanout.edge.connection import Connection
from fanout.edge.room_view import NotYet, WelcomeForAll
from fanout.errors import InvalidInput, RoomNotFound
from fanout.wire.rendered import render
from fanout.wire.replies import RoomWelcome, Welcome, render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub


def listener_id(connection: Connection) -> str:
    """How a listener is called in its welcome."""
    return f"l{connection.number:08x}"


def take_place_live(hub: Hub, connection: Connection, room: str, heartbeat_seconds: int) -> bytes | None:
    """Subscribe a connection that asked for one room from now on, as nearly all do when the doors open.

    Returns:
        Its welcome: the same bytes for all who come between two messages, but for the listener's id. None if this room
        is for staff: then `take_place` knows what to say.
    Raises:
        RoomNotFound: No such room.
        Banned: Not for this visitor.
    """
    if room.startswith(STAFF_ROOM_PREFIX):
        return None
    view = hub.view(room)
    _check_not_banned(hub, connection, room)
    head, settings = view.ring.head, view.settings()
    welcome = view.welcomes[connection.format]
    if welcome is None or welcome.head != head or welcome.settings is not settings:
        stand_in = f"l{0:08x}"
        state = RoomWelcome(view.position, settings.mode, Recovery.LIVE)
        rendered = render_reply(Welcome(stand_in, heartbeat_seconds, {room: state}), connection.format)
        before, _, behind = rendered.partition(stand_in.encode())
        welcome = view.welcomes[connection.format] = WelcomeForAll(head, settings, before, behind)
    hub.subscribe(connection, view, head).unpark()
    return b"%bl%08x%b" % (welcome.before, connection.number, welcome.behind)


def take_place(
    hub: Hub, connection: Connection, room: str, after: Position | None, last: int | None
) -> tuple[RoomWelcome, bytes, Subscription]:
    """Subscribe a connection to a room.

    Returns:
        What the welcome says of the room, the gap that must follow the welcome (or nothing), and the place: it may be
        behind, and `Sending.first` knows what to do about that.

    Raises:
        RoomNotFound: No such room, or one for staff.
        Banned: Not for this visitor.
        InvalidInput: `already_subscribed`, `too_many_rooms`.
        NotYet: This edge does not follow the room yet, or has not heard of the position, which another one may have.
    """
    if room.startswith(STAFF_ROOM_PREFIX) and not _may_enter(connection.principal, room):
        raise RoomNotFound(f"There is no room called {room!r}.")
    view = hub.view(room)
    _check_not_banned(hub, connection, room)
    if connection.subscription(room) is not None:
        raise InvalidInput(f"This connection listens to {room!r} already.", code="already_subscribed")
    if len(connection.subscriptions) >= MAX_ROOMS_PER_LISTENER:
        raise InvalidInput(f"One connection listens to {MAX_ROOMS_PER_LISTENER} rooms at most.", code="too_many_rooms")
    begin = view.start(after, last)
    if begin.gap is not None and begin.gap.reason is GapReason.EPOCH and not hub.rooms.up_to_date:
        raise NotYet(hub.rooms.catch_up)
    subscription = hub.subscribe(connection, view, begin.cursor)
    gap = b""
    if begin.gap is not None:
        gap = render(begin.gap, connection.format)
        hub.statistics.gaps[begin.gap.reason] += 1
    if not view.in_ring(begin.cursor):
        hub.replay.add(subscription)
    welcome = RoomWelcome(Position(view.epoch, begin.cursor), view.settings().mode, begin.recovery)
    return welcome, gap, subscription


def _may_enter(principal: Principal, room: str) -> bool:
    """Whether this staff room is there for them."""
    if room.startswith(DESK_ROOM_PREFIX):
        return principal.may(Action.SEE_DESK, room.removeprefix(DESK_ROOM_PREFIX))
    if room.startswith(STAGE_ROOM_PREFIX):
        return principal.may(Action.SEE_STAGE, room.removeprefix(STAGE_ROOM_PREFIX))
    return principal.role is not Role.VISITOR


def _check_not_banned(hub: Hub, connection: Connection, room: str) -> None:
    if connection.principal.role is Role.VISITOR:
        hub.feed.check_listening(room, connection.principal, connection.address)
