"""An integrator's own trio-websocket server: real sockets on both sides."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgpack
import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket_url, serve_websocket, wrap_server_stream

import fanout
from fanout.core.limits import HEARTBEAT_SECONDS, SILENCE_SECONDS
from fanout.core.say import Say
from fanout.errors import LogUnavailable
from fanout.log.memory import MemoryLog

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Count:
    """A number that can be waited for."""

    def __init__(self) -> None:
        self.number = 0
        self._changed = trio.Event()

    def one_more(self) -> None:
        self.number += 1
        self._changed.set()
        self._changed = trio.Event()

    async def wait(self, number: int) -> None:
        while self.number < number:
            await self._changed.wait()


@asynccontextmanager
async def serving(room, **wish):
    """A server that attaches everybody to `room`; yields its address, and how many it has attached and let go."""
    ended = Count()

    async def visit(request) -> None:
        connection = await request.accept()
        await fanout.attach(connection, room, **wish)
        ended.one_more()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, visit, "127.0.0.1", 0, None))
        with trio.fail_after(20):
            yield f"ws://127.0.0.1:{server.port}/", ended
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connecting(url: str):
    async with open_websocket_url(url) as client:
        yield client
    await client._stream.aclose()  # trio-websocket leaves it open when the server has closed first


async def objects(connection, count: int) -> list[dict]:
    return [json.loads(await connection.get_message()) for _ in range(count)]


async def test_an_attached_connection_is_welcomed_then_hears_everything_as_the_protocol_has_it(engine):
    stage = await engine.open_room("stage", mode="stage")
    before = await stage.publish("before", author=fanout.Author("Ann", "guest"))
    async with serving(stage, last=1) as (url, _), connecting(url) as client:
        welcome, first = await objects(client, 2)
        assert welcome["type"] == "welcome"
        assert welcome["heartbeat_s"] == 25
        start = str(fanout.Position(before.position.epoch, 0))
        assert welcome["rooms"] == {"stage": {"position": start, "mode": "stage", "recovery": "live"}}
        assert first["text"] == "before"
        assert first["author"] == {"name": "Ann", "role": "guest"}
        message = await stage.publish("live")
        retraction = await stage.retract(before.id)
        live, back = await objects(client, 2)
        assert (live["type"], live["position"], live["id"]) == ("message", str(message.position), message.id)
        assert (back["type"], back["position"]) == ("retraction", str(retraction.position))
        assert back["target"] == before.id


async def test_messagepack_comes_in_binary_frames(engine):
    stage = await engine.open_room("stage")
    async with serving(stage, format=fanout.Format.MSGPACK) as (url, _), connecting(url) as client:
        assert msgpack.unpackb(await client.get_message())["type"] == "welcome"
        message = await stage.publish("live")
        assert msgpack.unpackb(await client.get_message())["id"] == message.id


async def test_who_resumes_with_a_strange_position_gets_a_gap(engine):
    stage = await engine.open_room("stage")
    await stage.publish("t")
    async with serving(stage, after="other1:5") as (url, _), connecting(url) as client:
        welcome, gap, message = await objects(client, 3)
        assert welcome["rooms"]["stage"]["recovery"] == "gap"
        assert (gap["reason"], gap["missed"]) == ("epoch", 0)
        assert message["text"] == "t"


async def test_a_position_that_can_not_be_read_is_answered_with_a_bye_and_4009(engine):
    stage = await engine.open_room("stage")
    async with serving(stage, after="rubbish") as (url, _), connecting(url) as client:
        [bye] = await objects(client, 1)
        assert (bye["type"], bye["code"], bye["reconnect"], bye["reason"]) == ("bye", 4009, False, "bad_position")
        with pytest.raises(ConnectionClosed) as caught:
            await client.get_message()
        assert caught.value.reason.code == 4009


async def test_attaching_ends_when_the_client_leaves_also_from_a_quiet_room(engine):
    stage = await engine.open_room("stage")
    async with serving(stage) as (url, ended):
        async with connecting(url) as client:
            await objects(client, 1)
            assert engine.statistics().listeners == {"stage": 1}
        await ended.wait(1)
        assert engine.statistics().listeners == {"stage": 0}
        async with connecting(url) as client:
            await objects(client, 1)
            await client._stream.aclose()  # without a word
        await ended.wait(2)


async def test_what_the_client_says_is_dropped_and_holds_up_nothing(engine):
    stage = await engine.open_room("stage")
    async with serving(stage) as (url, _), connecting(url) as client:
        await objects(client, 1)
        for _ in range(50):
            await client.send_message('{"type":"publish","room":"stage","text":"no"}')
        await client.ping()
        message = await stage.publish("yes")
        assert [found["id"] for found in await objects(client, 1)] == [message.id]
        assert stage.position.seq == 1


async def test_who_is_too_slow_for_a_lossless_room_is_sent_away_with_a_position_to_resume_from(engine):
    stage = await engine.open_room("stage", mode="stage", capacity=32)
    async with serving(stage) as (url, _), connecting(url) as client:
        received = await objects(client, 1)
        for _ in range(60):  # 15 MB: more than the kernel holds for a client that does not read
            await stage.publish_all([Say("x" * 16_000)] * 16)
        with suppress(ConnectionClosed):
            while True:
                received += await objects(client, 1)
        assert client.closed.code == 4008
        *messages, bye = received[1:]
        assert (bye["type"], bye["code"], bye["reconnect"], bye["room"]) == ("bye", 4008, True, "stage")
        assert bye["position"] == messages[-1]["position"]
        assert [m["position"].split(":")[1] for m in messages] == [str(n + 1) for n in range(len(messages))]
        assert len(messages) < stage.position.seq


async def test_a_closing_engine_says_goodbye():
    async with trio.open_nursery() as nursery:
        async with fanout.open_engine() as engine:
            stage = await engine.open_room("stage")
            server = serving(stage)
            url, _ = await server.__aenter__()
            client_open = connecting(url)
            client = await client_open.__aenter__()
            await objects(client, 1)
            nursery.start_soon(engine.aclose)
            [bye] = await objects(client, 1)
            assert (bye["type"], bye["code"], bye["reconnect"]) == ("bye", 1001, True)
            assert bye["after_ms"] >= 1000
        await client_open.__aexit__(None, None, None)
        await server.__aexit__(None, None, None)


async def test_a_log_that_can_not_be_read_ends_the_connection_and_the_client_may_come_back():
    class Failing(MemoryLog):
        async def read(self, room, after, limit):
            raise LogUnavailable("The disk is away.")

    async with fanout.open_engine(log=MemoryLog()) as engine:
        stage = await engine.open_room("stage", capacity=1)
        await stage.publish_all([Say("a"), Say("b")])
        engine._log._log.__class__ = Failing
        async with serving(stage, last=2) as (url, _), connecting(url) as client:
            [bye] = await objects(client, 1)
            assert (bye["code"], bye["reconnect"], bye["reason"]) == (1011, True, "log_unavailable")


@pytest.mark.parametrize("reads", [True, False])
async def test_a_client_that_has_died_is_found_and_let_go(autojump_clock, reads):
    """One that reads but answers no ping, and one whose line takes nothing any more."""
    there, here = trio.testing.memory_stream_pair() if reads else trio.testing.lockstep_stream_pair()
    async with fanout.open_engine() as engine, trio.open_nursery() as nursery:
        chat = await engine.open_room("chat", mode="open", capacity=4)
        nursery.start_soon(there.send_all, HANDSHAKE)
        request = await wrap_server_stream(nursery, here)
        if not reads:
            nursery.start_soon(there.receive_some)  # the answer to the handshake, and nothing after that
        connection = await request.accept()
        nursery.start_soon(fanout.attach, connection, chat)
        await trio.sleep(1)
        assert chat.listeners == 1
        await chat.publish_all([Say("t")] * 10)
        await trio.sleep(HEARTBEAT_SECONDS + SILENCE_SECONDS)
        assert chat.listeners == 0
        assert connection.closed
        nursery.cancel_scope.cancel()


async def test_a_format_that_no_websocket_carries_is_a_mistake(engine):
    stage = await engine.open_room("stage")
    with pytest.raises(ValueError, match="WebSocket"):
        await fanout.attach(None, stage, format=fanout.Format.EVENTS)
