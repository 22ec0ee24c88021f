"""From an accepted socket to a listener: TLS, the request head, the answer, and the first places in rooms.

The hot path at doors-open and after an outage, when everybody comes at once: one read, one parse, one write.
"""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable
from random import random as chance  # spreads people over time; guards nothing
from typing import TYPE_CHECKING

from fanout.core.closing import Bye, CloseCode
from fanout.core.principal import VISITOR, Principal
from fanout.core.reconnect import event_stream_retry_ms
from fanout.edge.connection import Connection, Stage
from fanout.edge.handover import Handover
from fanout.edge.places import take_place
from fanout.edge.sending import WATCH
from fanout.edge.settings import EdgeSettings
from fanout.errors import FanoutError, NotAllowed
from fanout.wire.frames import close_frame
from fanout.wire.join import HubRequest, event_stream_head, handshake_response, hub_request
from fanout.wire.problem import close_code_of, problem_response, status_of
from fanout.wire.rendered import Format
from fanout.wire.replies import RoomWelcome, Welcome, render_reply
from fanout.wire.request_head import BadRequest, find_head_end, parse_request_head

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

Authenticate = Callable[[str], Principal]
"""Who a token speaks for. Raises NotAllowed."""


def listener_id(connection: Connection) -> str:
    """How a listener is called in its welcome."""
    return f"l{connection.number:x}"


class Arrival:
    """Turns accepted connections into listeners, or hands them over to the ordinary HTTP.

    Args:
        hand_over: Takes a connection whose request is not for the hub.
    """

    def __init__(
        self, hub: Hub, settings: EdgeSettings, authenticate: Authenticate, hand_over: Callable[[Handover], None]
    ) -> None:
        self._hub = hub
        self._settings = settings
        self._authenticate = authenticate
        self._hand_over = hand_over
        self.waiting: dict[Connection, int] = {}
        """Connections without a whole request yet, oldest first, and the second in which their time is up."""
        self.draining = False

    def add(self, connection: Connection) -> None:
        """Begin to wait for this connection's request."""
        self._hub.add(connection)
        self.waiting[connection] = self._hub.second + self._settings.handshake_seconds

    def secure(self, connection: Connection) -> None:
        """Go on with the TLS handshake."""
        assert isinstance(connection.sock, ssl.SSLSocket)
        try:
            connection.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._hub.epoll.modify(connection.fd, WATCH)
        except ssl.SSLWantWriteError:
            self._hub.epoll.modify(connection.fd, select.EPOLLOUT)
        except OSError:  # SSLError is one
            self._hub.statistics.handshakes["tls_failed"] += 1
            self._drop(connection)
        else:
            connection.stage = Stage.ARRIVING
            self._hub.epoll.modify(connection.fd, WATCH)
            self._hub.readable(connection)

    def too_late(self, connection: Connection) -> None:
        """The request did not come in time."""
        self._hub.statistics.handshakes["too_late"] += 1
        if connection.stage is Stage.SECURING or not connection.inbound:
            self._drop(connection)
            return
        seconds = self._settings.handshake_seconds
        self._refuse(connection, 408, "too_late", f"A whole request head was due within {seconds} seconds.", ())

    def received(self, connection: Connection, data: bytes) -> None:
        """Take the next bytes of a request."""
        if connection.inbound:
            assert isinstance(connection.inbound, bytes)
            data = connection.inbound + data
        try:
            end = find_head_end(data)
            if end < 0:
                connection.inbound = data
                return
            request = hub_request(parse_request_head(data[:end]))
        except BadRequest as bad:
            self._hub.statistics.handshakes["bad_request"] += 1
            self._refuse(connection, bad.status, bad.code, bad.detail, bad.headers)
            return
        del self.waiting[connection]
        connection.inbound = None
        if request is None:
            self._hub.release(connection)
            secure = isinstance(connection.sock, ssl.SSLSocket)
            self._hand_over(Handover(connection.sock, data, connection.address, secure))
            return
        self._admit(connection, request)
        if end < len(data) and connection.stage is Stage.LISTENING:
            self._hub.listening.received(connection, data[end:])

    def _admit(self, connection: Connection, request: HubRequest) -> None:
        """Let the listener in, or say why not."""
        connection.format = request.format
        if self._settings.trust_proxy and request.forwarded_for:
            connection.address = request.forwarded_for
        try:
            if request.problem is not None:
                raise request.problem
            connection.principal = self._authenticate(request.token) if request.token is not None else VISITOR
        except FanoutError as error:
            self._turn_away(connection, request, error)
            return
        if self.draining:
            self._say_bye(connection, request, self._later(CloseCode.DRAINING, "The server is going down."))
            return
        refusal = self._hub.admission.admit(connection.address, chance())
        if refusal is not None:
            self._hub.statistics.handshakes[refusal.code] += 1
            self._say_bye(connection, request, Bye(CloseCode.FULL, refusal.detail, refusal.after_ms))
            return
        connection.stage = Stage.LISTENING
        self._hub.statistics.listeners["websocket" if connection.is_websocket else "events"] += 1
        rooms: dict[str, RoomWelcome] = {}
        firsts = b""
        try:
            for wish in request.rooms:
                rooms[wish.room], first = take_place(self._hub, connection, wish.room, wish.after, wish.last)
                firsts += first
        except FanoutError as error:
            self._hub.forget(connection)
            connection.stage = Stage.ARRIVING
            self._turn_away(connection, request, error)
            return
        self._hub.statistics.handshakes["accepted"] += 1
        welcome = Welcome(listener_id(connection), self._settings.heartbeat_seconds, rooms)
        greeting = self._opening(request) + render_reply(welcome, connection.format) + firsts
        self._hub.sending.control(connection, greeting)

    def _opening(self, request: HubRequest, retry_ms: int | None = None) -> bytes:
        if request.kind == "websocket":
            return handshake_response(request)
        if retry_ms is None:
            retry_ms = event_stream_retry_ms(chance())
        return event_stream_head(retry_ms)

    def _turn_away(self, connection: Connection, request: HubRequest, error: FanoutError) -> None:
        """A refusal that coming back will not change: a status for an event stream, a close code for a WebSocket, whose
        client can read nothing before it is upgraded."""
        result = error.code if isinstance(error, NotAllowed) else "refused"
        self._hub.statistics.handshakes[result] += 1
        if request.kind == "events":
            self._hub.sending.last(connection, problem_response(status_of(error), error.code, error.detail))
        else:
            self._say_bye(connection, request, Bye(close_code_of(error), error.detail))

    def _later(self, code: CloseCode, reason: str) -> Bye:
        spread = 0.2 + 0.8 * chance()
        return Bye(code, reason, int(spread * self._settings.full_retry_seconds * 1000))

    def _say_bye(self, connection: Connection, request: HubRequest, bye: Bye) -> None:
        """Open, say goodbye and close. An event stream gets it so too: a browser would never come back after a 503, but
        honours `retry`."""
        farewell = self._opening(request, bye.after_ms) + render_reply(bye, connection.format)
        if connection.is_websocket:
            farewell += close_frame(bye.code, bye.reason)
        self._hub.statistics.closes[int(bye.code)] += 1
        self._hub.sending.last(connection, farewell)

    def _refuse(
        self, connection: Connection, status: int, code: str, detail: str, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Answer with a problem and close."""
        self.waiting.pop(connection, None)
        connection.format = Format.EVENTS  # whatever it wanted, it speaks HTTP until it is told otherwise
        self._hub.sending.last(connection, problem_response(status, code, detail, headers))

    def _drop(self, connection: Connection) -> None:
        self.waiting.pop(connection, None)
        self._hub.lost(connection)
