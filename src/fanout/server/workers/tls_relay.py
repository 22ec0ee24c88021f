"""A connection over TLS in ordinary HTTP: TLS can't be handed over, its state is in the edge's process. So it stays
there, and its bytes go through a pair of sockets of which the engine's process gets the other end."""

from __future__ import annotations

import os
import socket

import trio

from fanout.edge.handover import Handover
from fanout.edge.socket_stream import SocketStream


class TlsRelay:
    """One such connection; `theirs` is what the engine's process is given in its stead.

    When its next request is for a hub, the engine's process gives `theirs` back, as it does with every connection. Then
    the relay ends, and the hub gets the connection itself: a listener that went through here would cost a task.
    """

    def __init__(self, handover: Handover) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self.theirs = Handover(theirs, handover.received, handover.address, handover.secure)
        self.number = inode(theirs)
        """What tells it from every other socket, also when it comes back under another descriptor."""
        self._handover = handover
        self._client, self._server = SocketStream(handover.sock), SocketStream(ours)
        self._upward = trio.CancelScope()
        self._under_way = b""
        """What the client has said that has not been passed on whole."""
        self._returned: bytes | None = None
        """What the engine's process has not used of what was passed on, once it has given its end back."""

    def returned(self, handover: Handover) -> None:
        """The engine's process has given its end back."""
        theirs = SocketStream(handover.sock)
        received = handover.received
        while data := theirs.receive_nowait():
            received += data
        theirs.close()  # what was answered before goes down to its end
        self._returned = received
        self._upward.cancel()

    async def run(self) -> Handover | None:
        """Pass on what both say until one of them ends. Returns the connection if it is for the hub now; it is open
        then. Cancellation: safe at any time; what was under way is lost."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_upward)
            await self._pass_downward()
            if self._returned is None:
                nursery.cancel_scope.cancel()
        if self._returned is None:
            return None
        received = self._returned + self._under_way
        return Handover(self._handover.sock, received, self._handover.address, self._handover.secure)

    def close(self) -> None:
        """The connection itself stays open."""
        self._server.close()

    async def _pass_upward(self) -> None:
        try:
            with self._upward:
                while data := await self._client.receive_some():
                    self._under_way = data
                    while self._under_way:
                        sent = self._server.send_nowait(self._under_way)
                        self._under_way = self._under_way[sent:]
                        if self._under_way:
                            await self._server.wait_send_all_might_not_block()
                await self._server.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _pass_downward(self) -> None:
        try:
            while data := await self._server.receive_some():
                await self._client.send_all(data)
            if self._returned is None:
                await self._client.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return


def inode(sock: socket.socket) -> int:
    """The number of a socket, which all its descriptors share as long as there are any."""
    return os.fstat(sock.fileno()).st_ino
