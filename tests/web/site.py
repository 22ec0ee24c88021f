"""A server of ordinary HTTP on a real socket, with a real engine behind it: what these tests talk to."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import httpx
import trio

from fanout.core.histogram import Histogram
from fanout.core.principal import Role
from fanout.edge.handover import Handover
from fanout.engine.engine import Engine
from fanout.feed.statistics import EdgeStatistics, RoomCounts
from fanout.moderation.moderation import Moderation
from fanout.web.app import make_app
from fanout.web.http import App, HttpServer
from fanout.web.operate_api import Control
from fanout.web.tokens import Tokens

SECRET = b"a secret of the tests, and of nobody else"
SECONDS = 10


@dataclass
class Site:
    """One server on a port of its own. `adopted` is what it gave back to the hub; `ready` what readiness is told;
    `ended` counts connections."""

    engine: Engine
    tokens: Tokens
    nursery: trio.Nursery
    port: int = 0
    ready: bool = True
    adopted: list[Handover] = field(default_factory=list)
    ended: int = 0
    streams: list[trio.SocketStream] = field(default_factory=list)
    moderation: Moderation | None = None
    control: Control = field(default_factory=Control)
    http: HttpServer = field(init=False)

    def app(self) -> App:
        return make_app(
            self.engine, self.tokens, edge_statistics, lambda: self.ready, self.moderation, control=self.control
        )

    @property
    def house(self) -> Moderation:
        """The moderation of a site that has one."""
        assert self.moderation is not None
        return self.moderation

    def token(self, role: str = "operator", rooms: tuple[str, ...] = ("*",), **more: str) -> str:
        return self.tokens.issue(Role(role), rooms, ttl=60, **more)

    def headers(self, role: str = "operator", *, name: str = "", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role, name=name)}", **more}

    async def listen(self, app: App | None = None, *, trust_proxy: bool = False) -> None:
        """Serve `app` (the real one if not given) on a new port."""
        self.http = HttpServer(app or self.app(), self.adopted.append, trust_proxy=trust_proxy)
        listening = trio.socket.socket()
        await listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        self.port = listening.getsockname()[1]
        self.nursery.start_soon(self._accept, listening)

    async def _accept(self, listening: trio.socket.SocketType) -> None:
        with listening:
            while True:
                accepted, (address, _) = await listening.accept()
                sock = socket.socket(fileno=accepted.detach())
                sock.setblocking(False)
                self.nursery.start_soon(self._serve, Handover(sock, b"", address, False))

    async def _serve(self, handover: Handover) -> None:
        try:
            await self.http.serve(handover)
        finally:
            self.ended += 1

    async def connect(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        return stream

    async def say_on(self, stream: trio.SocketStream, raw: bytes, *, head_only: bool = False) -> tuple[bytes, bool]:
        """Send bytes; the answer, and whether the connection was closed after it (asking once more tells)."""
        await stream.send_all(raw)
        answer = await read_answer(stream, head_only=head_only)
        try:
            await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: again\r\n\r\n")
            closed = not (await read_answer(stream)).startswith(b"HTTP/1.1 200 ")
        except trio.BrokenResourceError:
            closed = True
        await stream.aclose()
        return answer, closed

    def client(self, **more: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=SECONDS, verify=False, **more)  # type: ignore[arg-type]


async def read_answer(stream: trio.SocketStream, *, head_only: bool = False) -> bytes:
    """One answer with a Content-Length (or none), or whatever came before the end of the connection."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            if not (more := await stream.receive_some()):
                return data
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths and not head_only else 0
        while len(body) < length and (more := await stream.receive_some()):
            body += more
    except trio.BrokenResourceError:
        return data
    return head + b"\r\n\r\n" + body


async def edge_statistics() -> EdgeStatistics:
    """An edge that has counted a little."""
    delivery = Histogram()
    delivery.observe(0.0008, 90)
    delivery.observe(0.02, 10)
    return EdgeStatistics(
        listeners={"websocket": 3, "events": 2},
        slow=1,
        arriving=0,
        visiting=0,
        deliveries=100,
        sends=40,
        passes=Histogram(),
        delivery=delivery,
        gaps={"slow": 2},
        closes={1001: 4},
        handshakes={"accepted": 5},
        errors={},
        rooms={"stage": RoomCounts(listeners=5, visitors=4)},
        room_slow={"stage": 1},
        room_delivery={"stage": delivery},
    )
