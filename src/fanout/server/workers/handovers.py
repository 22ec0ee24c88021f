"""How a connection gets from one process to another: its descriptor and the bytes already read, in one packet.

A Unix socket of packets (SOCK_SEQPACKET, unix(7)) keeps what belongs together: a packet has one connection or is
refused. The receiving process has a socket of its own then (SCM_RIGHTS), and the sender closes its.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

import msgspec
import structlog
import trio

from fanout.edge.handover import Handover

log = structlog.get_logger()

MAX_PACKET_BYTES: Final = 160 * 1024
"""What one packet may carry: a request head (16 KiB) behind one buffer that was read (64 KiB), and as much again. The
kernel's default buffer (net.core.wmem_default, 208 KiB) takes it."""

_CREDENTIALS: Final = struct.Struct("3i")


class _Head(msgspec.Struct, frozen=True, array_like=True):
    address: str
    secure: bool
    received: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Head).decode


class HandoverSocket:
    """One end. `receive` from one task, `send` from any."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._sending = trio.StrictFIFOLock()

    async def send(self, handover: Handover) -> None:
        """Give a connection to the other process and close it here.

        Raises:
            OSError: The other process is gone. The connection stays the caller's.
        Cancellation: safe; it has been given away or not.
        """
        packet = _encode(_Head(handover.address, handover.secure, handover.received))
        async with self._sending:
            while True:
                try:
                    socket.send_fds(self._sock, [packet], [handover.sock.fileno()])
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._sock)
                else:
                    handover.sock.close()
                    return

    async def receive(self) -> Handover | None:
        """The next connection that the other process gives; None when it is gone.

        Cancellation: safe.
        """
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                packet, descriptors, flags, _ = socket.recv_fds(
                    self._sock, MAX_PACKET_BYTES, 1, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                continue
            except OSError:
                return None
            if not packet:
                return None
            if not descriptors or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                for descriptor in descriptors:
                    os.close(descriptor)
                log.error("handover_lost", bytes=len(packet), flags=flags)
                continue
            head = _decode(packet)
            sock = socket.socket(fileno=descriptors[0])
            sock.setblocking(False)
            return Handover(sock, head.received, head.address, head.secure)

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self._sock)
            self._sock.close()


async def accept_ours(listener: socket.socket) -> socket.socket:
    """The next connection at a Unix socket of ours, from a process of the same user (SO_PEERCRED, unix(7)); it does not
    block. Others are turned away."""
    listener.setblocking(False)
    while True:
        await trio.lowlevel.wait_readable(listener)
        try:
            sock, _ = listener.accept()
        except OSError:
            continue  # it has left again
        sock.setblocking(False)
        _, user, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if user == os.geteuid():
            return sock
        log.error("stranger_turned_away", user=user)
        sock.close()
