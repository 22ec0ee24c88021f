"""A trio stream over a non-blocking socket that the hub has let go, plain or TLS: what ordinary HTTP reads and
writes."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

import trio
from trio.abc import HalfCloseableStream

RECEIVE_BYTES = 64 * 1024
"""Most that one `receive_some` returns when not told otherwise: a request body comes in few reads."""


class SocketStream(HalfCloseableStream):
    """Reads and writes one connected non-blocking socket; an `ssl.SSLSocket` must have done its handshake.

    `trio.SocketStream` can't be had from a socket with TLS in it, and `trio.SSLStream` not from a handshake done
    elsewhere.
    Cancellation: `receive_some` is safe; a cancelled `send_all` has sent an unknown part, as with every trio stream.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._sending = trio.StrictFIFOLock()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            try:
                return self.socket.recv(max_bytes or RECEIVE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                await trio.lowlevel.wait_readable(self.socket)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(self.socket)
            except ssl.SSLEOFError:
                return b""  # the peer left without a TLS goodbye, as most do
            except OSError as error:
                raise self._broken(error) from error

    def receive_nowait(self) -> bytes | None:
        """What can be had without waiting: bytes, empty at the end of the stream, None when there is nothing yet."""
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError:
            return b""

    def send_nowait(self, data: bytes) -> int:
        """How many of these bytes the socket took without waiting; the rest is for `send_all`.

        Raises:
            trio.BrokenResourceError: The connection broke.
        """
        try:
            return self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as error:
            raise self._broken(error) from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        async with self._sending:
            with memoryview(data) as rest:
                sent = 0
                while sent < len(rest):
                    with rest[sent:] as chunk:
                        try:
                            sent += self.socket.send(chunk)
                        except (BlockingIOError, ssl.SSLWantWriteError):
                            await trio.lowlevel.wait_writable(self.socket)
                        except ssl.SSLWantReadError:
                            await trio.lowlevel.wait_readable(self.socket)
                        except OSError as error:
                            raise self._broken(error) from error

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.wait_writable(self.socket)

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close at once; whoever waits on the socket gets `trio.ClosedResourceError`."""
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()

    def detach(self) -> socket.socket:
        """Give the socket away; this stream must not be used afterwards."""
        return self.socket

    def _broken(self, error: OSError) -> Exception:
        if self.socket.fileno() < 0:
            return trio.ClosedResourceError("this connection was closed here")
        return trio.BrokenResourceError(f"the connection broke: {error}")
