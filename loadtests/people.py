"""Everybody who takes part in a moderated evening, as locust user classes to be used or subclassed.

`Visitor` (WebSocket), `EventStreamVisitor`, `SlowPhone`, `Window` (a visitor on a partner's site), `Crowd` (many
listeners in one user), `Asker`, `Chatter`, `SmsGateway`, `Moderator`, `Animator` with the scribe's lines. All are
abstract: a scenario subclasses those that it wants, and says who speaks when; `evening_hall.evening` has the judge, the
rooms and the tokens.

A call is timed from when it was meant (`due`), not from when locust came to it. No trio here: see README.md.
"""

from __future__ import annotations

import http.client
import random
import time
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import gevent
from evening_hall import Line, ReportedLoop, evening, new_listener
from evening_judge import Broken
from gevent.queue import Queue
from locust import User, between, constant, tag, task

from fanout.client.comeback import CUT, Ending
from fanout.client.crowd.listener import Ended, Listener
from fanout.client.crowd.loop import source_addresses
from fanout.client.target import Target
from fanout.rehearsal.load.calls import Away, Caller
from fanout.rehearsal.texts import line, question

FOREVER_SECONDS = 86_400.0
"""Who is done waits for the end; a task that returned would be begun again."""


class Person(User):
    """Somebody who calls the server over HTTP. `role` is that of the token; None: a visitor without one."""

    abstract = True
    role: str | None = None
    stage = "stage"

    def on_start(self) -> None:
        self.callers: Queue[Caller] = Queue()

    def call(
        self, name: str, due: float, method: str, path: str, body: object = None, *, expected: tuple[int, ...] = (200,)
    ) -> Any:
        """The answer's JSON, None when it is another than expected; reported under `name`, from `due` on."""
        caller = self.callers.get_nowait() if not self.callers.empty() else self._caller()
        failure: Exception | None = None
        answer, length = None, 0
        try:
            status, answer = caller.call(method, path, body, patience=30)
            if status in expected:
                length = self.weight_of(answer)
            else:
                failure = Broken(f"{status} {answer.get('code') if isinstance(answer, dict) else ''}".strip())
        except Away as away:
            failure = Broken(f"away: {away}")
        self.callers.put(caller)
        self.environment.events.request.fire(
            request_type=method, name=name, response_time=(time.monotonic() - due) * 1000, response_length=length,
            exception=failure, context={},
        )  # fmt: skip
        return None if failure else answer

    def weight_of(self, answer: Any) -> int:
        """What stands as the length of an answer in locust's statistics, which add it up exactly."""
        return 0

    def _caller(self) -> Caller:
        return Caller(Target.parse(str(self.host)), evening.tokens.get(self.role or ""))


# --- who listens ------------------------------------------------------------------------------------------------------


class Listening(User):
    """Somebody with one listener of one room, whom the judge watches. A subclass says over what."""

    abstract = True

    def line(self, target: Target, listener: Listener) -> Line:
        """What carries the listener."""
        raise LookupError("a subclass says which line")

    @tag("visitor")
    @task
    def listen(self) -> None:
        target = Target.parse(str(self.host))
        self.listener = new_listener(target)
        carrying = self.line(target, self.listener)
        evening.lines.add(carrying)
        try:
            carrying.run()
        finally:
            evening.lines.discard(carrying)

    def on_stop(self) -> None:
        evening.judge.listeners.discard(self.listener)


class Visitor(Listening):
    """One person, one WebSocket, one room."""

    abstract = True

    def line(self, target: Target, listener: Listener) -> Line:
        return Line(target, listener)


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


class StreamLine(Line):
    """An event stream, as browsers open one where WebSockets don't pass."""

    def listen(self, began: float) -> None:
        (room,) = self.listener.tracks
        headers = {"Accept": "text/event-stream"}
        if (last := self.listener.position(room)) is not None:
            headers["Last-Event-ID"] = last
        connection = http.client.HTTPConnection(self.target.host, self.target.port, timeout=60)
        connection.request("GET", f"{self.target.prefix}/v1/rooms/{quote(room)}/events", headers=headers)
        self.socket = connection.sock
        answer = connection.getresponse()
        if answer.status != 200:
            raise Ended(Ending(status=answer.status, reason="event stream refused"))
        self.listener.open_stream(time.monotonic())
        evening.judge.welcomed(self.listener, time.monotonic() - began)
        while written := answer.readline():
            if written.startswith(b"data: "):
                self.listener.receive_event(written[6:].rstrip(b"\r\n"), time.monotonic())
                evening.judge.observed(evening.judge.tally.flush(time.monotonic_ns()))
        raise Ended(Ending(CUT, "the stream ended"))


class EventStreamVisitor(Listening):
    """One person, one event stream, one room."""

    abstract = True

    def line(self, target: Target, listener: Listener) -> Line:
        return StreamLine(target, listener)


class Window(EventStreamVisitor):
    """A visitor who reads the talk in a window on a partner's site: its page and script, then the stream."""

    abstract = True

    def on_start(self) -> None:
        room = quote(random.choice(evening.rooms))
        caller = Caller(Target.parse(str(self.host)), None)
        for name, path in (("GET embed page", f"/embed/{room}"), ("GET embed.js", "/embed.js")):
            begun = time.monotonic()
            status, size = caller.fetch(path)
            self.environment.events.request.fire(
                request_type="GET", name=name, response_time=(time.monotonic() - begun) * 1000, response_length=size,
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
        evening.loops.add(loop)
        try:
            loop.run(float("inf"))
        finally:
            evening.loops.discard(loop)
            loop.close()

    def on_stop(self) -> None:
        evening.judge.listeners.difference_update(self.listeners)


# --- who speaks -------------------------------------------------------------------------------------------------------


class Asker(Person):
    """A visitor who asks, and then waits a while."""

    abstract = True
    wait_time = between(20, 60)

    @tag("ask")
    @task
    def ask(self) -> None:
        body = {"text": question(random.randrange(10**9)), "name": "Visitor", "ref": str(random.randrange(10**9))}
        path = f"/v1/rooms/{quote(self.stage)}/submissions"
        self.call("ask", time.monotonic(), "POST", path, body, expected=(202,))


class Chatter(Person):
    """A visitor who talks in an open room (`stage`)."""

    abstract = True
    wait_time = between(5, 20)
    _number = 0

    @tag("chat")
    @task
    def chat(self) -> None:
        self._number += 1
        due = time.monotonic()
        body = {"text": line(self._number, int(due * 1e9)), "name": "Visitor"}
        self.call("chat", due, "POST", f"/v1/rooms/{quote(self.stage)}/submissions", body, expected=(202,))


class SmsGateway(Person):
    """Hands over what is due when it is due, each batch in a greenlet of its own: nothing waits for an answer.

    `batches` yields (seconds since the test began, SMS). The sum of the lengths of `SMS ingest` in locust's statistics
    is the number of SMS that were acknowledged, exactly.
    """

    abstract = True
    role = "gateway"

    def batches(self) -> Any:
        """What is due when."""
        return iter(())

    @tag("sms")
    @task
    def hand_over(self) -> None:
        path, waiting = f"/v1/sms?room={quote(self.stage)}", []
        for at, many in self.batches():
            due = evening.began + at
            gevent.sleep(max(0.0, due - time.monotonic()))
            waiting.append(gevent.spawn(self.call, "SMS ingest", due, "POST", path, many))
        gevent.joinall(waiting)
        gevent.sleep(FOREVER_SECONDS)

    def weight_of(self, answer: Any) -> int:
        return int(answer["accepted"]) + int(answer["repeated"])


class Moderator(Person):
    """Takes the oldest that waits, thinks for `seconds` on average, and decides."""

    abstract = True
    role = "moderator"
    wait_time = constant(0)
    seconds, approves, takes = 8.0, 0.2, "web,sms"

    @tag("staff")
    @task
    def moderate(self) -> None:
        path = f"/v1/rooms/{quote(self.stage)}/submissions?state=held&source={self.takes}&limit=50"
        page = self.call("MOD queue", time.monotonic(), "GET", path)
        found = [each for each in (page or {"submissions": []})["submissions"] if each["id"] not in evening.in_hand]
        if not found:
            gevent.sleep(0.25)
            return
        evening.in_hand.add(found[0]["id"])
        gevent.sleep(random.expovariate(1 / self.seconds))
        action = {"action": "approve" if random.random() < self.approves else "reject"}
        path = f"/v1/submissions/{found[0]['id']}/decisions"
        self.call("MOD decide", time.monotonic(), "POST", path, action, expected=(200, 409))


class Animator(Person):
    """Airs what is approved at its times, and types the answer's lines, each of which carries its intended time."""

    abstract = True
    role = "animator"
    lines = 10

    def times(self) -> list[float]:
        """When questions are due, in seconds since the test began; the last entry is the end of the last answer."""
        return []

    @tag("stage")
    @task
    def play(self) -> None:
        times = self.times()
        for number, (at, until) in enumerate(pairwise(times)):
            gevent.sleep(max(0.0, evening.began + at - time.monotonic()))
            while (aired := self._air()) is None and not self._over(times):
                gevent.sleep(0.1)
            begin = time.monotonic()
            for each in range(self.lines):
                if aired is None or self._over(times):
                    break
                due = begin + (each + 1) * max(0.0, evening.began + until - begin) / (self.lines + 1)
                gevent.sleep(max(0.0, due - time.monotonic()))
                said = {"text": line(number * self.lines + each, int(due * 1e9)), "final": True}
                self.call("STAGE line", due, "PUT", f"/v1/submissions/{aired}/lines/l{each}", said)
        gevent.sleep(FOREVER_SECONDS)

    def _over(self, times: list[float]) -> bool:
        """Nobody speaks after the end: then it can be seen who is behind."""
        return time.monotonic() > evening.began + times[-1]

    def _air(self) -> str | None:
        path = f"/v1/rooms/{quote(self.stage)}/submissions?state=approved&limit=1"
        page = self.call("STAGE next", time.monotonic(), "GET", path)
        if not page or not page["submissions"]:
            return None
        first = str(page["submissions"][0]["id"])
        aired = self.call(
            "STAGE air", time.monotonic(), "POST", f"/v1/submissions/{first}/decisions", {"action": "air"}
        )
        return first if aired else None
