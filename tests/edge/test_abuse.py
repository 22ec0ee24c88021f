"""What attackers send. Each gets a clear end, nobody else notices, and nothing of them stays."""

from __future__ import annotations

import gc
import json
import os
import random
import socket
import struct
from contextlib import suppress

import msgpack
import pytest
import trio
import trio.testing

from fanout.core.limits import COMMAND_BURST, MAX_CLIENT_FRAME_BYTES, MAX_REFUSED_COMMANDS
from fanout.edge.settings import EdgeSettings
from fanout.feed.engine_feed import EngineFeed
from fanout.wire.rendered import Format
from tests.edge.listener import BINARY, PING, TEXT, Ended, client_frame, command, handshake, sse_request
from tests.edge.site import Site, Where, open_site

FRAMES = {
    "rubbish": (b"\x00\xff" * 500, 1002),
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    "unmasked": (b"\x81\x02{}", 1002),
    "reserved bit": (client_frame(TEXT, b"{}", first=0xC1), 1002),
    "reserved opcode": (client_frame(3, b"{}"), 1002),
    "continuation of nothing": (client_frame(0, b"{}"), 1002),
    "fragmented ping": (client_frame(PING, b"", first=0x09), 1002),
    "long ping": (client_frame(PING, b"x" * 126), 1002),
    "not minimal": (b"\x81\xfe\x00\x05" + bytes(9), 1002),
    "too big": (client_frame(TEXT, b"x" * (MAX_CLIENT_FRAME_BYTES + 1)), 1009),
    "says it is enormous": (b"\x81\xff" + struct.pack(">Q", 2**62) + bytes(4), 1009),
    "says it is negative": (b"\x81\xff" + struct.pack(">Q", 2**63 + 5) + bytes(4), 1002),
    "too big in pieces": (
        client_frame(TEXT, b"x" * 40_000, first=0x01) + client_frame(0, b"x" * 40_000),
        1009,
    ),
    "not utf-8": (client_frame(TEXT, b"\xff\xfe"), 1007),
    "a surrogate": (client_frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "binary where text belongs": (client_frame(BINARY, b"{}"), 4009),
    "close code of one byte": (client_frame(8, b"x"), 1002),
    "a close code that nobody may send": (client_frame(8, struct.pack(">H", 1006)), 1002),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_a_frame_that_is_none_ends_its_connection_and_no_other(name: str) -> None:
    frame, code = FRAMES[name]
    async with open_site() as site:
        healthy, bad = await site.listener(Format.JSON), await site.listener(Format.JSON)
        await bad.stream.send_all(frame)
        bye = await bad.expect("bye", code=code, reconnect=False)
        assert bye["reason"]
        assert (await bad.end()).code == code
        await site.publish("stage", "hello")
        assert await healthy.texts(1) == ["hello"]
        await bad.aclose()
        await site.settled(lambda: len(site.hub.connections) == 1)
        assert site.edge.statistics().closes == {code: 1}


DEEP = 6_000
COMMANDS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "bad_json"),
    "not json": (b"{", "bad_json"),
    "a number": (b"7", "bad_field"),
    "null": (b"null", "bad_field"),
    "unknown": (b'{"type":"shout"}', "unknown_type"),
    "no type": (b'{"room":"stage"}', "unknown_type"),
    "a bomb of lists": (b"[" * DEEP + b"]" * DEEP, "bad_json"),
    "a bomb of objects": (b'{"type":' * DEEP + b"1" + b"}" * DEEP, "bad_json"),
    "a bomb in data": (
        b'{"type":"publish","room":"stage","text":"x","data":{"a":' + b"[" * DEEP + b"]" * DEEP + b"}}",
        "bad_json",
    ),
    "an enormous number": (b'{"type":"subscribe","room":"late","last":' + b"9" * 5000 + b"}", "bad_field"),
    "a negative number": (b'{"type":"subscribe","room":"late","last":-1}', "bad_field"),
    "a fraction": (b'{"type":"subscribe","room":"late","last":1.5}', "bad_field"),
    "no position": (b'{"type":"subscribe","room":"late","after":"yesterday"}', "bad_position"),
    "a room that can't be": (b'{"type":"subscribe","room":"../../etc/passwd"}', "bad_room_name"),
    "a lone surrogate": (b'{"type":"unsubscribe","room":"\\ud800"}', "bad_json"),
    "a long ref": (b'{"type":"publish","room":"stage","text":"x","ref":"' + b"r" * 5000 + b'"}', "bad_field"),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_that_is_none_gets_an_error_and_the_connection_goes_on(name: str) -> None:
    payload, code = COMMANDS[name]
    async with open_site("stage", "late") as site:
        listener = await site.listener(Format.JSON)
        await listener.stream.send_all(client_frame(TEXT, payload))
        error = await listener.expect("error")
        assert error["code"] in (code, "bad_field" if code == "bad_json" else code)
        assert len(error["detail"]) < 500
        assert "Traceback" not in error["detail"]
        await site.publish("stage", "hello")
        assert await listener.texts(1) == ["hello"]
        assert sum(site.edge.statistics().errors.values()) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x91" * 10_000 + b"\x01",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        msgpack.packb({"type": "ping", "x": msgpack.ExtType(4, b"x" * 1000)}),
        msgpack.packb({b"type": b"ping"}),
        msgpack.packb({1: 2}),
        msgpack.packb({"type": "subscribe", "room": "late", "last": 2**64 - 1}),
        msgpack.packb({"type": "subscribe", "room": "late", "last": -(2**63)}),
        msgpack.packb({"type": "subscribe", "room": "late", "last": float("nan")}),
    ],
)
async def test_messagepack_that_is_none_gets_an_error_or_does_what_it_says(payload: bytes) -> None:
    async with open_site("stage", "late") as site:
        listener = await site.listener(Format.MSGPACK)
        await listener.stream.send_all(client_frame(BINARY, payload))
        assert (await listener.item())["type"] in ("error", "welcome", "pong")
        await site.publish("stage", "hello")
        assert await listener.texts(1) == ["hello"]


async def test_ten_thousand_subscribes_end_in_a_flood() -> None:
    rooms = [f"r{number}" for number in range(70)]
    async with open_site("stage", *rooms) as site:
        healthy, bad = await site.listener(Format.JSON), await site.listener(Format.JSON)
        flood = b"".join(command({"type": "subscribe", "room": rooms[number % 70]}) for number in range(10_000))
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                with trio.move_on_after(5):
                    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                        await bad.stream.send_all(flood)

            nursery.start_soon(send)
            items, ended = await bad.everything()
            await bad.aclose()
        assert ended.code in (4009, None)
        kinds = [item.get("code") or item["type"] for item in items if item["type"] != "presence"]
        # Behind a socket it is gone before it is known how any of the rooms stands.
        assert kinds.count("welcome") == (0 if Where.behind_a_socket else 63)
        assert kinds.count("rate_limited") <= MAX_REFUSED_COMMANDS
        assert kinds.count("too_many_rooms") + kinds.count("already_subscribed") <= COMMAND_BURST
        await site.publish("stage", "hello")
        assert await healthy.texts(1) == ["hello"]
        await healthy.aclose()
        await site.is_empty()


async def test_a_flood_of_pings_is_answered_at_the_rate_of_commands() -> None:
    async with open_site() as site:
        healthy, bad = await site.listener(Format.JSON), await site.listener(Format.JSON)
        await bad.stream.send_all(client_frame(PING, b"x") * (COMMAND_BURST + MAX_REFUSED_COMMANDS + 100))
        await bad.expect("bye", code=4009)
        assert len(bad.pongs) <= COMMAND_BURST + 20
        await healthy.silence()


async def test_subscribing_and_leaving_over_and_over_holds_nothing() -> None:
    """One who asks for a thousand old messages again and again, and reads nothing."""
    async with open_site("stage", "late", capacity=2000) as site:
        await site.publish("late", *("x" * 10_000 for _ in range(100)))
        bad = await site.listener(Format.JSON, receive_buffer=4096)
        turn = command({"type": "subscribe", "room": "late", "last": 1000}) + command(
            {"type": "unsubscribe", "room": "late"}
        )
        await bad.stream.send_all(turn * 50)
        await site.settled(lambda: site.hub.sending.stalled)
        await trio.testing.wait_all_tasks_blocked()
        (connection,) = site.hub.connections.values()
        assert len(connection.owed) + sum(map(len, connection.control)) < 40_000


async def test_a_fault_of_ours_ends_the_connection_that_met_it_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Something that can't happen, in each task of the edge."""
    async with open_site("stage", "other") as site:
        healthy = await site.listener(Format.JSON, room="other")

        async def unharmed() -> None:
            await site.publish("other", "still here")
            assert await healthy.texts(1) == ["still here"]

        with monkeypatch.context() as patch:  # reading
            patch.setattr("fanout.edge.conversation.read_command", _fault)
            victim = await site.listener(Format.JSON)
            await victim.say("ping")
            await victim.expect("bye", code=1011, reconnect=True)
            await unharmed()
        with monkeypatch.context() as patch:  # greeting
            patch.setattr("fanout.edge.greeting.take_place_live", _fault)
            stream = await site.connect()
            await stream.send_all(handshake("room=stage"))
            with pytest.raises((AssertionError, trio.BrokenResourceError)):
                await site.websocket("room=stage")
            await unharmed()
        with monkeypatch.context() as patch:  # walking
            victim = await site.listener(Format.MSGPACK)
            patch.setattr("fanout.wire.rendered.msgpack.packb", _fault)
            await site.publish("stage", "can't be written")
            with pytest.raises((Ended, AssertionError)):
                await victim.texts(1)
        await unharmed()
        with monkeypatch.context() as patch:  # publishing
            patch.setattr(EngineFeed, "publish", _fault)
            victim = await site.websocket(f"room=stage&token={site.token()}")
            await victim.expect("welcome")
            await victim.say("publish", room="stage", text="x")
            await victim.expect("bye", code=1011)
            await unharmed()
        with monkeypatch.context() as patch:  # replay
            await site.engine.open_room("stage", capacity=1)
            await site.publish("stage", "1")
            await site.publish("stage", "2")
            patch.setattr(EngineFeed, "read", _fault)
            epoch = site.room("stage").position.epoch
            victim = await site.websocket(f"room=stage&after=stage@{epoch}:0")
            await victim.expect("welcome")
            await victim.expect("bye", code=1011)
            await unharmed()
        with monkeypatch.context() as patch:  # ordinary HTTP
            patch.setattr("fanout.web.http.HttpServer.serve", _fault)
            assert (await site.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).raw == b""
            await unharmed()
            assert site.edge.statistics().visiting == 0
        await healthy.aclose()
        assert "edge_fault" in capsys.readouterr().out


def _fault(*_arguments: object, **_more: object) -> None:
    raise ZeroDivisionError("a fault on purpose")


async def test_thousands_of_abusive_connections_leave_nothing_behind() -> None:
    """Descriptors, connections, presence, places: all as before; memory within a little. A listener beside them gets
    every message."""
    chance = random.Random(7)
    said = [
        *(handshake() + frame for frame, _ in FRAMES.values()),
        *(handshake() + client_frame(TEXT, payload) for payload, _ in COMMANDS.values()),
        handshake("room=nowhere"),
        handshake("room=stage&last=1000"),
        sse_request(),
        sse_request("nowhere"),
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00" * 100,
        b"GET /" + b"a" * 20_000,
        b"POST /v1/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n{",
        handshake().replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nhello"),
        handshake()[:100],
        b"",
    ]
    async with open_site(settings=EdgeSettings(handshake_seconds=1)) as site:
        healthy = await site.listener(Format.JSON)
        await _abuse(site, said, chance, 300)
        await site.settled(lambda: len(site.hub.connections) == 1 and not site.edge.statistics().visiting)
        gc.collect()
        descriptors, resident = len(os.listdir("/proc/self/fd")), _resident()
        for turn in range(4):
            await _abuse(site, said, chance, 500)
            await site.publish("stage", f"turn {turn}")
        await site.second(10)
        await site.settled(lambda: len(site.hub.connections) == 1 and not site.edge.statistics().visiting)
        gc.collect()
        assert await healthy.texts(4) == [f"turn {turn}" for turn in range(4)]
        await healthy.aclose()
        await site.is_empty()
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert _resident() - resident < 8 * 1024 * 1024


async def _abuse(site: Site, said: list[bytes], chance: random.Random, times: int) -> None:
    """So many connections, sixteen at a time; some end, some reset, some read their answer first."""
    limit = trio.CapacityLimiter(16)

    async def one() -> None:
        async with limit:
            with socket.socket() as sock:
                sock.setblocking(False)
                talk = trio.socket.from_stdlib_socket(sock)
                await talk.connect(site.target)
                words = chance.choice(said)
                try:
                    stream = trio.SocketStream(talk)
                    if chance.random() < 0.2:
                        cut = chance.randrange(len(words) + 1)
                        await stream.send_all(words[:cut])
                        await trio.lowlevel.checkpoint()
                        words = words[cut:]
                    await stream.send_all(words)
                    if chance.random() < 0.5:
                        with trio.move_on_after(0.02):
                            await stream.receive_some(1000)
                    if chance.random() < 0.3:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except trio.BrokenResourceError:
                    pass

    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(one)


def _resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_the_abuse_is_real() -> None:
    """The bombs are as deep as they say."""
    with pytest.raises(RecursionError):
        json.loads(COMMANDS["a bomb of lists"][0])
