"""A small real server that speaks the protocol, and can be told to break its promises: what clients are tested on.

It shares no code with the server of the project but the names of fields, so that a mistake can't hide on both sides.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import trio
import trio_websocket

from tests.client.faults import Bend, Entry


@dataclass
class Room:
    """One stream. Entries are the protocol's objects, and their `seq`."""

    epoch: str = "aaaa"
    entries: list[Entry] = field(default_factory=list)
    oldest: int = 1
    followers: list[str] = field(default_factory=list)


@dataclass
class Line:
    """One connection: its cursors, and the tools to treat it badly."""

    number: int
    websocket: trio_websocket.WebSocketConnection
    stream: trio.abc.Stream
    formats: str
    cursors: dict[str, int] = field(default_factory=dict)
    leaving: trio.Event | None = None
    idle: bool = False


class SmallServer:
    """Rooms, listeners and plain HTTP publishing on one port. Knobs are attributes."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.lines: list[Line] = []
        self.requests: list[str] = []
        self.heartbeat_s = 25.0
        self.bend: Bend = lambda number, entries: entries
        self.delay_seconds = 0.0
        self.refuse: list[tuple[int, dict[str, str], Entry]] = []
        self.break_after_commit = 0
        self.http_answers: list[tuple[int, Entry]] = []
        self.greet = True
        self.answer_last = False
        """Acknowledge a publication only after everything else was sent."""
        self.replay_again = 0
        """So many entries before the wanted position are sent once more when somebody resumes."""
        self._keys: dict[str, Entry] = {}
        self._news = trio.lowlevel.ParkingLot()
        self._changed = trio.lowlevel.ParkingLot()
        self._count = 0
        self.url = ""

    def publish(self, room: str, text: str = "", **more: Any) -> Entry:
        """Append to a room and to those that follow it; wake every line."""
        first: Entry | None = None
        for name in [room, *self.rooms[room].followers]:
            stream = self.rooms[name]
            seq = len(stream.entries) + 1
            entry = {
                "type": "message", "room": name, "position": f"{stream.epoch}:{seq}", "seq": seq, "id": f"m{seq}",
                "kind": "message", "author": {"name": "", "role": ""}, "text": text,
                "at": "2026-11-22T20:15:00.123Z", **more,
            }  # fmt: skip
            stream.entries.append(entry)
            first = first or entry
        for line in self.lines:
            line.idle = False
        self._news.unpark_all()
        assert first is not None
        return first

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that connections do: requests, lines that come and go or have been sent all there is."""
        while not condition():
            await self._changed.park()

    async def cut_all(self) -> None:
        """Break every connection without a word."""
        for line in list(self.lines):
            await trio.aclose_forcefully(line.stream)

    async def bye_all(self, code: int, **fields: Any) -> None:
        """Say bye on every connection and close it."""
        for line in list(self.lines):
            await self.say(line, {"type": "bye", "code": code, "reason": "because", "reconnect": True, **fields})
            line.leaving = trio.Event()
            await line.websocket.aclose(code, "because")
            line.leaving.set()

    async def say(self, line: Line, what: Entry) -> None:
        """Send one object, whatever it is."""
        if line.formats == "fanout.v1.msgpack":
            import msgpack

            await line.websocket.send_message(msgpack.packb(what))
        else:
            await line.websocket.send_message(json.dumps(what))

    async def handle(self, stream: trio.abc.Stream) -> None:
        """One accepted connection: read one request head, then be a WebSocket or an HTTP server."""
        received = b""
        try:
            while b"\r\n\r\n" not in received:
                more = await stream.receive_some()
                if not more:
                    return
                received += bytes(more)
            self.requests.append(received.split(b" ")[1].decode())
            self._changed.unpark_all()
            if b"upgrade: websocket" in received.lower() and not self.refuse:
                await self._websocket(Replayed(stream, received))
            else:
                await self._http(Replayed(stream, received))
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio_websocket.ConnectionClosed):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _websocket(self, stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request = await trio_websocket.wrap_server_stream(nursery, stream)
            query = parse_qsl(urlsplit(request.path).query)
            wanted = request.proposed_subprotocols[0] if request.proposed_subprotocols else "fanout.v1.json"
            websocket = await request.accept(subprotocol=wanted)
            self._count += 1
            line = Line(self._count, websocket, stream, wanted)
            self.lines.append(line)
            self._changed.unpark_all()
            try:
                if self.greet:
                    await self._converse(line, query, nursery)
                else:
                    await trio.sleep_forever()
            except (trio_websocket.ConnectionClosed, trio.ClosedResourceError):
                pass
            finally:
                if line.leaving is not None:
                    await line.leaving.wait()
                self.lines.remove(line)
                self._changed.unpark_all()
                nursery.cancel_scope.cancel()

    async def _converse(self, line: Line, query: list[tuple[str, str]], nursery: trio.Nursery) -> None:
        last = int(dict(query).get("last", 0))
        after = dict(value.rsplit("@", 1) for name, value in query if name == "after")
        rooms = [value for name, value in query if name == "room"]
        if any(room not in self.rooms for room in rooms):
            await line.websocket.aclose(4004, "no such room")
            return
        await self._welcome(line, {room: (after.get(room), last) for room in rooms})
        nursery.start_soon(self._feed, line)
        while True:
            said = await line.websocket.get_message()
            await self._command(line, json.loads(said) if isinstance(said, str) else _unpacked(said))

    async def _welcome(self, line: Line, wishes: dict[str, tuple[str | None, int]]) -> None:
        rooms, gaps = {}, []
        for name, (after, last) in wishes.items():
            room = self.rooms[name]
            head, recovery = len(room.entries), "live"
            cursor = max(head - last, room.oldest - 1)
            if after is not None:
                epoch, _, seq = after.partition(":")
                recovery, cursor = "resumed", int(seq)
                reason = "epoch" if epoch != room.epoch or cursor > head else "expired"
                if reason == "epoch" or cursor < room.oldest - 1:
                    first = 1 if reason == "epoch" else cursor + 1
                    recovery, cursor = "gap", room.oldest - 1
                    gaps.append({
                        "type": "gap", "room": name, "from": f"{room.epoch}:{first}", "to": f"{room.epoch}:{cursor}",
                        "missed": cursor - first + 1, "reason": reason,
                    })  # fmt: skip
                else:
                    cursor = max(0, cursor - self.replay_again)
            line.cursors[name] = cursor
            rooms[name] = {"position": f"{room.epoch}:{cursor}", "mode": "stage", "recovery": recovery}
        await self.say(line, {
            "type": "welcome", "listener": str(line.number), "heartbeat_s": self.heartbeat_s, "rooms": rooms,
        })  # fmt: skip
        for gap in gaps:
            await self.say(line, gap)

    async def _feed(self, line: Line) -> None:
        try:
            while True:
                for name in list(line.cursors):
                    due = self.rooms[name].entries[line.cursors[name] :]
                    line.cursors[name] += len(due)
                    if due and self.delay_seconds:
                        await trio.sleep(self.delay_seconds)
                    for entry in self.bend(line.number, due):
                        await self.say(line, entry)
                if not any(len(self.rooms[name].entries) > cursor for name, cursor in line.cursors.items()):
                    line.idle = True
                    self._changed.unpark_all()
                    await self._news.park()
        except (trio_websocket.ConnectionClosed, trio.ClosedResourceError):
            pass

    async def _command(self, line: Line, said: Entry) -> None:
        match said:
            case {"type": "subscribe", "room": room} if room in self.rooms:
                await self._welcome(line, {room: (said.get("after"), said.get("last", 0))})
                self._news.unpark_all()
            case {"type": "subscribe"}:
                await self.say(line, {"type": "error", "code": "room_not_found", "detail": "No such room."})
            case {"type": "unsubscribe", "room": room}:
                line.cursors.pop(room, None)
            case {"type": "publish" | "submit", "text": "cut me"}:
                await trio.aclose_forcefully(line.stream)
            case {"type": "submit", "text": "too soon", "ref": ref}:
                refusal = {"type": "error", "code": "rate_limited", "detail": "Wait.", "after_ms": 1500}
                await self.say(line, {**refusal, "ref": ref})
            case {"type": "submit", "room": room, "ref": ref}:
                await self.say(line, {"type": "submission", "room": room, "id": "s1", "state": "held", "ref": ref})
            case {"type": "publish", "text": "forbidden", "ref": ref}:
                await self.say(line, {"type": "error", "code": "role_refused", "detail": "Not you.", "ref": ref})
            case {"type": "publish", "room": room, "text": text, "ref": ref}:
                entry = self.publish(room, text)
                if self.answer_last:
                    await self.until(lambda: line.idle)
                await self.say(
                    line, {"type": "published", "ref": ref, **{key: entry[key] for key in ("room", "id", "position")}}
                )

    async def _http(self, stream: trio.abc.Stream) -> None:
        http = h11.Connection(h11.SERVER)
        while True:
            request, body = await _read_request(http, stream)
            if request is None:
                return
            status, headers, answer = self._answer(request, body)
            if status == 0:
                return
            payload = json.dumps(answer).encode()
            parts = (
                h11.Response(status_code=status, headers=[("Content-Length", str(len(payload))), *headers.items()]),
                h11.Data(data=payload),
                h11.EndOfMessage(),
            )
            await stream.send_all(b"".join(http.send(part) or b"" for part in parts))
            if http.our_state is not h11.DONE:
                return
            http.start_next_cycle()

    def _answer(self, request: h11.Request, body: bytes) -> tuple[int, dict[str, str], Any]:
        if self.refuse:
            return self.refuse.pop(0)
        if self.http_answers:
            status, problem = self.http_answers.pop(0)
            return status, {}, problem
        _, _, _, room, *rest = unquote(request.target.decode()).split("/")
        if request.method == b"PUT":
            wanted = json.loads(body)
            self.rooms.setdefault(room, Room())
            for followed in wanted.get("follows", []):
                if room not in self.rooms[followed].followers:
                    self.rooms[followed].followers.append(room)
            return 200, {}, {"name": room}
        if request.method != b"POST" or rest != ["messages"]:
            return 404, {}, {"code": "not_found", "detail": "Nothing here."}
        key = dict(request.headers)[b"idempotency-key"].decode()
        if key not in self._keys:
            said = json.loads(body)
            made = [self.publish(room, **each) for each in (said if isinstance(said, list) else [said])]
            receipts = [{"id": each["id"], "position": each["position"]} for each in made]
            self._keys[key] = receipts if isinstance(said, list) else receipts[0]  # type: ignore[assignment]
        if self.break_after_commit:
            self.break_after_commit -= 1
            return 0, {}, None
        return 201, {}, self._keys[key]


class Replayed(trio.abc.Stream):
    """A stream of which some bytes have been read already."""

    def __init__(self, stream: trio.abc.Stream, received: bytes) -> None:
        self._stream, self._received = stream, received

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        received, self._received = self._received, b""
        return received or await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def small_server(context: ssl.SSLContext | None = None, *rooms: str) -> AsyncIterator[SmallServer]:
    """A server on a free port of 127.0.0.1, with these rooms or just `stage`, for as long as the block runs."""
    server = SmallServer()
    server.rooms = {name: Room() for name in rooms or ("stage",)}
    async with trio.open_nursery() as nursery:
        listeners: Any = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
        port = listeners[0].socket.getsockname()[1]
        if context is not None:
            listeners = [trio.SSLListener(listeners[0], context, https_compatible=True)]
        nursery.start_soon(trio.serve_listeners, server.handle, listeners)
        server.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        yield server
        nursery.cancel_scope.cancel()


async def _read_request(http: h11.Connection, stream: trio.abc.Stream) -> tuple[h11.Request | None, bytes]:
    request, body = None, b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return request, body
        else:
            return None, b""


def _unpacked(said: bytes) -> Entry:
    import msgpack

    unpacked: Entry = msgpack.unpackb(said)
    return unpacked
