"""What the users of one locust process share, and the sockets that they listen on."""

from __future__ import annotations

import random
import socket
import time
from typing import Final

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


evening = Evening()


class Line:
    """One listener with a socket and a greenlet of its own, as one visitor's browser has."""

    def __init__(self, target: Target, listener: Listener) -> None:
        self._target, self._listener = target, listener
        self._socket: socket.socket | None = None

    def run(self) -> None:
        """Connect, listen, come back, for ever."""
        while True:
            began = time.monotonic()
            try:
                self._socket = socket.create_connection((self._target.host, self._target.port), CONNECT_SECONDS)
                self._socket.sendall(self._listener.opening())
                self._listen(self._socket, began)
            except Ended as ended:
                ending = ended.ending
            except OSError as error:
                ending = Ending(CUT, f"{type(error).__name__}: {error}")
            finally:
                if self._socket is not None:
                    self._socket.close()
            evening.judge.line_ended(self._listener, ending)
            wait = self._listener.wait_seconds(ending, random.random())
            if wait is None:
                return
            gevent.sleep(wait)

    def _listen(self, sock: socket.socket, began: float) -> None:
        judge = evening.judge
        while chunk := sock.recv(65536):
            was_live = self._listener.live
            reply = self._listener.receive(chunk, time.monotonic())
            if self._listener.live and not was_live:
                sock.settimeout(self._listener.silence_seconds)
                judge.welcomed(self._listener, time.monotonic() - began)
            judge.observed(judge.tally.flush(time.monotonic_ns()))
            if reply:
                sock.sendall(reply)
        raise Ended(Ending(CUT, "the server closed without a word"))

    def cut(self) -> None:
        """Break the connection, as a network that fails."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it was not connected


class ReportedLoop(Loop):
    """A crowd's loop that tells the judge."""

    def welcomed(self, listener: Listener, seconds: float) -> None:
        evening.judge.welcomed(listener, seconds)

    def line_ended(self, listener: Listener, ending: Ending) -> None:
        evening.judge.line_ended(listener, ending)

    def observed(self, latencies: list[tuple[float, int, str]]) -> None:
        evening.judge.observed(latencies)

    def second_passed(self) -> None:
        evening.judge.tell_faults()


def new_listener(target: Target) -> Listener:
    """One more listener, in the next of the rooms."""
    judge = evening.judge
    room = evening.rooms[len(judge.listeners) % len(evening.rooms)]
    listener = Listener(target, [room], judge.tally, judge.readings)
    judge.listeners.add(listener)
    return listener
