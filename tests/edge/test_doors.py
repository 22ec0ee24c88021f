"""Every way in: TLS, a Unix socket, a kept-alive connection of ordinary HTTP, a full descriptor table."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import trio
import trio.testing

from fanout.edge.settings import EdgeSettings
from fanout.wire.rendered import Format
from tests.edge.listener import HttpAnswer, Listener, handshake, sse_request
from tests.edge.site import open_site

TLS = tuple[ssl.SSLContext, ssl.SSLContext]
ROOMS = b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_everything_over_tls(format: Format, tls: TLS) -> None:
    async with open_site(tls=tls, capacity=8) as site:
        await site.publish("stage", *map(str, range(20)))
        listener = await site.listener(format, "last=15")
        assert await listener.texts(15) == [str(number) for number in range(5, 20)]
        await site.publish("stage", "x" * 16_000, "last")
        assert (await listener.texts(2))[1] == "last"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.edge.drain, 1.0)
            await listener.expect("bye", code=4012)
            await listener.end()
            if format is not Format.EVENTS:
                await listener.say_frame(8, b"")
            await listener.stream.aclose()
        await site.is_empty()


async def test_an_event_stream_over_tls_ends_with_a_goodbye_of_tls(tls: TLS) -> None:
    """Else a client can't tell the end from somebody who cuts the line (RFC 8446 §6.1)."""
    async with open_site(tls=tls, settings=EdgeSettings(max_listeners=1)) as site:
        await site.listener(Format.JSON)
        strict = trio.SSLStream(
            await site.connect(plain=True), tls[1], server_hostname="localhost", https_compatible=False
        )
        await strict.send_all(sse_request())
        received = b""
        while data := await strict.receive_some():  # raises where the goodbye is missing
            received += data
        assert b'"code":4013' in received


async def test_who_does_not_speak_tls_at_a_tls_door_is_dropped(tls: TLS) -> None:
    async with open_site(tls=tls, settings=EdgeSettings(handshake_seconds=2)) as site:
        plain = await site.connect(plain=True)
        await plain.send_all(handshake())
        await HttpAnswer.read(plain)
        await plain.aclose()
        silent = await site.connect(plain=True)
        await site.settled(lambda: len(site.hub.connections) == 1)
        await site.second(3)
        assert (await HttpAnswer.read(silent)).raw == b""
        await site.is_empty()
        assert site.edge.statistics().handshakes == {"tls_failed": 1, "too_late": 1}
        await site.listener(Format.JSON)


async def test_a_tls_greeting_at_a_plain_door_is_refused() -> None:
    async with open_site() as site:
        answer = await site.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))
        assert answer.status == 400
        await site.is_empty()


async def test_everything_over_a_unix_socket(format: Format, tmp_path: Path) -> None:
    async with open_site(unix=tmp_path / "door", settings=EdgeSettings(max_per_address=1)) as site:
        listeners = [await site.listener(format) for _ in range(3)]  # no address has no share
        await site.publish("stage", "hello")
        for listener in listeners:
            assert await listener.texts(1) == ["hello"]
            await listener.aclose()
        await site.is_empty()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_kept_alive_connection_of_http_becomes_a_listener(format: Format, secure: bool, tls: TLS) -> None:
    """In turn, and with both requests in one write."""
    async with open_site(tls=tls if secure else None) as site:
        for together in (False, True):
            stream = await site.connect()
            request = sse_request() if format is Format.EVENTS else handshake(format=format)
            await stream.send_all(ROOMS + (request if together else b""))
            answer = await HttpAnswer.one(stream)
            assert json.loads(answer.body)["rooms"][0]["name"] == "stage"
            if not together:
                await stream.send_all(request)
            listener = await Listener(stream, format).upgraded()
            await listener.expect("welcome")
            await site.publish("stage", "hello")
            assert await listener.texts(1) == ["hello"]
            await listener.aclose()
            await site.is_empty()


async def test_doors_shut_when_the_house_is_full_and_open_again() -> None:
    """Those who come meanwhile wait in the backlog and are served later."""
    settings = EdgeSettings(max_listeners=5, max_arriving=3)
    async with open_site(settings=settings) as site:
        inside = [await site.listener(Format.JSON) for _ in range(5)]
        early = [await site.connect() for _ in range(20)]
        await site.settled(lambda: len(site.hub.connections) == 8)
        site.edge._set_doors()  # as the edge does ten times a second
        await trio.testing.wait_all_tasks_blocked()
        assert len(site.hub.connections) == 8
        for listener in inside:
            await listener.aclose()
        for stream in early[:5]:
            await trio.aclose_forcefully(stream)
        await early[10].send_all(handshake())
        await trio.testing.wait_all_tasks_blocked()
        for stream in early[5:10]:
            await trio.aclose_forcefully(stream)
        await (await Listener(early[10], Format.JSON).upgraded()).expect("welcome")


def test_a_full_descriptor_table_harms_nobody_and_passes(tmp_path: Path) -> None:
    """In a process of its own, with 60 descriptors in all: clients fill it, those inside go on, and afterwards others
    come in."""
    program = textwrap.dedent("""
        import resource, socket, sys
        import trio
        import trio.testing
        sys.path.insert(0, sys.argv[1])
        from fanout.wire.rendered import Format
        from tests.edge.site import open_site

        async def main():
            async with open_site() as site:
                healthy = await site.listener(Format.JSON)
                import os
                used = len(os.listdir("/proc/self/fd"))
                resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
                filled = []
                while True:
                    try:
                        sock = socket.socket()
                    except OSError:
                        break
                    sock.connect(site.target)
                    filled.append(sock)
                    await trio.sleep(0.005)
                await trio.testing.wait_all_tasks_blocked()
                await site.publish("stage", "full")
                assert await healthy.texts(1) == ["full"]
                for sock in filled:
                    sock.close()
                await site.settled(lambda: len(site.hub.connections) == 1)
                late = await site.listener(Format.JSON)
                await site.publish("stage", "again")
                assert await late.texts(1) == ["again"]
                print("refilled", len(filled))

        trio.run(main)
    """)
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", program, root], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("refilled")
