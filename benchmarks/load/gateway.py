"""An SMS gateway that never waits for one answer before the next hand-over is due.

Several kept-alive connections in one process; what is due while all are busy waits here, and the wait counts, because a
hand-over's time runs from when it was due.
"""

from __future__ import annotations

import json
import random
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.load.control import LoadFailed
from benchmarks.load.publisher import LENGTH, STATUS

WORDS: Final = 5_000
"""Different words of the texts."""

ASKED_BY_MANY: Final = "Est-ce que le SMIC va augmenter au premier juillet ?"
"""60,000 of the 1,324,085 SMS of 2 June 2004 asked this; here one in twenty does."""

PATIENCE_SECONDS: Final = 60.0


@dataclass
class Outcome:
    """What became of an offer: seconds from when each hand-over was due until its answer, and what was answered."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    accepted: int = 0
    refused: list[str] = field(default_factory=list)


def texts(count: int) -> list[str]:
    """So many SMS, the same each time; nine words each."""
    chance = random.Random(20040602)
    words = ["".join(chance.choices("abcdefghijlmnoprstuv", k=chance.randint(2, 9))) for _ in range(WORDS)]
    return [ASKED_BY_MANY if chance.random() < 0.05 else " ".join(chance.choices(words, k=9)) for _ in range(count)]


class Gateway:
    """Hands SMS over with `POST path`, `batch` of them in each request."""

    def __init__(self, host: str, port: int, path: str, token: str, connections: int) -> None:
        self._head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._sockets = [socket.create_connection((host, port), timeout=PATIENCE_SECONDS) for _ in range(connections)]
        for sock in self._sockets:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def offer(self, count: int, per_second: float, batch: int) -> Outcome:
        """Hand over `count` SMS at a fixed rate, whatever the server does; return when all have been answered."""
        written = texts(count)
        requests = [self._request(written, begin, min(begin + batch, count)) for begin in range(0, count, batch)]
        outcome, epoll = Outcome(), select.epoll()
        idle, by_fd = deque(self._sockets), {sock.fileno(): sock for sock in self._sockets}
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN)
        busy: dict[int, tuple[float, bytes]] = {}
        begin, sent = time.monotonic(), 0
        while sent < len(requests) or busy:
            due = begin + sent * batch / per_second
            now = time.monotonic()
            if sent < len(requests) and idle and due <= now:
                sock = idle.popleft()
                sock.sendall(requests[sent])
                busy[sock.fileno()] = (due, b"")
                sent += 1
                continue
            waits = max(due - now, 0) if sent < len(requests) and idle else PATIENCE_SECONDS
            events = epoll.poll(waits)
            if not events and waits == PATIENCE_SECONDS:
                raise LoadFailed(f"{len(busy)} hand-overs were not answered in {PATIENCE_SECONDS:g} s")
            for fd, _ in events:
                due, received = busy.pop(fd)
                answer = _answer(received := received + by_fd[fd].recv(65536))
                if answer is None:
                    busy[fd] = (due, received)
                    continue
                outcome.latencies.append(time.monotonic() - due)
                outcome.accepted += answer.get("accepted", 0)
                if "accepted" not in answer:
                    outcome.refused.append(str(answer))
                idle.append(by_fd[fd])
        outcome.seconds = time.monotonic() - begin
        epoll.close()
        return outcome

    def _request(self, written: list[str], begin: int, end: int) -> bytes:
        # Three of four numbers send one SMS: 1,324,085 came from 1,008,029.
        many = [{"id": f"sms-{n}", "from": f"+336{n * 3 // 4:08d}", "text": written[n]} for n in range(begin, end)]
        body = json.dumps(many).encode()
        return f"{self._head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


def _answer(received: bytes) -> dict[str, Any] | None:
    """What a whole response says; None while it is not whole."""
    head, end, body = received.partition(b"\r\n\r\n")
    status, length = STATUS.match(head), LENGTH.search(head)
    if not end or length is None or len(body) < int(length[1]):
        if not received:
            raise LoadFailed("the server closed the gateway's connection")
        return None
    answer: dict[str, Any] = json.loads(body)
    return answer if status is not None and status[1] == b"200" else {"refused": answer}
