"""The load client's process: one epoll, thousands of non-blocking sockets, commands on stdin, answers on stdout.

Run by `benchmarks.load.control`, one JSON object a line both ways. It never waits for one socket, reads as much as
there is with one call, and says after every command how much of its core it used, so that a run in which the client was
the bottleneck shows.
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.load import frames
from benchmarks.load.ledger import Ledger

BUFFER_BYTES: Final = 1 << 20
"""One buffer for every socket; a catch-up of a thousand messages fits."""

EVENTS: Final = 1024
"""Most sockets handled between two looks at stdin."""

MANY_LISTENERS: Final = 500
FEW_EVENTS: Final = 256
NAP_SECONDS: Final = 0.001
"""With many listeners and few events the client naps, so that they gather. Woken for each packet it would use its whole
core to look idle, and the waking is paid for by the server's send(). It adds at most 1.1 ms to a latency; where that
matters, in the benchmark with one listener, it never naps."""

PORTS_PER_ADDRESS: Final = 5_000
"""Sockets bound to one source address. Linux offers 28,232 ports for each; a few runs one after another must fit."""

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset, as a cut line looks to the server sooner or later."""


STALLED_RECEIVE_BYTES: Final = 4096
"""SO_RCVBUF of a listener that stops reading; the kernel doubles it."""


class Listener:
    """One connection's state: where it stands, and what it has half read."""

    __slots__ = ("fd", "number", "opened", "receive", "rest", "sock")

    def __init__(self, number: int) -> None:
        self.number = number
        self.opened = False
        self.rest = b""

    def attach(self, sock: socket.socket) -> None:
        self.sock, self.fd, self.receive = sock, sock.fileno(), sock.recv_into
        self.opened, self.rest = False, b""


class Client:
    """All listeners of one run."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.epoll.register(0, select.EPOLLIN)
        self.buffer = bytearray(BUFFER_BYTES)
        self.commands = b""
        self.ledger = Ledger(0)
        self.listeners: dict[int, Listener] = {}
        self.waiting: list[Listener] = []  # not connecting yet
        self.opening = 0
        self.made = 0
        self.opened_ns = 0  # when the last handshake was done
        self.refused: list[str] = []
        self.lost = 0
        self.target = 0
        self.reached: list[int] = []
        self.stalled: set[int] = set()
        self.finished: Callable[[], bool] | None = None  # what an unanswered wait is about
        self.wait_until = 0.0
        self.how: dict[str, Any] = {}
        self.running = True
        self.mark_time()

    def mark_time(self) -> None:
        self.wall, self.cpu = time.monotonic_ns(), time.process_time_ns()

    def say(self, **answer: Any) -> None:
        wall = max(time.monotonic_ns() - self.wall, 1)
        answer["cpu_share"] = (time.process_time_ns() - self.cpu) / wall
        os.write(1, json.dumps(answer).encode() + b"\n")

    def run(self) -> None:
        while self.running:
            timeout = -1.0 if self.finished is None else max(self.wait_until - time.monotonic(), 0.0)
            events = self.epoll.poll(timeout, EVENTS)
            self.handle(events)
            if len(events) < FEW_EVENTS and len(self.listeners) >= MANY_LISTENERS:
                time.sleep(NAP_SECONDS)
            if self.finished is not None:
                done = self.finished()
                if done or time.monotonic() >= self.wait_until:
                    self.answer_wait(done)

    # --- the hot loop ------------------------------------------------------------------------------------------------

    def handle(self, events: list[tuple[int, int]]) -> None:
        listeners, buffer, chunks, target = self.listeners, self.buffer, self.ledger.chunks, self.target
        clock, dont_wait = time.monotonic_ns, socket.MSG_DONTWAIT
        for fd, _ in events:
            if fd == 0:
                self.read_commands()
                target = self.target
                continue
            listener = listeners.get(fd)
            if listener is None:  # lost or cut since the events were asked for
                continue
            try:
                length = listener.receive(buffer, 0, dont_wait)
            except BlockingIOError:
                continue
            except OSError as error:
                self.lose(listener, errno.errorcode.get(error.errno or 0, str(error)))
                continue
            number = listener.number
            chunk = chunks.get(number << 24 | length)
            if chunk is not None and not listener.rest and listener.opened and buffer.startswith(chunk.data):
                chunk.arrivals.append(clock())
                listener.number = chunk.last
            elif length:
                self.read_closely(listener, bytes(memoryview(buffer)[:length]))
            else:
                self.lose(listener, "closed by the server")
            if number < target <= listener.number:
                self.reached.append(clock())

    def read_closely(self, listener: Listener, data: bytes) -> None:
        """Take apart bytes that are new, that go on from a half frame, or that belong to a handshake."""
        now = time.monotonic_ns()
        whole = listener.rest + data
        if not listener.opened:
            head, end, whole = whole.partition(b"\r\n\r\n")
            if not end:
                listener.rest = head
                return
            if why := frames.refusal(head + end, events=self.how["events"]):
                self.lose(listener, why)
                return
            self.open(listener)
        try:
            split = (frames.split_events if self.how["events"] else frames.split_frames)(whole)
        except frames.BrokenStream as error:
            self.ledger.fault("broken", str(error))
            self.lose(listener, str(error))
            return
        before, faults = listener.number, self.ledger.faults.total()
        listener.number, dues = self.ledger.take_apart(id(listener), before, split.messages)
        same_for_all = whole is data and split.used == len(data) and not split.controls
        if same_for_all and faults == self.ledger.faults.total() and listener.number == before + len(dues):
            self.ledger.remember(before, data, listener.number, dues, now)
        elif dues:
            self.ledger.count_alone(dues, now)
        listener.rest = whole[split.used :]
        for opcode, payload in split.controls:
            if opcode == frames.PING:
                listener.sock.send(frames.client_frame(frames.PONG, payload))
            elif opcode == frames.CLOSE:
                self.lose(listener, f"close {payload[:2].hex()} {payload[2:].decode('utf-8', 'replace')}")
                return

    # --- connecting --------------------------------------------------------------------------------------------------

    def open(self, listener: Listener) -> None:
        listener.opened, listener.rest = True, b""
        self.opening -= 1
        self.opened_ns = time.monotonic_ns()
        self.connect_more()

    def connect_more(self) -> None:
        """Keep the agreed number of handshakes under way."""
        while self.waiting and self.opening < self.how["in_flight"]:
            listener = self.waiting.pop()
            path = self.how["path"]
            if listener.number in self.ledger.positions and self.how["resume_path"]:
                path = self.how["resume_path"].replace("POSITION", self.ledger.positions[listener.number])
            sock = socket.socket()
            try:
                sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
                sock.bind((f"127.0.1.{1 + self.made // PORTS_PER_ADDRESS % 250}", 0))
                sock.connect((self.how["host"], self.how["port"]))
                listener.attach(sock)
                self.listeners[sock.fileno()] = listener
                self.opening += 1
                self.made += 1
                if self.how["raw"]:
                    listener.opened, self.opened_ns = True, time.monotonic_ns()
                    self.opening -= 1
                else:
                    host = f"{self.how['host']}:{self.how['port']}"
                    ask = frames.event_stream_request if self.how["events"] else frames.websocket_request
                    sock.send(ask(path, host))
                self.epoll.register(sock.fileno(), select.EPOLLIN)
            except OSError as error:
                self.listeners.pop(sock.fileno(), None)
                sock.close()
                self.refused.append(str(error))

    def lose(self, listener: Listener, why: str) -> None:
        """Forget a connection that ended by itself."""
        del self.listeners[listener.fd]
        listener.sock.close()
        if listener.opened:
            self.lost += 1
            self.ledger.fault("disconnected", why)
        else:
            self.refused.append(why)
            self.opening -= 1
            self.connect_more()

    # --- commands ----------------------------------------------------------------------------------------------------

    def read_commands(self) -> None:
        received = os.read(0, 65536)
        self.running = bool(received)
        *lines, self.commands = (self.commands + received).split(b"\n")
        for line in lines:
            command = json.loads(line)
            getattr(self, "do_" + command.pop("do"))(**command)

    def do_connect(self, count: int, number: int, size: int, **how: Any) -> None:
        """Begin to connect `count` listeners that have had message `number`."""
        self.how, self.ledger.size, self.refused = how, size, []
        self.waiting = [Listener(number) for _ in range(count)]
        self.mark_time()
        self.connect_more()
        self.say(connecting=count)

    def do_cut(self) -> None:
        """Reset every connection at once, and make ready to come back."""
        gone = list(self.listeners.values())
        for listener in gone:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            listener.sock.close()
        self.listeners.clear()
        self.waiting = gone
        self.say(cut=len(gone))

    def do_resume(self) -> None:
        """Connect everybody that was cut, each from where it stood."""
        self.mark_time()
        self.connect_more()
        self.say(connecting=len(self.waiting) + self.opening, now_ns=self.wall)

    def do_stall(self, count: int) -> None:
        """Stop reading on some listeners, for ever. Their own receive queues shrink to next to nothing: on loopback the
        kernel's count has both ends of a connection in it, and it is the server's end that is asked about."""
        for fd in list(self.listeners)[:count]:
            self.listeners[fd].sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RECEIVE_BYTES)
            self.epoll.unregister(fd)
            self.stalled.add(fd)
        self.say(stalled=count)

    def do_expect(self, number: int) -> None:
        """From now on, note when each listener has had message `number`."""
        self.target, self.reached = number, []
        self.say(expecting=number)

    def do_begin(self) -> None:
        """Start counting anew: what is reported next is from here on."""
        self.ledger.close()
        self.mark_time()
        self.say()

    def do_wait_open(self, seconds: float) -> None:
        """Answer when nobody is connecting any more."""
        self.finished = lambda: not self.waiting and not self.opening
        self.wait_until = time.monotonic() + seconds

    def do_wait_reached(self, count: int, seconds: float) -> None:
        """Answer when `count` listeners have had the expected message."""
        self.finished = lambda: len(self.reached) >= count
        self.wait_until = time.monotonic() + seconds

    def answer_wait(self, done: bool) -> None:
        times = sorted(self.reached)
        shares = {f"p{p}_ns": times[(len(times) - 1) * p // 100] for p in (0, 50, 99, 100)} if times else {}
        self.finished = None
        self.say(
            done=done,
            reached=len(times),
            open=len(self.listeners) - self.opening,
            refused=self.refused[:5],
            open_s=(self.opened_ns - self.wall) / 1e9,
            **shares,
        )

    def do_report(self) -> None:
        """Tell all that was counted since `begin`."""
        behind = [self.target - x.number for fd, x in self.listeners.items() if fd not in self.stalled]
        report = self.ledger.close(missing=sum(n for n in behind if n > 0))
        self.say(lost=self.lost, listeners=len(self.listeners), **report)


if __name__ == "__main__":
    try:
        Client().run()
    except KeyboardInterrupt:
        sys.exit(130)
