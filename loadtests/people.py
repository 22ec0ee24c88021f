"""Everybody who takes part in a moderated evening, as locust user classes to be used or subclassed.

Who listens is in `people_listening`: `Visitor` (WebSocket), `EventStreamVisitor`, `SlowPhone`, `Window` (a visitor on a
partner's site), `Crowd` (many listeners in one user). Who speaks is here: `Asker`, `Chatter`, `SmsGateway`,
`Moderator`, `Animator`, `Scribe`, `Voice`. All are abstract: a scenario subclasses those that it wants, and says who
speaks when; `evening_hall.evening` has the judge, the rooms and the tokens.

A call is timed from when it was meant (`due`), not from when locust came to it. No trio here: see README.md.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import gevent
from evening_hall import evening
from evening_judge import Broken
from gevent.queue import Queue
from locust import User, between, constant, tag, task
from people_listening import Crowd, EventStreamVisitor, SlowPhone, Visitor, Window

from fanout.client.target import Target
from fanout.rehearsal.load.calls import Away, Caller
from fanout.rehearsal.texts import line, question

__all__ = [
    "Animator", "Asker", "Chatter", "Crowd", "EventStreamVisitor", "Moderator", "Scribe", "SlowPhone", "SmsGateway",
    "Visitor", "Voice", "Window",
]  # fmt: skip

FOREVER_SECONDS = 86_400.0
"""Who is done waits for the end; a task that returned would be begun again."""


class Person(User):
    """Somebody who calls the server over HTTP. `role` is that of the token; None: a visitor, who gets one of their own,
    as a browser does."""

    abstract = True
    role: str | None = None
    stage = "stage"

    def on_start(self) -> None:
        self.callers: Queue[Caller] = Queue()
        self.token = evening.tokens[self.role] if self.role else None
        if self.token is None:
            identity = self.call("visitor", time.monotonic(), "POST", "/v1/visitors", {}, expected=(201,))
            self.token = identity and identity["token"]
            self.callers.get()

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

    def meant(self) -> float:
        """When what is done now was meant to be done: now, unless a subclass knows better."""
        return time.monotonic()

    def weight_of(self, answer: Any) -> int:
        """What stands as the length of an answer in locust's statistics, which add it up exactly."""
        return 0

    def _caller(self) -> Caller:
        return Caller(Target.parse(str(self.host)), self.token)


class Asker(Person):
    """A visitor who asks, and then waits a while."""

    abstract = True
    wait_time = between(20, 60)

    @tag("ask")
    @task
    def ask(self) -> None:
        body = {"text": question(random.randrange(10**9)), "name": "Visitor", "ref": str(random.randrange(10**9))}
        path = f"/v1/rooms/{quote(self.stage)}/submissions"
        self.call("ask", self.meant(), "POST", path, body, expected=(202,))


class Chatter(Person):
    """A visitor who talks in an open room (`stage`)."""

    abstract = True
    wait_time = between(5, 20)
    _number = 0

    @tag("chat")
    @task
    def chat(self) -> None:
        self._number += 1
        due = self.meant()
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


class Programmed(Person):
    """Somebody who does something at the times of a programme."""

    abstract = True
    wait_time = constant(0)

    def times(self) -> list[float]:
        """When something is due, in seconds since the test began; the last entry is the end of the last of it."""
        return []

    def due(self) -> Iterator[float]:
        """Each of these times as it comes, on the monotonic clock; the end is none."""
        for at in self.times()[:-1]:
            gevent.sleep(max(0.0, evening.began + at - time.monotonic()))
            yield evening.began + at

    def until(self) -> float:
        """The next of these times, or the last."""
        now, times = time.monotonic() - evening.began, self.times()
        return evening.began + next((at for at in times if at > now), times[-1])

    @property
    def over(self) -> bool:
        """Nobody speaks after the end: then it can be seen who is behind."""
        return time.monotonic() > evening.began + self.times()[-1]


class Animator(Programmed):
    """Airs the oldest that is approved when a question is due; waits for one if there is none."""

    abstract = True
    role = "animator"

    @tag("stage")
    @task
    def play(self) -> None:
        for _ in self.due():
            while not self.air() and not self.over:
                gevent.sleep(0.1)
        gevent.sleep(FOREVER_SECONDS)

    def air(self) -> bool:
        """Whether there was a question, and it is on the air."""
        path = f"/v1/rooms/{quote(self.stage)}/submissions?state=approved&limit=1"
        page = self.call("STAGE next", time.monotonic(), "GET", path)
        if not page or not page["submissions"]:
            return False
        path = f"/v1/submissions/{page['submissions'][0]['id']}/decisions"
        return (
            self.call("STAGE air", time.monotonic(), "POST", path, {"action": "air"}, expected=(200, 409)) is not None
        )


class Scribe(Programmed):
    """Types the answer to what is on the air, `lines` of it, evenly until the next question is due; each line carries
    the time at which it was meant."""

    abstract = True
    role = "scribe"
    lines = 10
    _number = 0
    _after = ""

    @tag("scribe")
    @task
    def answer(self) -> None:
        submission = self.asked_last()
        if submission is None:
            gevent.sleep(0.1)
            return
        path = f"/v1/submissions/{submission}/lines"
        begin, end = time.monotonic(), self.until()
        for each in range(self.lines):
            due = begin + (each + 1) * max(0.0, end - begin) / (self.lines + 1)
            gevent.sleep(max(0.0, due - time.monotonic()))
            if self.over:
                gevent.sleep(FOREVER_SECONDS)
            self._number += 1
            said = {"text": line(self._number, int(due * 1e9)), "final": True}
            self.call("SCRIBE line", due, "PUT", f"{path}/l{each}", said)

    def asked_last(self) -> str | None:
        """The last question that went on the air since the last look; None if there was none."""
        path = f"/v1/rooms/{quote(self.stage)}/messages?limit=1000{self._after}"
        page = self.call("SCRIBE next", time.monotonic(), "GET", path) or {"messages": [], "next": None}
        self._after = f"&after={page['next']}" if page["next"] else self._after
        asked = [each["data"]["submission"] for each in page["messages"] if each.get("kind") == "question"]
        return asked[-1] if asked else None


class Voice(Programmed):
    """Announces something at its times, whatever the server does, each in a greenlet of its own."""

    abstract = True
    role = "publisher"

    @tag("stage")
    @task
    def speak(self) -> None:
        path = f"/v1/rooms/{quote(self.stage)}/messages"
        for number, due in enumerate(self.due()):
            said = {"text": line(number, int(due * 1e9))}
            gevent.spawn(self.call, "VOICE", due, "POST", path, said, expected=(201,))
        gevent.sleep(FOREVER_SECONDS)
