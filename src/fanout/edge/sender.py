"""How the same bytes reach many sockets: a small port, and its plain and TLS implementations.

`uring` has a third one, for kernels with io_uring. Walks hand over many sockets and one buffer, so that an
implementation is free to do them all at once.
"""

from __future__ import annotations

import errno
import os
import ssl
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fanout.edge.connection import Connection

FULL = -errno.EAGAIN
"""The result for a socket that took nothing because it is full."""


class Sender(Protocol):
    """Sends one buffer to many sockets. Never waits, never raises for what one socket does."""

    def send(self, fds: array[int], data: bytes) -> list[int]:
        """For each descriptor, in order: how many bytes its socket took, or minus the error number. A descriptor of -1
        is an empty place, and its result is some error."""
        ...

    def close(self) -> None:
        """Give back what it holds. It sends nothing afterwards."""
        ...


class SendLoop:
    """One `send()` after the other: everywhere. `os.write` to a socket is `send` without flags (write(2)), and Python
    ignores SIGPIPE."""

    def send(self, fds: array[int], data: bytes) -> list[int]:
        write = os.write
        results: list[int] = []
        for fd in fds:
            try:
                results.append(write(fd, data))
            except OSError as error:
                results.append(-(error.errno or errno.EIO))
        return results

    def close(self) -> None:
        """It holds nothing."""


class TlsSender:
    """For sockets with TLS in them: each encrypts for itself. A full one has taken all of the data or nothing, and must
    be given the same bytes again (SSL_write(3)).

    Args:
        connections: The hub's, by descriptor.
    """

    def __init__(self, connections: Mapping[int, Connection]) -> None:
        self._connections = connections

    def send(self, fds: array[int], data: bytes) -> list[int]:
        results: list[int] = []
        for fd in fds:
            connection = self._connections.get(fd)
            if connection is None:
                results.append(-errno.EBADF)
                continue
            try:
                results.append(connection.sock.send(data))
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                results.append(FULL)
            except OSError as error:
                results.append(-(error.errno or errno.EIO))
        return results

    def close(self) -> None:
        """It holds nothing."""
