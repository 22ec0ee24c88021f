"""A network that lets no WebSocket through, as some offices have: a proxy that refuses the handshake and passes on the
rest, byte for byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def without_websockets(port: int) -> Iterator[str]:
    """The address of a proxy before the server on this port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_accept, args=(door, port), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


def _accept(door: socket.socket, port: int) -> None:
    while True:
        try:
            visitor, _ = door.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(visitor, port), daemon=True).start()


def _serve(visitor: socket.socket, port: int) -> None:
    with visitor:
        first = visitor.recv(65536)
        if first.startswith(b"GET /v1/ws"):
            visitor.sendall(REFUSED)
            return
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        with server:
            server.sendall(first)
            back = threading.Thread(target=_pass_on, args=(server, visitor), daemon=True)
            back.start()
            _pass_on(visitor, server)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while received := source.recv(65536):
            target.sendall(received)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
