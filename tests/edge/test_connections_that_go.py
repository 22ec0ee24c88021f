"""Connections that end at every stage of their life: nobody else is touched, and nothing of them stays."""

from __future__ import annotations

import gc
import socket
import struct

import pytest
import trio

from fanout.core.limits import LINGER_SECONDS
from fanout.edge.settings import EdgeSettings
from fanout.wire.rendered import Format
from tests.edge.listener import CLOSE, Listener, client_frame, handshake, sse_request
from tests.edge.site import open_site


async def test_a_connection_that_goes_before_it_asks_for_anything_touches_nobody_later() -> None:
    """Its deadline comes when its descriptor may be somebody else's."""
    async with open_site(settings=EdgeSettings(handshake_seconds=2)) as site:
        for said in (b"", b"GET /v1/ws"):
            early = await site.connect()
            await early.send_all(said)
            await site.settled(lambda: len(site.hub.connections) == 1)
            (fd,) = site.hub.connections
            await early.aclose()
            await site.settled(lambda: not site.hub.connections)
            listener = await site.listener(Format.JSON)
            assert list(site.hub.connections) == [fd]
            await site.second(5)
            await site.publish("stage", "still here")
            assert await listener.texts(1) == ["still here"]
            await listener.silence()
            await listener.aclose()
            await site.is_empty()
        assert "too_late" not in site.edge.statistics().handshakes


async def test_the_server_closes_first_when_a_client_says_goodbye() -> None:
    """RFC 6455 §7.1.1: after both close frames the server closes at once."""
    async with open_site() as site:
        listener = await site.listener(Format.JSON)
        await listener.say_frame(CLOSE, struct.pack(">H", 1000))
        assert (await listener.end()).code == 1000
        with trio.fail_after(2):
            assert await listener.stream.receive_some() == b""
        await listener.aclose()
        await site.is_empty()
        assert site.edge.statistics().closes == {1000: 1}


async def test_the_server_closes_after_it_has_said_what_was_wrong_with_a_frame() -> None:
    async with open_site() as site:
        listener = await site.listener(Format.JSON)
        await listener.stream.send_all(client_frame(3, b"what"))
        assert (await listener.expect("bye"))["code"] == 1002
        assert (await listener.end()).code == 1002
        with trio.fail_after(2):
            assert await listener.stream.receive_some() == b""


@pytest.mark.parametrize("closes", [True, False], ids=["answers the goodbye", "does not"])
async def test_a_client_that_is_sent_away_is_closed_when_it_has_answered_or_after_a_while(closes: bool) -> None:
    async with open_site() as site:
        listener = await site.websocket("room=nowhere")
        bye = await listener.expect("bye")
        assert (bye["code"], bye["reconnect"]) == (4004, False)
        assert (await listener.end()).code == 4004
        if closes:
            await listener.say_frame(CLOSE, struct.pack(">H", 4004))
        else:
            await site.second(LINGER_SECONDS - 1)
            assert site.hub.connections
            await site.second(2)
        await site.is_empty()


RESET = struct.pack("ii", 1, 0)


@pytest.mark.parametrize("how", ["ends", "resets"])
async def test_connections_may_go_at_every_stage(how: str) -> None:
    """At every byte of a request, with half a frame, in the middle of a message: what they took is given back."""
    async with open_site(settings=EdgeSettings(handshake_seconds=3)) as site:
        healthy = await site.listener(Format.JSON)
        said = [
            *(handshake()[:length] for length in range(0, len(handshake()), 7)),
            *(sse_request()[:length] for length in range(1, len(sse_request()), 7)),
            handshake() + client_frame(1, b'{"type":"ping"}')[:9],
            handshake() + client_frame(1, b'{"type":"ping"}'),
            handshake() + client_frame(9, b"x"),
            handshake("room=nowhere"),
            handshake("room=stage&token=wrong"),
            sse_request("nowhere"),
            b"GET /v1/rooms HTTP/1.1\r\nHost: x\r\n\r\n",
            b"nonsense\r\n\r\n",
        ]
        for turn, words in enumerate(said * 3):
            stream = await site.connect()
            await stream.send_all(words)
            if turn % 2:
                await site.publish("stage", "x" * 500)
            if how == "resets":
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            await stream.aclose()
        await site.settled(lambda: len(site.hub.connections) == 1)
        await site.publish("stage", "after")
        count = len(said) * 3 // 2 + 1
        assert (await healthy.texts(count))[-1] == "after"
        await site.second(10)
        await healthy.silence()
        await healthy.aclose()
        await site.is_empty()


async def test_half_a_request_that_never_ends_is_told_so_and_silence_is_cut() -> None:
    async with open_site(settings=EdgeSettings(handshake_seconds=3)) as site:
        half, silent = await site.connect(), await site.connect()
        await half.send_all(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n")
        await site.settled(lambda: len(site.hub.connections) == 2)
        await site.settled(lambda: any(c.inbound for c in site.hub.connections.values()))
        await site.second(4)
        assert (await half.receive_some()).startswith(b"HTTP/1.1 408 ")
        assert await half.receive_some() == b""
        assert await silent.receive_some() == b""
        await half.aclose()
        await site.is_empty()
        assert site.edge.statistics().handshakes == {"too_late": 2}


async def test_a_head_may_come_byte_by_byte() -> None:
    async with open_site() as site:
        stream = await site.connect()
        for byte in handshake():
            await stream.send_all(bytes([byte]))
        listener = await Listener(stream, Format.JSON).upgraded()
        await listener.expect("welcome")


async def test_frames_right_behind_the_request_are_heard() -> None:
    async with open_site() as site:
        listener = await site.websocket("room=stage", then=client_frame(1, b'{"type":"ping"}') + client_frame(9, b"hi"))
        await listener.expect("welcome")
        await listener.expect("pong")
        await listener.silence()
        assert listener.pongs == [b"hi"]


async def test_an_event_stream_whose_client_has_gone_is_forgotten() -> None:
    async with open_site() as site:
        listener = await site.listener(Format.EVENTS)
        await listener.aclose()
        await site.is_empty()
        assert site.edge.statistics().closes == {1006: 1}


async def test_what_is_lost_twice_takes_nothing_from_the_next_owner_of_its_descriptor() -> None:
    gc.collect()  # else what earlier tests left may free a lower descriptor in the middle of this one
    async with open_site() as site:
        first = await site.listener(Format.JSON)
        (gone,) = site.hub.connections.values()
        await first.aclose()
        await site.settled(lambda: not site.hub.connections)
        second = await site.listener(Format.JSON)
        (here,) = site.hub.connections.values()
        assert here.fd == gone.fd
        site.hub.lost(gone)
        site.hub.release(gone)
        assert list(site.hub.connections.values()) == [here]
        await second.silence()
