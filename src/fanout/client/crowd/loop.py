"""The crowd's sockets: one selector, no tasks, no threads. It seats listeners at a given rate and brings them back.

The selector is epoll; in locust's process, where gevent has taken epoll away, it is gevent's, and `run` a greenlet.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import random
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from typing import Final

from fanout.client.comeback import CUT, Ending
from fanout.client.crowd.listener import MASK, Ended, Listener
from fanout.client.crowd.reading import OP_TEXT, Heard, masked_frame
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target

READ_BYTES: Final = 256 * 1024
"""Most bytes read from one socket at a time: several catch-up batches of the server, and more than a TLS record, so
that nothing is left decrypted of which no selector tells."""

READS_AT_ONCE: Final = 128
"""Sockets read before the latencies are observed: at some 5 µs each, what they are off by stays under a
millisecond."""

PORTS_PER_ADDRESS: Final = 20_000
"""Connections from one source address to one server: Linux hands out 28,232 ports a pair of addresses
(net.ipv4.ip_local_port_range), and those of former connections wait a minute."""

CONNECT_SECONDS: Final = 10.0
"""How long a connection and its handshake may take before it is given up and tried again."""

AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset, and the port is free again. After an orderly close it would not be
for a minute, and a crowd that comes back has to look for others: of 20,000, five seconds long."""

IP_BIND_ADDRESS_NO_PORT: Final = 24
"""From <linux/in.h>; Python names it from 3.12 on. Without it, bind takes a port that no other address can use."""


class Seat:
    """One socket of one listener. `to_send`: the opening request until the connection stands, then None."""

    __slots__ = ("listener", "since", "sock", "stalled", "to_send")

    def __init__(self, sock: socket.socket, listener: Listener, since: float) -> None:
        self.sock, self.listener, self.since = sock, listener, since
        self.to_send: bytes | None = None
        self.stalled = False


class Loop:
    """Runs listeners against one server until `stopping` is set. A subclass may tell of what happens: see the methods
    that do nothing here.

    Args:
        rate: New connections a second, returns included.
        sources: Source addresses to take turns with; empty: the kernel's choice.
        arrivals: When each listener means to come, in seconds of the monotonic clock; None: as `rate` lets them. With
            it, a connection takes its time from when it was meant to be begun.
    """

    def __init__(
        self,
        target: Target,
        listeners: Sequence[Listener],
        tally: Tally,
        *,
        rate: float,
        sources: Sequence[str] = (),
        arrivals: Sequence[float] | None = None,
    ) -> None:
        self.listeners = listeners
        self._tally, self._rate = tally, rate
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)[0]
        self._family, self._address = found[0], found[4]
        self._sources = itertools.cycle(sources) if sources else None
        self._host = target.host
        self._tls = ssl.create_default_context() if target.secure else None
        self._selector = selectors.DefaultSelector()
        self._seats: dict[int, Seat] = {}
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._order = itertools.count()
        self._seated: dict[Listener, Seat] = {}
        self._punctual = arrivals is not None
        due = itertools.repeat(0.0, len(listeners)) if arrivals is None else arrivals
        self._coming = [(at, next(self._order), listener) for at, listener in zip(due, listeners, strict=True)]
        heapq.heapify(self._coming)
        self._next_second = time.monotonic() + 1
        self.stopping = False
        """Set it (from a signal handler, another greenlet) to have `run` return within a second."""
        self.cut_wanted = 0.0
        """Set it to the share of all connections that are to be broken from this side within a second."""

    def second_passed(self) -> None:
        """About a second has passed since the last time."""

    def welcomed(self, listener: Listener, seconds: float) -> None:
        """A listener has its welcome, so long after its connection was begun."""

    def line_ended(self, listener: Listener, ending: Ending) -> None:
        """A connection ended, or never stood."""

    def observed(self, latencies: list[tuple[float, int, str]]) -> None:
        """Live deliveries: (seconds, listeners, room) each."""

    def answered(self, answer: Heard, now: float) -> None:
        """A listener was told what became of something that it said."""

    @property
    def connected(self) -> int:
        """Sockets that are open or opening."""
        return len(self._seats)

    @property
    def waiting(self) -> int:
        """Listeners that will connect, for the first time or again."""
        return len(self._coming)

    def run(self, until: float) -> None:
        """Work until `until` of the monotonic clock, or until `stopping` is set."""
        allowance, filled_at = 0.0, time.monotonic()
        while not self.stopping and (now := time.monotonic()) < until:
            allowance = min(allowance + (now - filled_at) * self._rate, max(self._rate / 10, 1.0))
            filled_at = now
            while allowance >= 1 and self._coming and self._coming[0][0] <= now:
                allowance -= 1
                due, _, listener = heapq.heappop(self._coming)
                self._connect(listener, due if self._punctual else now)
            if self.cut_wanted:
                self.cut(self.cut_wanted)
                self.cut_wanted = 0.0
            if now >= self._next_second:
                self._next_second = max(self._next_second + 1, now)
                self._cut_the_silent(now)
                self.second_passed()
            self._work(min(self._timeout(now, allowance), until - now))

    def cut(self, share: float = 1.0) -> None:
        """Break so many of the connections from this side, as a network that fails: no close frame, and everybody comes
        back."""
        for seat in random.sample(list(self._seats.values()), round(share * len(self._seats))):
            self._cut(seat)

    def cut_one(self, listener: Listener) -> None:
        """Break this one's connection, as somebody does who reloads a page or drives into a tunnel."""
        if (seat := self._seated.get(listener)) is not None:
            self._cut(seat)

    def say(self, listener: Listener, command: bytes) -> None:
        """Send a command (JSON) on this one's connection, if it is live."""
        seat = self._seated.get(listener)
        if seat is not None and listener.live:
            self._send(seat, masked_frame(OP_TEXT, command, MASK))

    def stall(self, listener: Listener) -> None:
        """Stop reading this one's socket, as a telephone does that its owner has put away."""
        seat = self._seated.get(listener)
        if seat is not None and listener.live and not seat.stalled:
            seat.stalled = True
            self._selector.unregister(seat.sock)

    def read_on(self, listener: Listener) -> None:
        """Read it again. What was sent meanwhile counts as caught up with, not as late."""
        seat = self._seated.get(listener)
        if seat is not None and seat.stalled:
            seat.stalled = False
            listener.attentive_from(time.monotonic_ns())
            listener.heard_at = time.monotonic()
            self._selector.register(seat.sock, selectors.EVENT_READ, seat)

    def close(self) -> None:
        """Say goodbye to the server on every connection and let go of all."""
        for seat in self._seats.values():
            if seat.listener.live:
                self._send(seat, seat.listener.closing())
            seat.sock.close()
        self._seats.clear()
        self._selector.close()

    def _timeout(self, now: float, allowance: float) -> float:
        wait = self._next_second - now
        if self._coming:
            due = max(self._coming[0][0] - now, (1 - allowance) / self._rate)
            wait = min(wait, due)
        return max(wait, 0.0)

    def _work(self, timeout: float) -> None:
        for number, (key, _) in enumerate(self._selector.select(timeout), start=1):
            seat = self._seats.get(key.fd)
            if seat is None or seat is not key.data:
                continue  # ended by what was done for an earlier event of this round
            if seat.to_send is not None:
                self._opened(seat)
            else:
                self._read(seat)
            if number % READS_AT_ONCE == 0:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        latencies = self._tally.flush(time.monotonic_ns())
        if latencies:
            self.observed(latencies)

    def _connect(self, listener: Listener, now: float) -> None:
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        sock.setblocking(False)
        seat = Seat(sock, listener, now)
        seat.to_send = listener.opening()
        self._seats[sock.fileno()] = self._seated[listener] = seat
        self._selector.register(sock, selectors.EVENT_WRITE, seat)
        try:
            if self._sources is not None:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((next(self._sources), 0))
            problem = sock.connect_ex(self._address)
        except OSError as error:
            problem = error.errno or errno.EIO
        if problem not in (0, errno.EINPROGRESS):
            self._end(seat, Ending(CUT, f"connect: {errno.errorcode.get(problem, problem)}"))

    def _opened(self, seat: Seat) -> None:
        problem = seat.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self._end(seat, Ending(CUT, f"connect: {errno.errorcode.get(problem, problem)}"))
            return
        if self._tls is not None and not self._is_secured(seat, self._tls):
            return
        request, seat.to_send = seat.to_send, None
        self._selector.modify(seat.sock, selectors.EVENT_READ, seat)
        assert request is not None
        self._send(seat, request)

    def _is_secured(self, seat: Seat, context: ssl.SSLContext) -> bool:
        """Go on with the TLS handshake as far as it goes now."""
        try:
            if not isinstance(seat.sock, ssl.SSLSocket):
                seat.sock = context.wrap_socket(seat.sock, do_handshake_on_connect=False, server_hostname=self._host)
            seat.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(seat.sock, selectors.EVENT_READ, seat)
        except ssl.SSLWantWriteError:
            self._selector.modify(seat.sock, selectors.EVENT_WRITE, seat)
        except OSError as error:
            self._end(seat, Ending(CUT, f"TLS: {getattr(error, 'reason', None) or error}"))
        else:
            return True
        return False

    def _send(self, seat: Seat, payload: bytes) -> None:
        """Short sends into an empty buffer are whole; one that is not will show as an ending of the connection."""
        try:
            seat.sock.send(payload)
        except OSError as error:
            if error.errno != errno.EAGAIN and seat.sock.fileno() in self._seats:
                self._end(seat, Ending(CUT, f"send: {errno.errorcode.get(error.errno or 0, error)}"))

    def _read(self, seat: Seat) -> None:
        try:
            count = seat.sock.recv_into(self._buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._end(seat, Ending(CUT, f"read: {errno.errorcode.get(error.errno or 0, error)}"))
            return
        if not count:
            self._end(seat, Ending(CUT, "the server closed without a word"))
            return
        was_live = seat.listener.live
        now = time.monotonic()
        try:
            reply = seat.listener.receive(bytes(self._buffer[:count]), now)
        except Ended as ended:
            self._end(seat, ended.ending)
            return
        if seat.listener.live and not was_live:
            self.welcomed(seat.listener, now - seat.since)
        if self._tally.answers:
            answers, self._tally.answers = self._tally.answers, []
            for answer in answers:
                self.answered(answer, now)
        if reply:
            self._send(seat, reply)

    def _cut(self, seat: Seat) -> None:
        seat.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._end(seat, Ending(CUT, "cut by the crowd"))

    def _end(self, seat: Seat, ending: Ending) -> None:
        del self._seats[seat.sock.fileno()], self._seated[seat.listener]
        if not seat.stalled:
            self._selector.unregister(seat.sock)
        seat.sock.close()
        self.line_ended(seat.listener, ending)
        wait = seat.listener.wait_seconds(ending, random.random())  # jitter, not a secret
        if wait is not None:
            heapq.heappush(self._coming, (time.monotonic() + wait, next(self._order), seat.listener))

    def _cut_the_silent(self, now: float) -> None:
        for seat in list(self._seats.values()):
            listener = seat.listener
            if seat.stalled:
                continue
            if listener.live:
                if now - listener.heard_at > listener.silence_seconds:
                    self._end(seat, Ending(CUT, "silent for two heartbeats"))
            elif now - seat.since > CONNECT_SECONDS:
                self._end(seat, Ending(CUT, "no welcome in time"))


def source_addresses(target: Target, listeners: int, at_least: int = 1, number: int = 0) -> list[str]:
    """Addresses to connect from, so that ports suffice: all of 127.0.0.0/8 is ours; elsewhere the kernel chooses.
    `number`: which of several processes with as many listeners this is, for each has its own."""
    address = str(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)[0][4][0])
    if not address.startswith("127."):
        return []
    wanted = max(at_least, -(-listeners // PORTS_PER_ADDRESS))
    mine = range(number * wanted, (number + 1) * wanted)
    return [f"127.0.{1 + each // 250}.{1 + each % 250}" for each in mine]
