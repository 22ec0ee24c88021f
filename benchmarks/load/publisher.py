"""Publishers: one connection to the server under test, over which messages go in and acknowledgements come back.

A publisher never blocks in `send`: what the server does not take yet waits here, and the time it waits counts, because
a message carries the time when it was due.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import Final

from benchmarks.load import frames, payload

STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class PublishFailed(Exception):
    """The server refused a message, hung up, or did not acknowledge in time."""


class Publisher(ABC):
    """One connection that publishes."""

    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.create_connection((host, port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0
        self.acknowledged = 0
        self._inbox = b""
        self._outbox = b""

    @abstractmethod
    def encode(self, text: bytes) -> bytes:
        """Return the bytes that publish one text."""

    @abstractmethod
    def take_answers(self, received: bytes) -> tuple[int, bytes]:
        """Return how many acknowledgements the bytes hold, and what is left over."""

    def send(self, text: bytes) -> None:
        """Publish without waiting for the acknowledgement."""
        self.sent += 1
        self._outbox += self.encode(text)
        self.pump(0)

    def pump(self, seconds: float) -> None:
        """Move bytes both ways for that long, or until the first answers come."""
        readable, writable, _ = select.select([self.sock], [self.sock] if self._outbox else [], [], max(seconds, 0))
        if writable:
            self._outbox = self._outbox[self.sock.send(self._outbox, socket.MSG_DONTWAIT) :]
        if readable:
            received = self.sock.recv(65536)
            if not received:
                raise PublishFailed("the server closed the publisher's connection")
            answers, self._inbox = self.take_answers(self._inbox + received)
            self.acknowledged += answers

    def wait(self, seconds: float = 60.0) -> None:
        """Return when everything sent has been acknowledged."""
        deadline = time.monotonic() + seconds
        while self.acknowledged < self.sent:
            if time.monotonic() > deadline:
                raise PublishFailed(f"{self.sent - self.acknowledged} messages were not acknowledged in {seconds:g} s")
            self.pump(deadline - time.monotonic())

    def offer(self, first: int, count: int, per_second: float, size: int) -> None:
        """Publish `count` messages at a fixed rate, whatever the server does; then wait for the acknowledgements."""
        begin = time.monotonic_ns()
        for i in range(count):
            due = begin + int(i * 1e9 / per_second)
            while (left := due - time.monotonic_ns()) > 0:
                self.pump(left / 1e9)
            self.send(payload.text(first + i, due, size))
        self.wait()

    def close(self) -> None:
        self.sock.close()


class WebSocketPublisher(Publisher):
    """Publishes a text frame a message; the server answers each with one data frame."""

    def __init__(self, host: str, port: int, path: str, headers: str = "") -> None:
        super().__init__(host, port)
        self.sock.sendall(frames.websocket_request(path, f"{host}:{port}", headers))
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.sock.recv(65536)
            if not received:
                raise PublishFailed("the server closed the publisher's connection in the handshake")
            head += received
        head, _, self._inbox = head.partition(b"\r\n\r\n")
        if why := frames.refusal(head, events=False):
            raise PublishFailed(why)

    def encode(self, text: bytes) -> bytes:
        return frames.client_frame(frames.TEXT, text)

    def take_answers(self, received: bytes) -> tuple[int, bytes]:
        split = frames.split_frames(received)
        for opcode, data in split.controls:
            if opcode == frames.PING:
                self._outbox += frames.client_frame(frames.PONG, data)
        return len(split.messages), received[split.used :]


class CommandPublisher(WebSocketPublisher):
    """Publishes with fanout's `publish` command; the server answers each with `published` once the log has it."""

    def __init__(self, host: str, port: int, room: str, token: str) -> None:
        super().__init__(host, port, "/v1/ws", f"Authorization: Bearer {token}\r\n")
        self.room = room

    def encode(self, text: bytes) -> bytes:
        command = {"type": "publish", "room": self.room, "text": text.decode()}
        return frames.client_frame(frames.TEXT, json.dumps(command).encode())

    def take_answers(self, received: bytes) -> tuple[int, bytes]:
        split = frames.split_frames(received)
        for opcode, data in split.controls:
            if opcode == frames.PING:
                self._outbox += frames.client_frame(frames.PONG, data)
        kinds = [json.loads(answer)["type"] for answer in split.messages]
        if "error" in kinds or "bye" in kinds:
            raise PublishFailed(f"the server answered {received[:300]!r}")
        return kinds.count("published"), received[split.used :]


class HttpPublisher(Publisher):
    """Publishes by POST on one kept-alive connection, the next when the last is answered."""

    def __init__(self, host: str, port: int, path: str, token: str = "") -> None:
        super().__init__(host, port)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self.head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}Content-Type: application/json\r\n"
        self._later: deque[bytes] = deque()
        self._asked = 0

    def encode(self, text: bytes) -> bytes:
        body = json.dumps({"text": text.decode()}).encode()
        request = f"{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        if self._asked > self.acknowledged:
            self._later.append(request)
            return b""
        self._asked += 1
        return request

    def take_answers(self, received: bytes) -> tuple[int, bytes]:
        head, end, rest = received.partition(b"\r\n\r\n")
        status, length = STATUS.match(head), LENGTH.search(head)
        if not end or (length and len(rest) < int(length[1])):
            return 0, received
        if status is None or not status[1].startswith(b"2"):
            raise PublishFailed(f"the server answered {head[:40]!r} {rest[:200]!r}")
        if self._later:
            self._asked += 1
            self._outbox += self._later.popleft()
        return 1, rest[int(length[1]) if length else 0 :]


class FramePublisher(Publisher):
    """Hands the floor its prepared buffer: four bytes of length, then the frame; one byte comes back when all is
    sent."""

    def encode(self, text: bytes) -> bytes:
        frame = frames.server_frame(text)
        return struct.pack("!I", len(frame)) + frame

    def take_answers(self, received: bytes) -> tuple[int, bytes]:
        return len(received), b""
