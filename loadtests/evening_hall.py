"""What the users of one locust process share, and the sockets that they listen on."""

from __future__ import annotations

import random
import socket
import ssl
import time
from typing import Any, Final

import gevent
from evening_judge import Judge
from evening_server import OwnServer

from fanout.client.comeback import CUT, Ending
from fanout.client.crowd.listener import Ended, Listener
from fanout.client.crowd.loop import CONNECT_SECONDS, Loop
from fanout.client.target import Target

BREAK: Final = "break"
CLOSE: Final = "close"
"""Phases in which something else happens than listening and publishing."""


class Evening:
    """What the users of this process share: the options, the judge, the phase, and the server if it is ours."""

    judge: Judge

    def __init__(self) -> None:
        self.phase = ""
        self.unreachable = False
        self.server: OwnServer | None = None
        self.token: str | None = None
        self.rooms: tuple[str, ...] = ()
        self.loops: set[Loop] = set()
        self.lines: set[Line] = set()
        self.listening: set[Any] = set()
        """Users with one listener each; what they have heard is asked for at the end."""
        self.tokens: dict[str, str] = {}
        self.in_hand: set[str] = set()
        self.began = 0.0


evening = Evening()


class Line:
    """One listener with a socket and a greenlet of its own, as one visitor's browser has."""

    def __init__(self, target: Target, listener: Listener) -> None:
        self.target, self.listener = target, listener
        self.socket: socket.socket | None = None

    def run(self) -> None:
        """Connect, listen, come back, for ever."""
        while True:
            began = time.monotonic()
            try:
                self.listen(began)
            except Ended as ended:
                ending = ended.ending
            except OSError as error:
                ending = Ending(CUT, f"{type(error).__name__}: {error}")
            finally:
                if self.socket is not None:
                    self.socket.close()
            evening.judge.line_ended(self.listener, ending)
            wait = self.listener.wait_seconds(ending, random.random())
            if wait is None:
                return
            gevent.sleep(wait)

    def listen(self, began: float) -> None:
        """One connection, from its opening to its end.

        Raises:
            Ended, OSError: It is over.
        """
        judge = evening.judge
        self.socket = sock = socket.create_connection((self.target.host, self.target.port), CONNECT_SECONDS)
        if self.target.secure:
            self.socket = sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.target.host)
        sock.sendall(self.listener.opening())
        while chunk := sock.recv(65536):
            was_live = self.listener.live
            reply = self.heard(chunk)
            if self.listener.live and not was_live:
                sock.settimeout(self.listener.silence_seconds)
                judge.welcomed(self.listener, time.monotonic() - began)
            judge.observed(judge.tally.flush(time.monotonic_ns()))
            if reply:
                sock.sendall(reply)
        raise Ended(Ending(CUT, "the server closed without a word"))

    def heard(self, chunk: bytes) -> bytes:
        """Take what arrived; what to send back."""
        return self.listener.receive(chunk, time.monotonic())

    def cut(self) -> None:
        """Break the connection, as a network that fails."""
        if self.socket is not None:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it was not connected


class ReportedLoop(Loop):
    """A crowd's loop that tells the judge."""

    def play(self) -> None:
        """Run, as one that the evening can cut, until the user's greenlet is ended."""
        evening.loops.add(self)
        try:
            self.run(float("inf"))
        finally:
            evening.loops.discard(self)
            self.close()

    def welcomed(self, listener: Listener, seconds: float) -> None:
        evening.judge.welcomed(listener, seconds)

    def line_ended(self, listener: Listener, ending: Ending) -> None:
        evening.judge.line_ended(listener, ending)

    def observed(self, latencies: list[tuple[float, int, str]]) -> None:
        evening.judge.observed(latencies)

    def second_passed(self) -> None:
        evening.judge.tell_faults()


def new_listener(target: Target, kind: type[Listener] = Listener) -> Listener:
    """One more listener, in the next of the rooms."""
    judge = evening.judge
    room = evening.rooms[len(judge.listeners) % len(evening.rooms)]
    listener = kind(target, [room], judge.tally, judge.readings)
    judge.listeners.add(listener)
    return listener
