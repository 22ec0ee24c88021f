"""One listener and one publisher in one process that never sleeps while a message is on its way.

On an idle machine most of a message's time is the waking of whoever waits for it, several times over: the publisher by
its timer, the server, the listener. The server's waking is its own affair and stays in the figure; the other two are
the load client's, and on virtual processors each may take longer than the server needs in all. So here the client reads
without waiting until the message is there.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from benchmarks.load import frames, payload
from benchmarks.load.control import LoadFailed, Target
from benchmarks.load.publisher import Publisher

AWAKE_NS: Final = 1_000_000
"""How long before a message is due the client stops sleeping: longer than a timer is late."""

PATIENCE_NS: Final = 5_000_000_000


class LoneListener:
    """A connection that listens. Raises LoadFailed when the server does not let it in, or hangs up."""

    def __init__(self, target: Target) -> None:
        self.sock = socket.create_connection((target.host, target.port), timeout=10)
        self.faults: list[str] = []
        self._rest = b""
        if not target.raw:
            self.sock.sendall(frames.websocket_request(target.path, f"{target.host}:{target.port}"))
            head = b""
            while b"\r\n\r\n" not in head:
                head += self._received(self.sock.recv(65536))
            head, _, self._rest = head.partition(b"\r\n\r\n")
            if why := frames.refusal(head, events=False):
                raise LoadFailed(why)
        self.sock.setblocking(False)

    def _received(self, data: bytes) -> bytes:
        if not data:
            raise LoadFailed("the server closed the listener's connection")
        return data

    def spin(self, number: int) -> int:
        """Read until message `number` is there, and return when that was."""
        begin = time.monotonic_ns()
        while time.monotonic_ns() - begin < PATIENCE_NS:
            try:
                data = self._received(self.sock.recv(65536))
            except BlockingIOError:
                continue
            now = time.monotonic_ns()
            split = frames.split_frames(self._rest + data)
            self._rest = (self._rest + data)[split.used :]
            for message in split.messages:
                if (mark := payload.MARK.search(message)) is None:
                    continue
                if int(mark[1]) == number:
                    return now
                self.faults.append(f"message {int(mark[1])} came where {number} was due")
        raise LoadFailed(f"message {number} did not come in {PATIENCE_NS / 1e9:g} s")


def latencies_ms(listener: LoneListener, publisher: Publisher, count: int, per_second: float, size: int) -> list[float]:
    """Publish `count` messages at a fixed rate, none before the last one has been acknowledged; return how long each
    took, from the last look at the clock before it was sent until it had been read."""
    found = []
    due = time.monotonic_ns()
    for number in range(1, count + 1):
        due = max(due + int(1e9 / per_second), time.monotonic_ns())
        time.sleep(max(due - AWAKE_NS - time.monotonic_ns(), 0) / 1e9)
        while (now := time.monotonic_ns()) < due:
            pass
        publisher.send(payload.text(number, now, size))
        found.append((listener.spin(number) - now) / 1e6)
        publisher.wait()
    return found
