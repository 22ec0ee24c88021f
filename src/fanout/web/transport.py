"""One client's bytes, in and out, each step with a deadline that a shutdown can cancel.

Reading costs one turn of the scheduler and writing none while the socket takes what it is given: under a fan-out each
turn may wait for a slice of it.
"""

from __future__ import annotations

from typing import Final

import trio

from fanout.core.limits import KIB
from fanout.edge.socket_stream import SocketStream

WRITE_CHUNK_BYTES: Final = 64 * KIB
"""Bytes that must go within one write deadline: a page of history on a slow line may take long, so long as it moves."""

WRITE_SECONDS: Final = 20.0
"""For one chunk: 3 KiB a second, less than any line on which a page can be read. Slower clients are cut."""

LINGER_SECONDS: Final = 2.0
"""How long a client that was refused may go on sending before it is cut. Closing with bytes unread resets the
connection, and the refusal may never be seen (RFC 9112 §9.6)."""

LINGER_BYTES: Final = 256 * KIB
"""What it may send meanwhile."""


class ClientGone(Exception):
    """The client closed or broke the connection, or took too long to read. Nobody is left to be answered."""


class Transport:
    """Reads and writes one connection; `buffer` holds what was read and not yet used."""

    def __init__(self, stream: SocketStream, received: bytes) -> None:
        self.stream = stream
        self.buffer = bytearray(received)

    async def read_more(self) -> bool:
        """Wait for more bytes and add them to `buffer`; False at the end of the stream.

        Raises:
            ClientGone: The connection broke.
        Cancellation: safe.
        """
        data = self.stream.receive_nowait()
        if data is None:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError as error:
                raise ClientGone from error
        else:
            await trio.lowlevel.checkpoint()
        self.buffer += data
        return bool(data)

    async def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            ClientGone: The connection broke, or the client did not take a chunk within the deadline.
        Cancellation: an unknown part was sent; the connection is good for nothing but closing.
        """
        try:
            sent = self.stream.send_nowait(data)
        except trio.BrokenResourceError as error:
            raise ClientGone from error
        view = memoryview(data)
        for begin in range(sent, len(view), WRITE_CHUNK_BYTES):
            with trio.move_on_after(WRITE_SECONDS) as deadline:
                try:
                    await self.stream.send_all(view[begin : begin + WRITE_CHUNK_BYTES])
                except trio.BrokenResourceError as error:
                    raise ClientGone from error
            if deadline.cancelled_caught:
                raise ClientGone

    async def linger(self) -> None:
        """Say that nothing more will come, and let the client finish sending for a little while."""
        with trio.move_on_after(LINGER_SECONDS):
            await self.stream.send_eof()
            received = 0
            try:
                while received < LINGER_BYTES and (data := await self.stream.receive_some()):
                    received += len(data)
            except trio.BrokenResourceError:
                return
