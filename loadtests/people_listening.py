"""Everybody who listens, as locust user classes: over WebSockets or event streams, slowly, in windows, in crowds.

All are abstract, and the judge watches each of them: what they hear is checked position by position.
"""

from __future__ import annotations

import random
import time
from urllib.parse import quote

import gevent
from evening_hall import Line, ReportedLoop, evening, new_listener
from evening_judge import Broken
from locust import User, tag, task

from fanout.client.crowd.listener import Listener
from fanout.client.crowd.loop import source_addresses
from fanout.client.crowd.stream import StreamListener
from fanout.client.target import Target
from fanout.rehearsal.load.calls import Caller


class Listening(User):
    """Somebody with one listener of one room, whom the judge watches."""

    abstract = True
    listener_kind: type[Listener] = Listener

    def line(self, target: Target, listener: Listener) -> Line:
        """What carries the listener."""
        return Line(target, listener)

    @tag("visitor")
    @task
    def listen(self) -> None:
        target = Target.parse(str(self.host))
        self.listener = new_listener(target, self.listener_kind)
        carrying = self.line(target, self.listener)
        evening.lines.add(carrying)
        evening.listening.add(self)
        try:
            carrying.run()
        finally:
            evening.lines.discard(carrying)

    def on_stop(self) -> None:
        evening.judge.listeners.discard(self.listener)


class Visitor(Listening):
    """One person, one WebSocket, one room."""

    abstract = True


class SlowLine(Line):
    """Reads, puts the telephone away, and reads on. What comes meanwhile is caught up with, not late."""

    def heard(self, chunk: bytes) -> bytes:
        if self.listener.live:
            gevent.sleep(random.uniform(0.5, 2.0))
        self.listener.attentive_from(time.monotonic_ns())
        return super().heard(chunk)


class SlowPhone(Listening):
    """A telephone that reads now and then. It must miss nothing, and hold up nobody."""

    abstract = True

    def line(self, target: Target, listener: Listener) -> Line:
        return SlowLine(target, listener)


class EventStreamVisitor(Listening):
    """One person, one event stream, one room, as browsers open one where WebSockets don't pass."""

    abstract = True
    listener_kind = StreamListener


class Window(EventStreamVisitor):
    """A visitor who reads the talk in a window on a partner's site: its page and script, then the stream."""

    abstract = True

    def on_start(self) -> None:
        room = quote(random.choice(evening.rooms))
        caller = Caller(Target.parse(str(self.host)), None)
        for name, path in (("GET embed page", f"/embed/{room}"), ("GET embed.js", "/embed.js")):
            begun = time.monotonic()
            status, content = caller.fetch(path)
            self.environment.events.request.fire(
                request_type="GET", name=name,
                response_time=(time.monotonic() - begun) * 1000, response_length=len(content),
                exception=None if status == 200 else Broken(str(status)), context={},
            )  # fmt: skip
        caller.close()


class Crowd(User):
    """Many listeners in one greenlet, for size. `arrivals` are their moments, in seconds since the test began."""

    abstract = True
    sockets = 1000

    def arrivals(self) -> list[float]:
        """When each of them comes; `sockets` of them."""
        return [0.0] * self.sockets

    @tag("crowd")
    @task
    def listen(self) -> None:
        target, arrivals = Target.parse(str(self.host)), self.arrivals()
        self.listeners = [new_listener(target) for _ in arrivals]
        loop = ReportedLoop(
            target, self.listeners, evening.judge.tally, rate=10_000, sources=source_addresses(target, len(arrivals)),
            arrivals=[evening.began + at for at in arrivals],
        )  # fmt: skip
        loop.play()

    def on_stop(self) -> None:
        evening.judge.listeners.difference_update(self.listeners)
