"""A whole edge on a real port, with a real engine, real tokens and the real ordinary HTTP: what these tests talk to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from fanout.core.admission import Ledger
from fanout.core.message import Message
from fanout.core.principal import Role
from fanout.edge.edge import Edge
from fanout.edge.settings import EdgeSettings
from fanout.engine.engine import Engine
from fanout.engine.ports import Log
from fanout.engine.room import Room
from fanout.feed.engine_feed import EngineFeed
from fanout.feed.remote_feed import RemoteFeed
from fanout.feed.serving import FeedServer
from fanout.feed.statistics import EdgeStatistics
from fanout.log.opening import open_engine
from fanout.web.app import make_app
from fanout.web.http import HttpServer
from fanout.web.tokens import Tokens
from fanout.wire.rendered import Format
from tests.edge.listener import HttpAnswer, Listener, handshake, sse_request

SECRET = b"a secret of the tests, and of nobody else"
SECONDS = 60
"""How long a test may take; with real sockets on a busy machine, generous."""


@dataclass
class Site:
    """One edge. `engine` and `edge` are the real ones; `target` is where to connect to."""

    engine: Engine
    edge: Edge
    tokens: Tokens
    feed: Any
    """The feed of the engine's process."""
    target: tuple[str, int] | str
    nursery: trio.Nursery
    client_tls: ssl.SSLContext | None = None
    server: FeedServer | None = None
    opened: list[socket.socket] = field(default_factory=list)

    @property
    def hub(self) -> Any:
        return self.edge._hub

    def room(self, name: str) -> Room:
        return self.engine.room(name)

    async def publish(self, room: str, *texts: str, **more: Any) -> list[Message]:
        return [await self.room(room).publish(text, **more) for text in texts]

    def token(self, role: str = "publisher", rooms: tuple[str, ...] = ("*",), **more: str) -> str:
        return self.tokens.issue(Role(role), rooms, ttl=600, **more)

    async def second(self, times: int = 1) -> None:
        """Let the edge believe that a second has passed."""
        for _ in range(times):
            if self.server is not None:
                await self.settled(lambda: not self.hub.feed._outbox)
                self.hub.feed.report()
                await self.edge_has_heard()
                self.server.look()
                await self.edge_has_heard()
            await self.edge._keep_alive.look()

    async def edge_has_heard(self) -> None:
        """Wait until the edge knows what the engine's process has said so far, and the other way round."""
        if self.server is not None:
            await self.server.statistics()

    async def connect(self, *, receive_buffer: int | None = None, plain: bool = False) -> trio.abc.Stream:
        """A connection with nothing said yet, TLS done if this site speaks it and `plain` does not forbid it."""
        family = socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET
        sock = trio.socket.socket(family)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(self.target)
        stream: trio.abc.Stream = trio.SocketStream(sock)
        self.nursery.start_soon(_close_at_the_end, stream)
        if self.client_tls is not None and not plain:
            stream = trio.SSLStream(stream, self.client_tls, server_hostname="localhost", https_compatible=True)
            await stream.do_handshake()
        return stream

    async def websocket(
        self,
        query: str = "room=stage",
        *,
        format: Format = Format.JSON,
        headers: Sequence[str] = (),
        receive_buffer: int | None = None,
        then: bytes = b"",
    ) -> Listener:
        """Somebody who has been upgraded, whatever comes then. `then` is sent in the same write as the request."""
        stream = await self.connect(receive_buffer=receive_buffer)
        await stream.send_all(handshake(query, format, headers) + then)
        return await Listener(stream, format).upgraded()

    async def events(
        self, room: str = "stage", query: str = "", *, headers: Sequence[str] = (), receive_buffer: int | None = None
    ) -> Listener:
        """Somebody with an event stream."""
        stream = await self.connect(receive_buffer=receive_buffer)
        await stream.send_all(sse_request(room, query, headers))
        return await Listener(stream, Format.EVENTS).upgraded()

    async def listener(self, format: Format, query: str = "", room: str = "stage", **more: Any) -> Listener:
        """One who listens to one room, welcome taken."""
        if format is Format.EVENTS:
            listener = await self.events(room, query, **more)
        else:
            listener = await self.websocket(f"room={room}&{query}", format=format, **more)
        listener.welcome = await listener.expect("welcome")
        return listener

    async def ask(self, raw: bytes) -> HttpAnswer:
        """Send these bytes on a connection of their own; what is answered until the server closes."""
        stream = await self.connect()
        await stream.send_all(raw)
        answer = await HttpAnswer.read(stream)
        await trio.aclose_forcefully(stream)
        return answer

    async def settled(self, condition: Any, what: str = "") -> None:
        """Wait until this is true: the edge has noticed what the test has just done."""
        with trio.move_on_after(SECONDS / 3):
            while not condition():  # noqa: ASYNC110  # what it waits for sets no event
                await trio.sleep(0.002)
        assert condition(), what or "the edge did not settle"

    async def is_empty(self) -> None:
        """Nobody is left, and nothing of them."""
        await self.settled(lambda: not self.hub.connections, f"{len(self.hub.connections)} connections are left")
        assert self.hub.admission.admitted == 0
        assert not self.hub.admission._by_address
        assert not self.hub.sending.stalled
        assert not self.hub.sending.leaving
        assert self.hub.authors.nobody
        assert not self.edge._arrival.waiting
        assert self.edge.statistics().listeners == {"websocket": 0, "events": 0}
        for view in self.hub.views.values():
            assert (view.presence.listeners, view.presence.visitors) == (0, 0)
            assert not any(audience.line.count for audience in view.all_audiences())


async def _close_at_the_end(stream: trio.abc.AsyncResource) -> None:
    try:
        await trio.sleep_forever()
    finally:
        await trio.aclose_forcefully(stream)


class Where:
    """Where the engine is that a site's edge belongs to; set by a fixture."""

    behind_a_socket = False


async def behind_a_socket(
    feed: EngineFeed, nursery: trio.Nursery, count: Callable[[], EdgeStatistics]
) -> tuple[RemoteFeed, FeedServer]:
    """What an edge in another process would have of this feed, over a real Unix socket."""
    server = FeedServer(feed, Ledger(None, None))
    await nursery.start(server.run)

    async def connect() -> trio.abc.Stream:
        ours, theirs = trio.socket.socketpair()
        nursery.start_soon(server.serve, trio.SocketStream(theirs))
        return trio.SocketStream(ours)

    remote = RemoteFeed("edge-1", connect, count)
    await nursery.start(remote.run)
    return remote, server


@asynccontextmanager
async def open_site(
    *rooms: str,
    settings: EdgeSettings = EdgeSettings(),  # noqa: B008  # frozen
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
    unix: Path | None = None,
    log: Log | None = None,
    capacity: int | None = None,
    feed: Callable[[Engine], EngineFeed] = EngineFeed,
) -> AsyncIterator[Site]:
    """An edge with these rooms, each `NAME` (a stage) or `NAME:MODE`; a room `stage` if none is named.

    Args:
        tls: The server's context and a client's.
        capacity: Of every room's ring.
        feed: What the edge is given of the engine.
    """
    tokens = Tokens(SECRET)
    async with open_engine(log=log) as engine:
        for room in rooms or ("stage",):
            name, _, mode = room.partition(":")
            await engine.open_room(name, mode=mode or "stage", capacity=capacity)
        edge: Edge
        here = feed(engine)
        with socket.socket(socket.AF_INET if unix is None else socket.AF_UNIX) as door:
            door.bind(("127.0.0.1", 0) if unix is None else str(unix))
            door.listen(4096)
            with trio.fail_after(SECONDS):
                async with trio.open_nursery() as nursery:
                    given, server = here, None
                    if Where.behind_a_socket:
                        given, server = await behind_a_socket(here, nursery, lambda: edge.statistics())
                    edge = Edge(
                        given,
                        authenticate=tokens.authenticate,
                        handle_http=lambda handover: http.serve(handover),
                        settings=settings,
                    )

                    async def counted() -> EdgeStatistics:
                        return edge.statistics()

                    http = HttpServer(make_app(engine, tokens, counted, lambda: True), edge.adopt)
                    await nursery.start(edge.run, [(door, None if tls is None else tls[0])])
                    target = door.getsockname() if unix is None else str(unix)
                    yield Site(engine, edge, tokens, here, target, nursery, None if tls is None else tls[1], server)
                    nursery.cancel_scope.cancel()
