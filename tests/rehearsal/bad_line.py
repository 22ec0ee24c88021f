"""A proxy before a good server that makes a bad one of it: it drops messages, is late with them, or refuses SMS."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import trio

from fanout.client.crowd.reading import read_frame


class BadLine:
    """Passes everything on, but for one message in `every` on its way to a listener, and that only after a while; and
    but for every second batch of SMS, if it is `deaf`, and for the first line of each answer, which it forgets. The
    first listener's connection breaks then with the first message. If it is `mute`, nobody is ever told anything of an
    SMS."""

    def __init__(self, port: int, every: int, seconds: float, *, deaf: bool = False, mute: bool = False) -> None:
        self._port, self._every, self._seconds, self._deaf, self._mute = port, every, seconds, deaf, mute
        self._broken = False
        self._count = self.dropped = self.felt = self._batches = 0
        """`felt`: dropped messages after which the same listener was sent another one, on the same line. What is
        dropped before a break comes when it resumes, and nobody can miss the last one before another has come."""

    async def handle(self, client: trio.SocketStream) -> None:
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self._port)
            async with server, trio.open_nursery() as nursery:
                nursery.start_soon(self._up, client, server, nursery.cancel_scope)
                await self._down(server, client)
                nursery.cancel_scope.cancel()
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(client)

    async def _up(self, client: trio.SocketStream, server: trio.SocketStream, scope: trio.CancelScope) -> None:
        unheard = False
        while received := bytes(await client.receive_some()):
            unheard = unheard or (self._mute and received.startswith(b"POST /v1/sms"))
            if unheard:
                continue
            if self._deaf and received.startswith(b"POST /v1/sms"):
                self._batches += 1
                if self._batches % 2:
                    received = received.replace(b"/v1/sms", b"/v1/5m5", 1)  # where nobody takes any
            if self._deaf and received.startswith(b"PUT ") and b"/lines/l0 " in received:
                await _forget(received, client)
                continue
            await server.send_all(received)
        scope.cancel()

    async def _down(self, server: trio.SocketStream, client: trio.SocketStream) -> None:
        received = bytes(await server.receive_some())
        is_stream = b"\r\nContent-Type: text/event-stream" in received
        if not is_stream and not received.startswith(b"HTTP/1.1 101"):
            while received:
                await client.send_all(received)
                received = bytes(await server.receive_some())
            return
        head, _, rest = received.partition(b"\r\n\r\n")
        await client.send_all(head + b"\r\n\r\n")
        unfelt = 0
        while True:
            kept, used, felt = b"", 0, 0
            for part, is_message in _events(rest) if is_stream else _frames(rest):
                if is_message and self._chosen():
                    unfelt += 1
                else:
                    kept += part
                    if is_message:
                        felt, unfelt = felt + unfelt, 0
                used += len(part)
            rest = rest[used:]
            if self._deaf and not self._broken and b'"type":"message"' in kept:
                self._broken = True
                return
            if kept:
                await trio.sleep(self._seconds)
                await client.send_all(kept)
            self.felt += felt
            more = bytes(await server.receive_some())
            if not more:
                return
            rest += more

    def _chosen(self) -> bool:
        self._count += 1
        chosen = self._count % self._every == self._every // 2
        self.dropped += chosen
        return chosen


async def _forget(received: bytes, client: trio.SocketStream) -> None:
    """Acknowledge a request and do nothing."""
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    while len(body) < int(length[1]):
        body += await client.receive_some()
    await client.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


def _frames(received: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each whole frame, and whether it is a message."""
    used = 0
    while (frame := read_frame(received, used)) is not None:
        opcode, payload, end = frame
        yield received[used:end], opcode == 1 and b'"type":"message"' in payload
        used = end


def _events(received: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each whole event of a stream, and whether it is a message."""
    *whole, _ = received.split(b"\n\n")
    for event in whole:
        yield event + b"\n\n", b"event: message\n" in event


@asynccontextmanager
async def bad_line(
    port: int, *, every: int, seconds: float, deaf: bool = False, mute: bool = False
) -> AsyncIterator[tuple[str, BadLine]]:
    """The URL of such a proxy before the server at `port`, for as long as the block runs."""
    line = BadLine(port, every, seconds, deaf=deaf, mute=mute)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1024)
        nursery.start_soon(trio.serve_listeners, line.handle, listeners)
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", line
        nursery.cancel_scope.cancel()
