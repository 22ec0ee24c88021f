"""A connection on its way between the hub and the ordinary HTTP server, with the bytes already read from it."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handover:
    """Who receives this owns the socket and closes it.

    Args:
        sock: Connected and non-blocking; an `ssl.SSLSocket` with its handshake done when `secure`.
        received: Begins with a request head or a part of one.
        address: The peer's IP address as text; empty for a Unix socket. Behind a trusted proxy, the head tells more.
        secure: Whether the client speaks TLS to us.
    """

    sock: socket.socket
    received: bytes
    address: str
    secure: bool


HandleHttp = Callable[[Handover], Awaitable[None]]
"""Serves ordinary requests on a connection until it ends or goes back to the hub; closes the socket in the first
case."""
