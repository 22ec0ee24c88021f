"""A listener at the other end of a real socket, strict with what the server sends: every frame is checked against RFC
6455, every object against its format."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import trio

from fanout.wire.event_stream import EventStreamReader
from fanout.wire.frames import masked
from fanout.wire.rendered import Format

SUBPROTOCOL = {Format.JSON: "fanout.v1.json", Format.MSGPACK: "fanout.v1.msgpack"}
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def handshake(query: str = "room=stage", format: Format = Format.JSON, headers: Sequence[str] = ()) -> bytes:
    """A WebSocket client's request."""
    lines = [
        f"GET /v1/ws?{query} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL[format]}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def sse_request(room: str = "stage", query: str = "", headers: Sequence[str] = ()) -> bytes:
    """An event stream client's request."""
    lines = [f"GET /v1/rooms/{room}/events?{query} HTTP/1.1", "Host: localhost", "Accept: text/event-stream", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def client_frame(opcode: int, payload: bytes = b"", *, first: int | None = None, mask: bytes | None = None) -> bytes:
    """A frame as a client sends it; `first` overrides the first byte, to break rules."""
    mask = os.urandom(4) if mask is None else mask
    size = len(payload)
    begin = bytes([0x80 | opcode if first is None else first])
    if size < 126:
        begin += bytes([0x80 | size])
    elif size < 65536:
        begin += b"\xfe" + struct.pack(">H", size)
    else:
        begin += b"\xff" + struct.pack(">Q", size)
    return begin + mask + masked(payload, mask)


def command(fields: dict[str, Any], format: Format = Format.JSON) -> bytes:
    """A command in a frame."""
    if format is Format.MSGPACK:
        return client_frame(BINARY, msgpack.packb(fields))
    return client_frame(TEXT, json.dumps(fields).encode())


class Ended(Exception):
    """The server has closed. `code` is that of its close frame; None where there was none (or in an event stream)."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class ServerFrames:
    """Reads a server's frames, and asserts that each is as a server must send it (RFC 6455 §5)."""

    def __init__(self) -> None:
        self.buffer = b""

    def feed(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        self.buffer += data
        while len(self.buffer) >= 2:
            first, second = self.buffer[:2]
            assert first & 0xF0 == 0x80, f"not one whole frame without reserved bits: {first:#x}"
            assert first & 0xF in (TEXT, BINARY, CLOSE, PING, PONG), f"no such opcode: {first & 15}"
            assert second < 0x80, "servers do not mask"
            size, begin = second, 2
            if second == 126:
                size, begin = int.from_bytes(self.buffer[2:4], "big"), 4
                assert len(self.buffer) < 4 or size >= 126
            elif second == 127:
                size, begin = int.from_bytes(self.buffer[2:10], "big"), 10
                assert len(self.buffer) < 10 or size >= 65536
            if len(self.buffer) < max(begin, begin + size):
                return
            payload, self.buffer = self.buffer[begin : begin + size], self.buffer[begin + size :]
            yield first & 0xF, payload


class Chunks:
    """Takes the chunked coding off (RFC 9112 §7.1)."""

    def __init__(self) -> None:
        self.buffer = b""
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        self.buffer += data
        plain = b""
        while b"\r\n" in self.buffer:
            line, _, rest = self.buffer.partition(b"\r\n")
            size = int(line, 16)
            if len(rest) < size + 2:
                break
            self.ended = size == 0
            plain, self.buffer = plain + rest[:size], rest[size + 2 :]
        return plain


class Listener:
    """One client. What is read but not asked for stays in `got`; pings are answered unless `answers_pings` is false."""

    def __init__(self, stream: trio.abc.Stream, format: Format) -> None:
        self.stream = stream
        self.format = format
        self.head = b""
        self.welcome: dict[str, Any] = {}
        self.answers_pings = True
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.events = EventStreamReader()
        self.comments = 0
        self.ids: list[str] = []
        self.retries: list[int] = []
        self._frames = ServerFrames()
        self._chunks: Chunks | None = None
        self._got: list[dict[str, Any] | Ended] = []

    async def upgraded(self) -> Listener:
        """Read the head of the response, and check it."""
        received = b""
        while b"\r\n\r\n" not in received:
            data = await self.stream.receive_some(65536)
            assert data, f"closed before an answer: {received!r}"
            received += data
        self.head, _, rest = received.partition(b"\r\n\r\n")
        fields = self.head.lower()
        if self.format is Format.EVENTS:
            assert self.head.startswith(b"HTTP/1.1 200 "), received
            assert b"\r\ncontent-type: text/event-stream" in fields
            if b"\r\ntransfer-encoding: chunked" in fields:  # a proxy's doing
                self._chunks = Chunks()
        else:
            assert self.head.startswith(b"HTTP/1.1 101 "), received
            assert f"sec-websocket-accept: {ACCEPT}".lower().encode() in fields
        await self._take(rest)
        return self

    async def item(self) -> dict[str, Any]:
        """The next object.

        Raises:
            Ended: There is none any more.
        """
        while not self._got:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                data = b""
            if not data:
                assert not self._frames.buffer or isinstance(self._frames.buffer, bytes)
                raise Ended(None)
            await self._take(data)
        found = self._got[0]
        if isinstance(found, Ended):
            raise found
        return self._got.pop(0)

    async def expect(self, type: str, **fields: Any) -> dict[str, Any]:
        """The next object but presence, which must be of this type and have these fields."""
        item = await self.item()
        while item["type"] == "presence" and type != "presence":
            item = await self.item()
        assert item["type"] == type, item
        assert {name: item.get(name) for name in fields} == fields
        return item

    async def texts(self, count: int) -> list[str]:
        """The texts of the next messages."""
        return [(await self.expect("message"))["text"] for _ in range(count)]

    async def end(self) -> Ended:
        """How the server ends this, after nothing but presence."""
        try:
            while (item := await self.item())["type"] == "presence":
                pass
        except Ended as ended:
            return ended
        raise AssertionError(f"it goes on: {item}")

    async def everything(self) -> tuple[list[dict[str, Any]], Ended]:
        """Every object until the server closes."""
        items = []
        while True:
            try:
                items.append(await self.item())
            except Ended as ended:
                return items, ended

    async def say(self, type: str, **fields: Any) -> None:
        await self.stream.send_all(command({"type": type, **fields}, self.format))

    async def say_frame(self, opcode: int, payload: bytes = b"") -> None:
        await self.stream.send_all(client_frame(opcode, payload))

    async def silence(self) -> None:
        """A round trip: whatever was sent before it has come by now, and nothing was."""
        await self.say_frame(PING, b"are you there")
        while b"are you there" not in self.pongs:
            await self._take(await self.stream.receive_some(65536))
        self.pongs.remove(b"are you there")
        assert [item for item in self._got if isinstance(item, Ended) or item["type"] != "presence"] == []

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self.stream)

    async def _take(self, data: bytes) -> None:
        if self.format is Format.EVENTS:
            if self._chunks is not None:
                data = self._chunks.feed(data)
            self.comments += data.count(b"\n:") + data.startswith(b":")
            for event in self.events.feed(data):
                fields = json.loads(event.data)
                assert fields["type"] == event.type
                self.ids.append(event.id)
                self._got.append(fields)
            if self._chunks is not None and self._chunks.ended:
                self._got.append(Ended(None))
            return
        for opcode, payload in self._frames.feed(data):
            if opcode == PING:
                self.pings.append(payload)
                if self.answers_pings:
                    await self.say_frame(PONG, payload)
            elif opcode == PONG:
                self.pongs.append(payload)
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if payload else 1005
                self._got.append(Ended(code, payload[2:].decode()))
            elif self.format is Format.MSGPACK:
                assert opcode == BINARY
                self._got.append(msgpack.unpackb(payload))
            else:
                assert opcode == TEXT
                self._got.append(json.loads(payload.decode()))


@dataclass
class HttpAnswer:
    """Everything that a connection was answered until its end. `reset`: it ended with a reset."""

    raw: bytes
    reset: bool

    @classmethod
    async def read(cls, stream: trio.abc.ReceiveStream) -> HttpAnswer:
        raw = b""
        try:
            while data := await stream.receive_some(65536):
                raw += data
        except trio.BrokenResourceError:
            return cls(raw, True)
        return cls(raw, False)

    @classmethod
    async def one(cls, stream: trio.abc.ReceiveStream) -> HttpAnswer:
        """One answer with a Content-Length, and not a byte of what follows it."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += await stream.receive_some(1)
        length = int(raw.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        for _ in range(length):
            raw += await stream.receive_some(1)
        return cls(raw, False)

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def code(self) -> str:
        """The problem's code."""
        return json.loads(self.body)["code"]


def check_transcript(
    items: Iterable[dict[str, Any]], written: dict[int, dict[str, Any]], after: int, head: int
) -> None:
    """The rule of the core's own state machine: every position after `after` up to `head` exactly once and in order, or
    named in a gap; and what is said of each is what the log has, but for what was taken back later.

    Args:
        written: By number, each entry's id (of a message) or target (of a retraction) and text.
    """
    cursor = after
    for item in items:
        if item["type"] == "gap":
            first, last = (int(item[end].split(":")[1]) for end in ("from", "to"))
            assert first == cursor + 1, f"a gap from {first} at {cursor}"
            assert item["missed"] == last - first + 1
            cursor = last
        elif item["type"] in ("message", "retraction"):
            seq = int(item["position"].split(":")[1])
            assert seq == cursor + 1, f"{seq} comes after {cursor}"
            entry = written[seq]
            if item["type"] == "retraction":
                assert item["target"] == entry["target"]
            else:
                assert item["id"] == entry["id"]
                assert item["text"] in (entry["text"], "")
                assert item.get("retracted", False) is (item["text"] == "")
            cursor = seq
    assert cursor == head, f"it ends at {cursor} and not at {head}"
