"""What the engine's process takes on: no more connections than its descriptors allow, and the others in their turn."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import trio

from fanout.edge.handover import Handover
from fanout.server.workers.handed_up import HandedUp
from fanout.server.workers.handovers import HandoverSocket

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def test_where_descriptors_are_few_half_of_them_are_for_requests(tmp_path: Path):
    places, asked, answer = 4, 0, trio.Event()

    async def app(scope: MutableMapping[str, Any], receive: object, send: Send) -> None:
        nonlocal asked
        asked += 1
        await answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def ask(edge: HandoverSocket, answers: list[bytes]) -> None:
        ours, theirs = socket.socketpair()
        await edge.send(Handover(theirs, REQUEST, "192.0.2.1", False))
        async with trio.SocketStream(trio.socket.from_stdlib_socket(ours)) as stream:
            answers.append(await stream.receive_some())

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, trio.fail_after(30):
        listener.bind(str(tmp_path / "requests"))
        listener.listen()
        handed_up = HandedUp(app, descriptors=2 * places)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handed_up.run, listener)
            to_engine = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            to_engine.connect(str(tmp_path / "requests"))
            edge = HandoverSocket(to_engine)
            answers: list[bytes] = []
            async with trio.open_nursery() as asking:
                for _ in range(3 * places):
                    asking.start_soon(ask, edge, answers)
                while asked < places:
                    await trio.lowlevel.checkpoint()
                for _ in range(100):
                    await trio.lowlevel.checkpoint()
                assert (asked, handed_up.visiting) == (places, places)
                answer.set()
            assert [one.split(b"\r\n", 1)[0] for one in answers] == [b"HTTP/1.1 204 No Content"] * (3 * places)
            edge.close()
            nursery.cancel_scope.cancel()
