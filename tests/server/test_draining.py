"""How a server takes leave of its listeners: each with a slot of its own, and of some without waiting for them."""

import json
import signal
import socket
import time
from contextlib import ExitStack
from itertools import pairwise

import httpx
import pytest
import trio

from fanout.client import Live, Waiting, open_client, open_publisher
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.edge.listener import handshake
from tests.server_process import SECRET

BOTH_WAYS = True


async def get(url: str, **options: object) -> httpx.Response:
    async with httpx.AsyncClient(**options) as client:
        return await client.get(url)


TOKEN = tokens_of(Config(secret=SECRET)).issue("operator", ["*"], ttl=3600)

OPERATOR = {"Authorization": f"Bearer {TOKEN}"}

ENDLESS = b"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
"""A request whose body does not come."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_draining_gives_every_listener_its_own_slot_and_all_that_was_said(start_server, number: signal.Signals):
    server = start_server("--memory", "--room", "stage:stage", "--drain-seconds", "20")
    listeners, waits, heard = 20, [], []

    async def listen(task_status) -> None:
        over = trio.Event()

        def watch(news: object) -> None:
            if isinstance(news, Live):
                task_status.started()
            if isinstance(news, Waiting):
                waits.append(news.seconds)
                over.set()

        async with open_client(server.url, rooms=["stage"], watch=watch) as client:
            heard.append((await anext(client)).text)
            await over.wait()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for _ in range(listeners):
                await nursery.start(listen)
            async with open_publisher(server.url, token=TOKEN) as publisher:
                await publisher.publish("stage", "the last word")
            server.process.send_signal(number)
    assert server.wait() == 0
    assert heard == ["the last word"] * listeners
    if server.workers:  # each edge has its share of the window, in which their slots are even
        assert max(b - a for a, b in pairwise([0.0, *sorted(waits), 20.0])) <= 2 * 20 / (listeners / server.workers)
    else:
        assert sorted(waits) == [float(slot) for slot in range(1, 21)]


async def test_a_second_signal_does_not_wait_for_those_who_do_not_read(start_server):
    server = start_server("--memory", "--room", "stage:stage")
    stuck = socket.create_connection(("127.0.0.1", server.port))
    stuck.sendall(ENDLESS)
    await get(f"{server.url}/healthz")  # who came before has been let in by now
    with trio.fail_after(30):
        server.process.send_signal(signal.SIGTERM)
        await trio.to_thread.run_sync(server.says, "draining")
        began = time.monotonic()
        if server.workers:
            server.process.send_signal(signal.SIGHUP)  # means nothing any more
        server.process.send_signal(signal.SIGTERM)
        assert await trio.to_thread.run_sync(server.wait) == 0
    stuck.close()
    hurried = [line for line in server.log.splitlines() if "hurrying" in line and '"process"' not in line]
    assert len(hurried) == 1
    assert time.monotonic() - began < 5, "a first signal alone waits ten seconds for this request"


async def test_an_operator_drains_over_http_and_is_told_how_far_it_is_until_all_have_gone(start_server):
    server = start_server("--memory", "--room", "stage:stage", "--drain-seconds", "20")
    async with trio.open_nursery() as nursery:
        with trio.fail_after(30):
            left = trio.Event()

            async def listen(task_status) -> None:
                def watch(news: object) -> None:
                    if isinstance(news, Live):
                        task_status.started()
                    if isinstance(news, Waiting):
                        left.set()

                async with open_client(server.url, rooms=["stage"], watch=watch):
                    await left.wait()

            await nursery.start(listen)
            operator = {"Authorization": f"Bearer {TOKEN}"}
            async with (
                httpx.AsyncClient(headers=operator) as client,
                client.stream("POST", f"{server.url}/v1/drain") as answer,
            ):
                told = [json.loads(line) async for line in answer.aiter_lines()]
            await left.wait()
    assert told[0] == {"state": "draining", "listeners": 1, "seconds": 20.0}
    assert told[-1] == {"state": "drained", "listeners": 0, "seconds": 20.0}
    assert server.wait() == 0
    assert '"action":"drain"' in server.log.replace(" ", "")


async def test_a_full_house_is_left_by_those_who_can(start_server):
    """Some listeners have stopped reading, and requests that never end have every place for one: whoever reads is told
    at once all the same, and a second signal waits for nobody."""
    server = start_server("--memory", "--room", "stage:stage", "--drain-seconds", "0")
    words = [f"{number} " + "x" * 16_000 for number in range(20)]
    over = trio.Event()

    def watch(news: object) -> None:
        if isinstance(news, Waiting):
            over.set()

    with ExitStack() as crowd, trio.fail_after(60):
        for _ in range(6):
            _joins(crowd, server.port, handshake("room=stage"), receive_buffer=4096)
        async with open_client(server.url, rooms=["stage"], watch=watch) as client:
            await client.wait_live()
            async with open_publisher(server.url, token=TOKEN) as publisher:
                for word in words:
                    await publisher.publish("stage", word)
            assert [(await anext(client)).text for _ in words] == words
            while "fanout_slow_listeners 6.0" not in (await get(f"{server.url}/metrics", headers=OPERATOR)).text:
                pass
            for _ in range(600 if server.workers else 300):
                _joins(crowd, server.port, ENDLESS)
            server.process.send_signal(signal.SIGTERM)
            await over.wait()
            told = time.monotonic()
            assert server.process.poll() is None, "it has not waited for those who do not read"
            server.process.send_signal(signal.SIGTERM)
            assert await trio.to_thread.run_sync(server.wait) == 0
    assert time.monotonic() - told < 4, "a first signal alone waits five seconds for those who do not read"


def _joins(crowd: ExitStack, port: int, says: bytes, receive_buffer: int | None = None) -> None:
    """Somebody connects, says this, and stays without reading anything."""
    sock = crowd.enter_context(socket.socket())
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(("127.0.0.1", port))
    sock.sendall(says)
