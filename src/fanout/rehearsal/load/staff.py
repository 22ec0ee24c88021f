"""The staff: moderators who take their time, an animator, a scribe, and a voice that announces. One thread each."""

from __future__ import annotations

import math
import queue
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from fanout.client.target import Target
from fanout.rehearsal.load.calls import Away, Caller, code_of
from fanout.rehearsal.load.evidence import Clock, Evidence, say
from fanout.rehearsal.load.flood import ITS_NAME
from fanout.rehearsal.schedule import Span, moments
from fanout.rehearsal.texts import line

LOOKS_AGAIN_SECONDS: Final = 0.25
"""Between two looks into a queue that is empty, in real time."""

LARGE_PAGE: Final = 200
"""Submissions on a page where nobody has to read it."""

MOST_LEFT: Final = 20_000
"""Of what is left of one source at the end, the oldest that are looked at: those that wait longest."""

WAITING: Final = {"web": "wait in minutes", "sms": "SMS wait in minutes"}
"""Where it is kept how long what came by this way waited for a moderator."""

PAGE: Final = 50
"""Submissions on a page of the queue, as the desk shows them."""


class Staff:
    """Everybody who works behind the stage."""

    def __init__(self, orders: dict[str, Any], clock: Clock) -> None:
        self._orders, self._clock = orders, clock
        self._target = Target.parse(orders["url"])
        self._spans = [Span(**span) for span in orders["spans"]]
        self._room, self._before = quote(orders["asks_in"] or ""), orders["before"]
        self.evidence = Evidence()
        self._aired: queue.Queue[tuple[float, float, str] | None] = queue.Queue()
        self._taken: set[str] = set()
        self._in_hand = threading.Lock()
        self._at_work = sum(team["count"] for team in orders["moderators"])
        self._played = threading.Event()
        """The animator has aired whatever there was to air."""
        self.over = threading.Event()
        """The evening's time is over. What is due is still done: whoever is late was kept waiting."""

    def threads(self) -> list[Callable[[], None]]:
        """What each of them does, until the evening is over."""
        does: list[Callable[[], None]] = []
        number = 0
        for team in self._orders["moderators"]:
            for _ in range(team["count"]):
                does.append(self._moderator(team, number))
                number += 1
        if any(span.aired for span in self._spans):
            does += [self._animate, self._take_down]
        if any(span.announcements for span in self._spans):
            does.append(self._announce)
        if self._animate not in does:
            self._played.set()
        return does

    def _caller(self, role: str) -> Caller:
        return Caller(self._target, self._orders["tokens"][role])

    def _act(self, caller: Caller, due: float, method: str, path: str, body: object = None, **more: Any) -> int:
        """One action, timed from when it was meant. Only what was tried twice may have been done already (409)."""
        status, answer = caller.call(method, path, body, **more)
        self.evidence.observe("staff", self._clock.now() - due)
        if caller.put_off:
            self.evidence.count("put off: staff")
        if status == 409 and caller.tried > 1:
            return 200
        if status >= 400:
            self.evidence.count(f"staff refused: {code_of(status, answer)}")
        return status

    def _page(self, caller: Caller, query: str) -> list[dict[str, Any]]:
        """A page of the room's queue: of this run, and empty where it is refused."""
        status, page = caller.call("GET", f"/v1/rooms/{self._room}/submissions?{query}")
        if status == 200:
            return list(page["submissions"])
        self.evidence.count(f"staff refused: {code_of(status, page)}")
        return []

    # --- moderators ---------------------------------------------------------------------------------------------------

    def _moderator(self, team: dict[str, Any], number: int) -> Callable[[], None]:
        def moderate() -> None:
            try:
                self._moderate(team, number)
            finally:
                with self._in_hand:
                    self._at_work -= 1

        return moderate

    def _moderate(self, team: dict[str, Any], number: int) -> None:
        """Decide on one after the other. What was lost in waiting for answers is made up for at the end: how many are
        decided on is to say whether the people are enough, and the answers have times of their own."""
        chance, caller, lost = random.Random(number), self._caller("moderator"), 0.0
        compress = self._orders["compress"]
        mean = math.log(team["seconds"] / compress) - team["spread"] ** 2 / 2  # so that the mean is what was asked
        queue = f"state=held&source={','.join(team['takes'])}&limit={PAGE}&after={self._before}"
        while (begin := self._clock.now()) < self._orders["seconds"] + (lost if self._has_to_stay(team) else 0.0):
            submission = next((each for each in self._page(caller, queue) if self._take(each["id"])), None)
            if submission is None:
                time.sleep(LOOKS_AGAIN_SECONDS)  # at the end too: the last question may still be on its way
                continue
            thinks = chance.lognormvariate(mean, team["spread"])
            if begin + thinks > self._orders["seconds"] + lost:
                return
            time.sleep(thinks)
            good = chance.random() < team["approves"] and not _of_a_flood(submission)
            self._decide(caller, begin + thinks, submission, good)
            lost += self._clock.now() - begin - thinks

    def _has_to_stay(self, team: dict[str, Any]) -> bool:
        """Visitors still wait for a decision, or the animator for something approved. Of SMS, some are always left."""
        return "web" in team["takes"] or not self._played.is_set()

    def _take(self, submission: str) -> bool:
        """Two never look at the same one: as at the desk, what somebody has in hand is not for the others."""
        with self._in_hand:
            if submission in self._taken:
                return False
            self._taken.add(submission)
            return True

    def _decide(self, caller: Caller, due: float, submission: dict[str, Any], good: bool) -> None:
        action = "approve" if good else "reject"
        path = f"/v1/submissions/{submission['id']}/decisions"
        if self._act(caller, due, "POST", path, {"action": action}) == 200:
            self.evidence.count("decided")
            self.evidence.count(f"decided: {'flood' if _of_a_flood(submission) else submission['source']}")
            self._has_waited(submission)

    def look_at_what_is_left(self) -> None:
        """At the end: what nobody has decided on has waited too, and waits on: reckoned as if those before it were
        decided first, at the pace of these moderators."""
        for source in WAITING:
            if teams := [team for team in self._orders["moderators"] if source in team["takes"]]:
                takers = sum(team["count"] / team["seconds"] for team in teams)
                self._look_at(source, 1 / takers / self._orders["compress"])

    def _look_at(self, source: str, each_takes: float) -> None:
        caller, after, ahead = self._caller("moderator"), self._before, 0
        while ahead < MOST_LEFT:
            page = self._page(caller, f"state=held&source={source}&limit={LARGE_PAGE}&after={after}")
            if not page:
                return
            for submission in page:
                ahead += 1
                self._has_waited(submission, ahead * each_takes)
            after = page[-1]["number"]

    def _has_waited(self, submission: dict[str, Any], seconds_more: float = 0.0) -> None:
        if _of_a_flood(submission) or submission["source"] not in WAITING:
            return
        waited = time.time() - datetime.fromisoformat(submission["at"]).timestamp() + seconds_more
        self.evidence.observe(WAITING[submission["source"]], max(0.0, waited / 60))

    # --- the stage ----------------------------------------------------------------------------------------------------

    def _animate(self) -> None:
        """At each question's time air the oldest that is approved; wait for one if there is none. A programme that is
        late is played to its end, as long as there is or may come something to air."""
        caller, free = self._caller("animator"), 0.0
        times = [at for span in self._spans for at in moments(span, span.aired)]
        try:
            for at, until in zip(times, [*times[1:], self._spans[-1].end], strict=True):
                self._clock.sleep_until(at)
                meant = max(at, free)
                aired, due = self._air(caller, meant)
                starved = due - meant
                self.evidence.count("starved_ms", int(starved * 1000) if starved > LOOKS_AGAIN_SECONDS else 0)
                if aired is not None:
                    self.evidence.count("aired")
                    self._aired.put((due, until, aired))
                free = due if starved else free
        finally:
            self._aired.put(None)
            self._played.set()

    def _air(self, caller: Caller, due: float) -> tuple[str | None, float]:
        """Which one went on the air, if any, and from when on it could have."""
        while True:
            may_come = not self.over.is_set() or self._at_work > 0
            if found := self._page(caller, f"state=approved&limit=1&after={self._before}"):
                first = str(found[0]["id"])
                path = f"/v1/submissions/{first}/decisions"
                if self._act(caller, due, "POST", path, {"action": "air"}) == 200:
                    return first, due
            else:
                due = self._clock.now()
            if not may_come:
                return None, due
            time.sleep(LOOKS_AGAIN_SECONDS / 5)

    def _take_down(self) -> None:
        """The lines of each answer, evenly until the next question; each carries the time at which it was meant."""
        caller, lines, length = self._caller("scribe"), self._orders["answer_lines"], self._orders["bytes"]
        number = 0
        while (question := self._aired.get()) is not None:
            begin, until, submission = question
            for each in range(lines):
                due = begin + (each + 1) * max(0.0, until - begin) / (lines + 1)
                self._clock.sleep_until(due)
                text = line(number, self._clock.due_ns(max(due, begin)), length)
                path = f"/v1/submissions/{submission}/lines/l{each}"
                if self._act(caller, due, "PUT", path, {"text": text, "final": True}) < 400:
                    self.evidence.count("lines")
                number += 1

    def _announce(self) -> None:
        """One voice at its times, whatever the server does."""
        caller, length = self._caller("publisher"), self._orders["bytes"]
        path = f"/v1/rooms/{quote(self._orders['speaks_in'])}/messages"
        times = [at for span in self._spans for at in moments(span, span.announcements)]
        for number, at in enumerate(times):
            self._clock.sleep_until(at)
            said = {"text": line(number, self._clock.due_ns(at), length)}
            key = f"{self._orders['run']}-{number}"
            if self._act(caller, at, "POST", path, said, key=key) == 201:
                self.evidence.count("announced")


def _of_a_flood(submission: dict[str, Any]) -> bool:
    """It takes a moderator's time, and is no visitor's question."""
    return bool(submission["source"] == "web" and submission["name"] == ITS_NAME)


def play(orders: dict[str, Any], clock: Clock) -> None:
    """Work until the evening is over, and say every second what was done."""
    staff = Staff(orders, clock)
    faults: list[str] = []
    unanswered: list[str] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Away as away:
            unanswered.append(str(away))
            staff.evidence.count("staff given up")
        except Exception as failed:  # whatever it is, somebody of the evening is missing
            faults.append(f"the staff: {failed!r}")
            staff.evidence.count("staff gave up")

    workers = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in staff.threads()]
    for worker in workers:
        worker.start()
    end = orders["seconds"] + orders["settle"]
    while (now := clock.now()) < end and (now < orders["seconds"] or any(each.is_alive() for each in workers)):
        clock.sleep_until(wanted := now + min(1.0, max(0.1, orders["seconds"] - now)))
        staff.evidence.late(clock.now() - wanted)
        say({"type": "second", "t": round(clock.now(), 3), **staff.evidence.taken()})
        if clock.now() >= orders["seconds"]:
            staff.over.set()
    guarded(staff.look_at_what_is_left)
    say(
        {
            "type": "last",
            "t": round(clock.now(), 3),
            **staff.evidence.taken(),
            "faults": faults,
            "unanswered": unanswered,
        }
    )
