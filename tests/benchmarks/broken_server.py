"""A server that errs on purpose, over real sockets: it sends each listener what a script says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from benchmarks.load import frames, payload
from benchmarks.load.control import Target

LISTENERS = 20
MESSAGES = 10
SIZE = 60

Script = Callable[[int], list[bytes]]
"""What the server sends to the listener with this index, piece by piece."""


@cache
def message(number: int) -> bytes:
    """The same bytes for every listener, as in a broadcast: what was seen once is only compared after that."""
    return frames.server_frame(payload.text(number, time.monotonic_ns(), SIZE))


@contextmanager
def server(script: Script, head: bytes = b"", received: list[bytes] | None = None) -> Iterator[Target]:
    """Accept LISTENERS WebSocket connections, then send to each what the script says, in as many segments, and, where
    asked, note what each says in return."""
    answer = head or (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + frames.ACCEPT + b"\r\n\r\n"
    )
    go, over = threading.Event(), threading.Event()

    def serve() -> None:
        sockets = []
        for _ in range(LISTENERS):
            connection, _ = door.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(4096)
            connection.sendall(answer)
            sockets.append(connection)
        go.wait(10)
        for index, connection in enumerate(sockets):
            for piece in script(index):
                connection.sendall(piece)
        for connection in sockets:
            if received is not None:
                received.append(connection.recv(4096))
        over.wait(10)
        for connection in sockets:
            connection.close()

    with socket.create_server(("127.0.0.1", 0), backlog=LISTENERS) as door:
        thread = threading.Thread(target=serve)
        thread.start()
        target = Target("127.0.0.1", door.getsockname()[1], "/")
        try:
            server_go[target.port] = go
            yield target
        finally:
            go.set()
            over.set()
            thread.join()


server_go: dict[int, threading.Event] = {}


def begin_to_send(target: Target) -> None:
    """Everybody is connected: let the script begin."""
    server_go[target.port].set()


def in_order(numbers: list[int]) -> list[bytes]:
    return [message(number) for number in numbers]


ALL = list(range(1, MESSAGES + 1))


def only_for(victim: int, numbers: list[int]) -> Script:
    """Send everything in order to everybody but one listener, so that a sample would most likely miss it."""
    return lambda index: in_order(numbers if index == victim else ALL)
