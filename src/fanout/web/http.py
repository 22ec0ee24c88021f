"""Ordinary HTTP on connections that the hub has handed over: one request after the other, each dispatched anew.

A kept-alive connection may ask for a page first and for an event stream next, so every head is read by the same strict
parser and looked at before anything else; one that is for the hub goes back to it with all bytes from that head on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog
import trio

from fanout.edge.handover import Handover
from fanout.edge.socket_stream import SocketStream
from fanout.web.exchange import Exchange
from fanout.web.request_body import RequestBody
from fanout.web.security import DATA_HEADERS
from fanout.web.transport import ClientGone, Transport
from fanout.wire.join import forwarded_for, forwarded_over_tls, hub_request
from fanout.wire.problem import problem_response
from fanout.wire.request_head import BadRequest, RequestHead, find_head_end, parse_request_head

App = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI application."""

IDLE_SECONDS: Final = 30.0
"""How long a kept-alive connection may be silent between two requests; browsers give up after 60 to 120 by
themselves."""

HEAD_SECONDS: Final = 10.0
"""From the first byte of a head to its last. A head is one packet; what takes longer is trickled on purpose. Then:
408."""

FAILED: Final = "The server failed at this; it has been noted."

_log = structlog.get_logger(__name__)


class HttpServer:
    """Answers ordinary requests with `app`, and gives back to `adopt` what is for the hub.

    Args:
        app: An ASGI application.
        adopt: Takes over a connection whose next request is for the hub. Must not block.
        trust_proxy: Take the client's address from X-Forwarded-For, and whether it speaks TLS from X-Forwarded-Proto.
    """

    def __init__(self, app: App, adopt: Callable[[Handover], None], *, trust_proxy: bool = False) -> None:
        self._trust_proxy = trust_proxy
        self._app = app
        self._adopt = adopt
        self._draining = False
        self._idle: set[trio.CancelScope] = set()

    def drain(self) -> None:
        """From now on each connection ends with the answer that is under way, or at once when there is none."""
        self._draining = True
        for scope in self._idle:
            scope.cancel()

    async def serve(self, handover: Handover) -> None:
        """Serve one connection until it ends, is adopted, or this is cancelled. Never raises for what a client does.

        Cancellation: safe at any time; the socket is closed at once. What a request has begun to publish is not undone.
        """
        transport = Transport(SocketStream(handover.sock), handover.received)
        adopted = False
        try:
            adopted = await self._requests(transport, handover)
        except ClientGone:
            pass
        except BadRequest as refusal:
            await _refuse(transport, refusal)
        finally:
            if not adopted:
                transport.stream.close()

    async def _requests(self, transport: Transport, handover: Handover) -> bool:
        """One request after the other; True when the connection went back to the hub."""
        while True:
            raw_head = await self._next_head(transport)
            if raw_head is None:
                return False
            head = parse_request_head(raw_head)
            if hub_request(head) is not None:
                self._adopt(Handover(handover.sock, bytes(transport.buffer), handover.address, handover.secure))
                return True
            if head.method == "CONNECT":
                raise BadRequest("This is no proxy.", status=501, code="unknown_method")
            del transport.buffer[: len(raw_head)]
            exchange = Exchange(head, RequestBody(head, transport), transport, lambda: self._draining)
            if not await self._answer(head, exchange, transport, handover):
                return False

    async def _next_head(self, transport: Transport) -> bytes | None:
        """The next head, left in the buffer; None when there is none to come.

        Raises:
            BadRequest: It can't be one, or it did not come in time.
        """
        buffer = transport.buffer
        seen = 0
        if buffer:
            await trio.lowlevel.checkpoint()  # pipelined requests take turns with everybody else's
            if (end := find_head_end(buffer)) >= 0:
                return bytes(buffer[:end])
            seen = len(buffer)
        elif self._draining:
            return None
        with trio.move_on_after(HEAD_SECONDS if buffer else IDLE_SECONDS) as deadline:
            if not buffer:
                self._idle.add(deadline)
            try:
                while await transport.read_more():
                    if deadline in self._idle:
                        self._idle.remove(deadline)
                        deadline.deadline = trio.current_time() + HEAD_SECONDS
                    if (end := find_head_end(buffer, seen)) >= 0:
                        return bytes(buffer[:end])
                    seen = len(buffer)
            finally:
                self._idle.discard(deadline)
        if deadline.cancelled_caught and buffer:
            raise BadRequest("The rest of the request did not come in time.", status=408, code="head_too_slow")
        return None

    async def _answer(self, head: RequestHead, exchange: Exchange, transport: Transport, handover: Handover) -> bool:
        """Let the application answer one request; whether the connection can take another."""
        address, secure = handover.address, handover.secure
        if self._trust_proxy:
            address = forwarded_for(head.headers) or address
            secure = secure or forwarded_over_tls(head.headers)
        try:
            await self._app(exchange.scope(address, secure=secure), exchange.receive, exchange.send)
        except BadRequest:
            if not exchange.started:
                raise
            exchange.keep = False
        except Exception:
            if exchange.gone:
                return False
            _log.exception("request_failed", method=head.method, path=head.path)
            if exchange.started:
                return False  # the client sees an answer that breaks off, which it can't take for a whole one
            await transport.write(problem_response(500, "internal_error", FAILED, DATA_HEADERS))
            return False
        if not exchange.complete and not exchange.gone:
            _log.error("request_left_unanswered", method=head.method, path=head.path)
            return False
        if not exchange.keep and not exchange.gone:
            await transport.linger()
        return exchange.keep


async def _refuse(transport: Transport, refusal: BadRequest) -> None:
    try:
        await transport.write(
            problem_response(refusal.status, refusal.code, refusal.detail, (*DATA_HEADERS, *refusal.headers))
        )
    except ClientGone:
        return
    await transport.linger()
