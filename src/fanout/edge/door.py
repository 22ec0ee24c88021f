"""A listening socket of the edge: accepts in bursts, pauses when the house is full, and sets once what every listener
inherits."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from fanout.edge.arrival import Arrival
from fanout.edge.connection import Connection, Stage
from fanout.edge.settings import NOT_SENT_BYTES, SEND_BUFFER_BYTES, USER_TIMEOUT_MS

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

ACCEPTS_AT_ONCE = 64
"""Connections accepted before others have a turn: about a millisecond's worth."""

TCP_NOTSENT_LOWAT = 25
"""Linux, include/uapi/linux/tcp.h; Python's socket module has no name for it before 3.13."""

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Door:
    """Accepts at one listening socket. Those who can't be let in yet wait in the kernel's backlog, unharmed.

    Args:
        sock: Listening; made non-blocking here. Options set here are inherited by every accepted socket (Linux), which
            saves three system calls a connection.
        tls: Accept TLS with this context.
        room: How many more connections may come in. When none, the door is shut.
    """

    def __init__(
        self,
        hub: Hub,
        arrival: Arrival,
        sock: socket.socket,
        tls: ssl.SSLContext | None = None,
        room: Callable[[], int] = lambda: ACCEPTS_AT_ONCE + 1,
    ) -> None:
        self._hub = hub
        self._arrival = arrival
        self._sock = sock
        self._tls = tls
        self._room = room
        self.open = False
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._kind = (sock.family, sock.type, sock.proto)
        self._has_addresses = sock.family != socket.AF_UNIX
        if self._has_addresses:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)

    def set_open(self, open: bool) -> None:
        """Accept, or leave whoever comes in the backlog."""
        if open and not self.open:
            self._hub.add_door(self._sock.fileno(), self.accept)
        elif self.open and not open:
            self._hub.remove_door(self._sock.fileno())
        self.open = open

    def accept(self) -> None:
        """Let in those who wait, a burst at most: first all out of the kernel, then all into the hub."""
        arrived = []
        room = self._room()
        for _ in range(min(room, ACCEPTS_AT_ONCE)):
            try:
                arrived.append(self._sock._accept())  # type: ignore[attr-defined]  # accept() asks for each what we know
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    self.set_open(False)  # whoever looks after the doors tries again
                    break
                # this one left before it was let in (accept(2), "Error handling")
        for fd, peer in arrived:
            sock = socket.socket(*self._kind, fileno=fd)
            sock.setblocking(False)
            self._begin(sock, sys.intern(peer[0]) if self._has_addresses else "")
        if len(arrived) >= room:
            self.set_open(False)

    def _begin(self, sock: socket.socket, address: str) -> None:
        stage = Stage.ARRIVING
        if self._tls is not None:
            stage = Stage.SECURING
            try:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            except OSError:
                with suppress(OSError):
                    sock.close()
                return
        self._hub.accepted += 1
        self._arrival.add(Connection(sock, self._hub.accepted, address, stage, self._hub.second))
