"""The moderators' desk, reckoned without a server: how long questions wait when so many come and so many decide.

For a plan, and for a rehearsal at a scale: people can't be made smaller as their audience can.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from fanout.rehearsal.scenario import Scenario
from fanout.rehearsal.schedule import Span, make_schedule, moments

LOOKED_AT: Final = 2_000
"""Of the questions that are left at the end, how many waits are reckoned, at most: evenly, each for its neighbours."""

KINDS: Final = {"web": "web_questions", "sms": "sms"}
"""What a source's questions are called in a phase. Those of the API are there when the doors open."""


@dataclass(frozen=True, slots=True)
class Waits:
    """One source: how many came and were decided on; how long half and 95 of 100 waited, those left included."""

    come: int
    decided: int
    half_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Desk:
    """What becomes of the whole event's questions. Sources of which nothing comes are not there."""

    waits: Mapping[str, Waits]
    aired: int
    starved_s: float


class _Line:
    """A source's questions, in the order in which they come."""

    def __init__(self, counts: Sequence[tuple[Span, int]]) -> None:
        self._counts = [(span, count) for span, count in counts if count]
        self._before = [0, *accumulate(count for _, count in self._counts)]
        self._in = 0
        self.count = self._before[-1]
        self.taken = 0
        self.decided: list[float] = []
        self.in_hand: list[float] = []

    def next_at(self) -> float:
        """When the next one comes that nobody has taken."""
        while self.taken >= self._before[self._in + 1]:
            self._in += 1
        return self._at(self._in, self.taken)

    def _at(self, part: int, number: int) -> float:
        span, count = self._counts[part]
        return span.begin + (number - self._before[part] + 0.5) * (span.end - span.begin) / count

    def waits(self, end: float, each_takes: float) -> Waits:
        """What is left waits on after the end, as if what came before it were decided first."""
        step = max(1, (self.count - self.taken) // LOOKED_AT)
        found = [(wait, 1) for wait in self.decided]
        found += [(end - at + (place + 1) * each_takes, 1) for place, at in enumerate(sorted(self.in_hand))]
        for part, (begin, stop) in enumerate(zip(self._before, self._before[1:], strict=False)):
            for number in range(max(begin, self.taken), stop, step):
                ahead = len(self.in_hand) + number - self.taken + 1
                found.append((end - self._at(part, number) + ahead * each_takes, min(step, stop - number)))
        found.sort()
        return Waits(self.count, len(self.decided), _quantile(found, 0.5), _quantile(found, 0.95))


def reckon(scenario: Scenario) -> Desk | None:
    """Whoever is free takes the oldest that is theirs to take, thinks, and decides. None where there is no moderator.

    It is the evening that `fanout rehearse` plays at full size, with the same service times.
    """
    if not scenario.moderators:
        return None
    schedule = make_schedule(scenario)
    spans, end = schedule.spans, schedule.seconds
    lines = {source: _Line([(span, getattr(span, kind)) for span in spans]) for source, kind in KINDS.items()}
    lines["api"] = _Line([(Span("before", 0.0, 0.0), schedule.totals.advance_questions)])
    members = [team for team in scenario.moderators for _ in range(team.count)]
    chances = [random.Random(number) for number in range(len(members))]
    approved: list[float] = []
    free = [(0.0, number) for number in range(len(members))]
    while free:
        now, number = free[0]
        team, chance = members[number], chances[number]
        open_lines = [lines[source] for source in team.takes if lines[source].taken < lines[source].count]
        if not open_lines:
            heapq.heappop(free)
            continue
        line = min(open_lines, key=_Line.next_at)
        came = line.next_at()
        line.taken += 1
        mean = math.log(team.seconds) - team.spread**2 / 2
        done = max(now, came) + chance.lognormvariate(mean, team.spread)
        if done >= end:
            line.in_hand.append(came)
            heapq.heappop(free)
            continue
        line.decided.append(done - came)
        if chance.random() < team.approves:
            approved.append(done)
        heapq.heapreplace(free, (done, number))
    waits = {source: line.waits(end, _pace(scenario, source)) for source, line in lines.items() if line.count}
    return Desk(waits, *_programme(spans, sorted(approved), end))


def as_measures(desk: Desk) -> dict[str, float]:
    """What can be judged of it, by measure."""
    found: dict[str, float] = {"starved_s": desk.starved_s}
    for source, measure in (("web", "wait_p95_s"), ("sms", "sms_wait_p95_s")):
        if source in desk.waits:
            found[measure] = desk.waits[source].p95_s
    if "web" in desk.waits:
        found["undecided"] = desk.waits["web"].come - desk.waits["web"].decided
    return found


def _pace(scenario: Scenario, source: str) -> float:
    """After how many seconds the next one of this source is decided on, when there is always one; 0 where nobody
    takes any."""
    takers = sum(team.count / team.seconds for team in scenario.moderators if source in team.takes)
    return 1 / takers if takers else 0.0


def _programme(spans: Sequence[Span], approved: Sequence[float], end: float) -> tuple[int, float]:
    """How many are aired, each when it is due or approved, and how long the animator waits in all."""
    due = [at for span in spans for at in moments(span, span.aired)]
    begun = [*approved, *[end] * len(due)]
    return min(len(due), len(approved)), sum(max(0.0, at - when) for when, at in zip(due, begun, strict=False))


def _quantile(found: Sequence[tuple[float, int]], fraction: float) -> float:
    running, wanted = 0, fraction * sum(weight for _, weight in found)
    for value, weight in found:
        running += weight
        if running >= wanted:
            return value
    return 0.0
