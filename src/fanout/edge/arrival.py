"""From an accepted socket to a whole request: TLS, the head, and whether it is for the hub. `greeting` answers it."""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from fanout.edge.connection import Connection, Stage
from fanout.edge.handover import Handover
from fanout.edge.sending import WATCH
from fanout.wire.join import HubRequest, hub_request
from fanout.wire.problem import problem_response
from fanout.wire.rendered import Format
from fanout.wire.repeated_heads import RepeatedHeads
from fanout.wire.request_head import BadRequest, RequestHead, find_head_end, parse_request_head

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

Route = Callable[[RequestHead], HubRequest | None]
Greet = Callable[[Connection, HubRequest], None]


class Arrival:
    """Gets a whole request from each accepted connection, in time, and passes it on.

    Args:
        greet: Takes a connection whose request is for the hub.
        hand_over: Takes a connection whose request is for the ordinary HTTP; it leaves the hub.
        route: What a request asks of the hub; None for what is not its own.
    """

    def __init__(
        self,
        hub: Hub,
        handshake_seconds: int,
        greet: Greet,
        hand_over: Callable[[Handover], None],
        route: Route = hub_request,
    ) -> None:
        self._hub = hub
        self._handshake_seconds = handshake_seconds
        self._greet = greet
        self._hand_over = hand_over
        self._route = route
        self._repeated = RepeatedHeads()
        self.waiting = hub.arriving

    def add(self, connection: Connection) -> None:
        """Begin to wait for this connection's request."""
        self._hub.add(connection)
        self.waiting[connection] = self._hub.second + self._handshake_seconds

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
        detail = f"A whole request head was due within {self._handshake_seconds} seconds."
        self._refuse(connection, 408, "too_late", detail, ())

    def received(self, connection: Connection, data: bytes) -> None:
        """Take the next bytes of a request."""
        if connection.inbound:
            assert isinstance(connection.inbound, bytes)
            data = connection.inbound + data
            connection.inbound = None
        repeated = self._repeated.recall(data)
        if repeated is not None:
            del self.waiting[connection]
            self._greet(connection, repeated)
            return
        try:
            end = find_head_end(data)
            if end < 0:
                connection.inbound = data
                return
            request = self._request(data[:end])
        except BadRequest as bad:
            self._hub.statistics.handshakes["bad_request"] += 1
            self._refuse(connection, bad.status, bad.code, bad.detail, bad.headers)
            return
        del self.waiting[connection]
        if request is None:
            self._hub.release(connection)
            secure = isinstance(connection.sock, ssl.SSLSocket)
            self._hand_over(Handover(connection.sock, data, connection.address, secure))
            return
        self._greet(connection, request)
        if end < len(data):
            self._hub.sending.send_greetings()
            if connection.stage is Stage.LISTENING:
                self._hub.listening.received(connection, data[end:])
            elif connection.stage is Stage.WAITING:
                connection.keep(data[end:])

    def _request(self, head: bytes) -> HubRequest | None:
        request = self._route(parse_request_head(head))
        if request is not None:
            self._repeated.remember(head, request)
        return request

    def _refuse(
        self, connection: Connection, status: int, code: str, detail: str, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Answer with a problem and close."""
        self.waiting.pop(connection, None)
        connection.format = Format.EVENTS  # whatever it wanted, it speaks HTTP until it is told otherwise
        self._hub.sending.last(connection, problem_response(status, code, detail, headers))

    def _drop(self, connection: Connection) -> None:
        self._hub.lost(connection)
