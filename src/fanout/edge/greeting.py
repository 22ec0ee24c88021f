"""The answer to a request for the hub: let in or not, first places in rooms, and what a listener must hear first.

The hot path at doors-open and after an outage, when everybody comes at once: one parse, one write.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random as chance  # spreads people over time; guards nothing
from typing import TYPE_CHECKING

from fanout.core.closing import Bye, CloseCode
from fanout.core.principal import VISITOR, Principal, Role
from fanout.core.reconnect import event_stream_retry_ms
from fanout.edge.admittance import Admittance
from fanout.edge.connection import Connection, Stage
from fanout.edge.places import listener_id, take_place, take_place_live
from fanout.edge.room_view import NotYet
from fanout.edge.settings import EdgeSettings
from fanout.errors import Banned, EngineAway, FanoutError, NotAllowed, TooSoon
from fanout.wire.frames import close_frame
from fanout.wire.join import HubRequest, event_stream_head, handshake_response
from fanout.wire.problem import close_code_of, problem_response, status_of
from fanout.wire.replies import Error, RoomWelcome, Welcome, render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

AWAY_SECONDS = 5.0
"""Over how long those are spread who come while the engine's process is being started again."""

READABLE_ANYWHERE = ("Access-Control-Allow-Origin", "*")
"""So is the stream: a window on another site learns why it has none."""

Authenticate = Callable[[str], Principal]
"""Who a token speaks for. Raises NotAllowed."""


class Greeting:
    """Makes listeners of those who ask to be one, or tells them why not and when to come back."""

    def __init__(self, hub: Hub, settings: EdgeSettings, authenticate: Authenticate) -> None:
        self._hub = hub
        self._settings = settings
        self._authenticate = authenticate
        self.draining = False
        self.admittance: Admittance
        """Keeps those who have to wait, and then calls `answer`. Given before anybody is greeted."""

    def greet(self, connection: Connection, request: HubRequest) -> None:
        """Let the listener in, or say why not."""
        connection.format = request.format
        if self._settings.trust_proxy and request.forwarded_for:
            connection.address = request.forwarded_for
        try:
            if request.problem is not None:
                raise request.problem
            known = request.token is not None or request.visitor is not None
            connection.principal = self._identified(request) if known else VISITOR
        except FanoutError as error:
            self._turn_away(connection, request, error)
            return
        if self._hub.feed.admits and connection.principal.role is Role.VISITOR:
            self.admittance.ask(connection, request)
        else:
            self.answer(connection, request)

    def _identified(self, request: HubRequest) -> Principal:
        """Whoever the token speaks for. A visitor's cookie that does not hold makes somebody without an identity: they
        may listen all the same."""
        if request.token is not None:
            return self._authenticate(request.token)
        assert request.visitor is not None
        try:
            visitor = self._authenticate(request.visitor)
        except NotAllowed:
            return VISITOR
        return visitor if visitor.role is Role.VISITOR else VISITOR

    def answer(self, connection: Connection, request: HubRequest, refusal: FanoutError | None = None) -> None:
        """Let the listener in if there is room, unless it is refused already."""
        if refusal is not None:
            self._turn_away(connection, request, refusal)
            return
        if self.draining:
            bye = self._later(CloseCode.DRAINING, "The server is going down.", self._settings.full_retry_seconds)
            self._say_bye(connection, request, bye)
            return
        full = self._hub.admission.admit(connection.address, chance())
        if full is not None:
            self._hub.statistics.handshakes[full.code] += 1
            self._say_bye(connection, request, Bye(CloseCode.FULL, full.detail, full.after_ms))
            return
        connection.stage = Stage.LISTENING
        self._hub.statistics.listeners["websocket" if connection.is_websocket else "events"] += 1
        try:
            welcome = self._take_place_live(connection, request)
            if welcome is None:
                self._take_places(connection, request)
            else:
                self._hub.sending.greet(connection, self._opening(request) + welcome)
        except (FanoutError, NotYet) as obstacle:
            self._hub.forget(connection)
            connection.stage = Stage.ARRIVING
            if isinstance(obstacle, NotYet):
                self.admittance.wait(connection, request, obstacle)
            else:
                self._turn_away(connection, request, obstacle)
            return
        self._hub.statistics.handshakes["accepted"] += 1
        if connection.principal.subject and connection.stage is Stage.LISTENING:
            self._hub.authors.joined(connection)

    def _take_place_live(self, connection: Connection, request: HubRequest) -> bytes | None:
        if len(request.rooms) != 1:
            return None
        wish = request.rooms[0]
        if wish.after is not None or wish.last is not None:
            return None
        return take_place_live(self._hub, connection, wish.room, self._settings.heartbeat_seconds)

    def _take_places(self, connection: Connection, request: HubRequest) -> None:
        """In every room that was asked for; who is banned from some of them has the others."""
        rooms: dict[str, RoomWelcome] = {}
        more = b""
        for number, wish in enumerate(request.rooms, 1):
            try:
                rooms[wish.room], gap, _ = take_place(self._hub, connection, wish.room, wish.after, wish.last)
                more += gap
            except Banned as ban:
                if number == len(request.rooms) and not rooms:
                    raise
                more += render_reply(Error(ban.code, ban.detail, room=wish.room), connection.format)
        welcome = Welcome(listener_id(connection), self._settings.heartbeat_seconds, rooms)
        greeting = self._opening(request) + render_reply(welcome, connection.format) + more
        self._hub.sending.first(connection, greeting, connection.subscriptions)

    def _opening(self, request: HubRequest, retry_ms: int | None = None) -> bytes:
        if request.kind == "websocket":
            return handshake_response(request)
        if retry_ms is None:
            retry_ms = event_stream_retry_ms(chance())
        return event_stream_head(retry_ms)

    def _turn_away(self, connection: Connection, request: HubRequest, error: FanoutError) -> None:
        """A refusal. One that coming back will not change is a status for an event stream and a close code for a
        WebSocket, whose client can read nothing before it is upgraded."""
        result = error.code if isinstance(error, NotAllowed | Banned) else "refused"
        self._hub.statistics.handshakes[result] += 1
        if isinstance(error, EngineAway):
            self._say_bye(connection, request, self._later(CloseCode.DRAINING, error.detail, AWAY_SECONDS))
        elif isinstance(error, TooSoon):
            self._say_bye(connection, request, Bye(CloseCode.FULL, error.detail, int(error.after_s * 1000)))
        elif request.kind == "events":
            refusal = problem_response(status_of(error), error.code, error.detail, [READABLE_ANYWHERE])
            self._hub.sending.last(connection, refusal)
        else:
            self._say_bye(connection, request, Bye(close_code_of(error), error.detail))

    def _later(self, code: CloseCode, reason: str, seconds: float) -> Bye:
        return Bye(code, reason, int((0.2 + 0.8 * chance()) * seconds * 1000))

    def _say_bye(self, connection: Connection, request: HubRequest, bye: Bye) -> None:
        """Open, say goodbye and close. An event stream gets it so too: a browser would never come back after a 503, but
        honours `retry`."""
        farewell = self._opening(request, bye.after_ms) + render_reply(bye, connection.format)
        if connection.is_websocket:
            farewell += close_frame(bye.code, bye.reason)
        self._hub.statistics.closes[int(bye.code)] += 1
        self._hub.sending.last(connection, farewell)
