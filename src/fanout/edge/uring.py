"""The sender over io_uring: hundreds of sends in one system call, from the standard library alone.

Each send still costs the kernel's 9 µs; what goes away is entering the kernel for each, and nearly all of our own work
for each: descriptors are copied into the submission ring as one strided array. Sources: io_uring_setup(2),
io_uring_enter(2), include/uapi/linux/io_uring.h; `IORING_OP_SEND` needs Linux 5.6. Where the kernel or a sandbox says
no, `open_sender` falls back to a loop of `send()`.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
from array import array

from fanout.edge.sender import FULL, Sender, SendLoop

ENTRIES = 512
"""Sends in one system call at most; a power of two. Beyond a few hundred nothing more is saved (the C floor, batches of
512)."""

FEW = 4
"""Up to so many sends are made one by one: to fill the ring takes as long as entering the kernel that often."""

SYS_SETUP, SYS_ENTER = 425, 426
"""System call numbers, the same on every architecture (asm-generic/unistd.h)."""

OFF_SQ_RING, OFF_CQ_RING, OFF_SQES = 0, 0x8000000, 0x10000000
ENTER_GETEVENTS = 1
FEAT_SINGLE_MMAP = 1
OP_SEND = 26
SQE_BYTES, CQE_BYTES = 64, 16
PARAMS = struct.Struct("=2I I 2I 2I 3I 8IQ 8IQ")
"""struct io_uring_params: entries, flags, thread, features, wq, reserved; then the offsets of both rings."""

_libc = ctypes.CDLL(None, use_errno=True)


class UringSender:
    """Sends one buffer to many sockets through one submission ring. Used from one thread.

    Everything submitted is complete when `send` returns: with MSG_DONTWAIT a send never waits, so the buffer is free
    again.

    Raises:
        OSError: At creation, when the kernel does not offer io_uring here.
    """

    def __init__(self) -> None:
        self._one_by_one = SendLoop()
        params = ctypes.create_string_buffer(PARAMS.size)
        self._fd: int = _libc.syscall(SYS_SETUP, ENTRIES, params)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        fields = PARAMS.unpack(params.raw)
        sq_entries, cq_entries, features = fields[0], fields[1], fields[5]
        sq_head, sq_tail, sq_mask, _, _, _, sq_array = fields[10:17]
        cq_head, cq_tail, cq_mask, _, _, cqes = fields[19:25]
        try:
            if not features & FEAT_SINGLE_MMAP:
                raise OSError(errno.ENOSYS, "io_uring before Linux 5.4")
            size = max(sq_array + sq_entries * 4, cqes + cq_entries * CQE_BYTES)
            self._rings = mmap.mmap(self._fd, size, mmap.MAP_SHARED, offset=OFF_SQ_RING)
            self._sqes = mmap.mmap(self._fd, sq_entries * SQE_BYTES, mmap.MAP_SHARED, offset=OFF_SQES)
        except (OSError, ValueError):
            os.close(self._fd)
            raise
        rings = memoryview(self._rings)
        words = rings[: size // 4 * 4].cast("I")
        self._sq_head = words[sq_head // 4 : sq_head // 4 + 1]
        self._sq_tail = words[sq_tail // 4 : sq_tail // 4 + 1]
        self._cq_head = words[cq_head // 4 : cq_head // 4 + 1]
        self._cq_tail = words[cq_tail // 4 : cq_tail // 4 + 1]
        self._sq_entries, self._cq_entries = sq_entries, cq_entries
        self._sq_mask = words[sq_mask // 4]
        self._cq_mask = words[cq_mask // 4]
        self._order = words[sq_array // 4 : sq_array // 4 + sq_entries]
        completions = rings[cqes : cqes + cq_entries * CQE_BYTES]
        self._results = completions.cast("i")[2::4]
        self._whose = completions.cast("Q")[0::2]
        submissions = memoryview(self._sqes)
        self._fds = submissions.cast("i")[1::16]
        self._addresses = submissions.cast("Q")[2::8]
        self._lengths = submissions.cast("I")[6::16]
        self._identity = array("I", range(sq_entries))
        for index in range(sq_entries):
            begin = index * SQE_BYTES
            submissions[begin] = OP_SEND
            flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
            struct.pack_into("=IQ", self._sqes, begin + 28, flags, index)

    def send(self, fds: array[int], data: bytes) -> list[int]:
        if len(fds) <= FEW:
            return self._one_by_one.send(fds, data)
        results: list[int] = []
        for begin in range(0, len(fds), self._sq_entries):
            results += self._send(fds[begin : begin + self._sq_entries], data)
        return results

    def _send(self, fds: array[int], data: bytes) -> list[int]:
        count = len(fds)
        address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        self._fds[:count] = fds
        self._addresses[:count] = array("Q", (address,)) * count
        self._lengths[:count] = array("I", (len(data),)) * count
        tail = self._sq_tail[0]
        start = tail & self._sq_mask
        first = min(count, self._sq_entries - start)
        self._order[start : start + first] = self._identity[:first]
        self._order[: count - first] = self._identity[first:count]
        self._sq_tail[0] = (tail + count) & 0xFFFFFFFF
        submitted = self._enter(count)
        return self._collect(submitted, count, data)

    def _enter(self, count: int) -> int:
        """Submit and wait for all of it; how many the kernel took."""
        submitted = 0
        while True:
            waiting = count - submitted
            done = _libc.syscall(SYS_ENTER, self._fd, waiting, count, ENTER_GETEVENTS, None, 0)
            if done >= 0:
                submitted += done
            elif ctypes.get_errno() != errno.EINTR:
                # Out of memory or the like: what was not taken is taken back, and counts as full sockets.
                self._sq_tail[0] = self._sq_head[0]
                count = submitted
            if submitted == count and (self._cq_tail[0] - self._cq_head[0]) & 0xFFFFFFFF >= count:
                return submitted

    def _collect(self, submitted: int, count: int, data: bytes) -> list[int]:
        head = self._cq_head[0]
        start = head & self._cq_mask
        first = min(submitted, self._cq_entries - start)
        found: list[int] = self._results[start : start + first].tolist() + self._results[: submitted - first].tolist()
        if submitted == count == found.count(len(data)):
            self._cq_head[0] = (head + submitted) & 0xFFFFFFFF
            return found  # all the same, so their order says nothing
        whose: list[int] = self._whose[start : start + first].tolist() + self._whose[: submitted - first].tolist()
        self._cq_head[0] = (head + submitted) & 0xFFFFFFFF
        results = [FULL] * count
        for index, result in zip(whose, found, strict=True):
            results[index] = result
        return results

    def close(self) -> None:
        """Give the ring back."""
        os.close(self._fd)


def open_sender() -> Sender:
    """The best sender that this machine allows."""
    try:
        return UringSender()
    except OSError:
        return SendLoop()
