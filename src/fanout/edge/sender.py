"""How the same bytes reach many sockets: a small port, and its plain and TLS implementations.

`uring` has a third one, for kernels with io_uring. Walks hand over many sockets and one buffer, so that an
implementation is free to do them all at once.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fanout.edge.audience import Subscription

FULL = -errno.EAGAIN
"""The result for a socket that took nothing because it is full."""


class Sender(Protocol):
    """Sends one buffer to many sockets. Never waits, never raises for what one socket does."""

    def send(self, line: Sequence[Subscription], data: bytes) -> list[int]:
        """For each subscription's socket, in order: how many bytes it took, or minus the error number."""
        ...

    def close(self) -> None:
        """Give back what it holds. It sends nothing afterwards."""
        ...


class SendLoop:
    """One `send()` after the other: everywhere. `os.write` to a socket is `send` without flags (write(2)), and Python
    ignores SIGPIPE."""

    def send(self, line: Sequence[Subscription], data: bytes) -> list[int]:
        write = os.write
        results: list[int] = []
        for subscription in line:
            try:
                results.append(write(subscription.fd, data))
            except OSError as error:
                results.append(-(error.errno or errno.EIO))
        return results

    def close(self) -> None:
        """It holds nothing."""


class TlsSender:
    """For sockets with TLS in them: each encrypts for itself. A full one has taken all of the data or nothing, and must
    be given the same bytes again (SSL_write(3))."""

    def send(self, line: Sequence[Subscription], data: bytes) -> list[int]:
        results: list[int] = []
        for subscription in line:
            try:
                results.append(subscription.connection.sock.send(data))
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                results.append(FULL)
            except OSError as error:
                results.append(-(error.errno or errno.EIO))
        return results

    def close(self) -> None:
        """It holds nothing."""
