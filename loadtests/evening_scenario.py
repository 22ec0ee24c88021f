"""A scenario of `fanout rehearse` as locust plays it: how many of whom there are, and when each of them is due."""

from __future__ import annotations

import itertools
import random
import secrets
import time
from collections.abc import Iterator
from typing import Any

import gevent
import people
from evening_hall import evening
from evening_judge import Judge
from locust import User
from locust.env import Environment

from fanout.rehearsal.counting import Counting
from fanout.rehearsal.house import House
from fanout.rehearsal.load.telephones import telephone
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import asks_the_same, make_schedule, moments, sender
from fanout.rehearsal.texts import question

INDIVIDUALS = 40
"""Visitors with a user of their own, as far as there are so many; the others sit in `Hall`s."""
BATCH = 10
ASKERS, TALKERS = 20, 50
"""Users who ask and who talk, at most, each with an identity; what is planned is shared among them."""


class Plan:
    """The scenario, worked out by the options; the same in each process."""

    def read(self, environment: Environment) -> None:
        options = environment.parsed_options
        scenario = read_scenario(find_scenario(options.scenario)[1])
        self.scenario, self.schedule = scenario, make_schedule(scenario, scale=options.scale, compress=options.compress)
        self.house: House | None = None
        self.counting: Counting | None = None
        totals, visitors = self.schedule.totals, self.schedule.totals.visitors
        individuals = min(INDIVIDUALS, visitors)
        Hall.fixed_count = -(-(visitors - individuals) // Hall.sockets)
        if Hall.fixed_count:
            Hall.sockets = -(-(visitors - individuals) // Hall.fixed_count)
        self.individuals = individuals
        self.teams = itertools.cycle([team for team in scenario.moderators for _ in range(team.count)])
        self.open = [name for each in scenario.rooms if each.mode == "open" for name in each.names()]
        Staff.fixed_count = sum(team.count for team in scenario.moderators)
        Stage.fixed_count = Typing.fixed_count = int(totals.aired > 0)
        Typing.lines = totals.answer_lines
        Announcing.fixed_count = int(totals.announcements > 0)
        Announcing.stage = scenario.speaks_in or ""
        Asking.fixed_count = min(ASKERS, totals.web_questions)
        Talking.fixed_count = min(TALKERS, totals.chat_messages)
        Phones.fixed_count = int(totals.sms_messages > 0)
        self.run = secrets.token_hex(4)
        people.Person.stage = scenario.asks_in or ""
        limits = [each.at_most for each in scenario.objectives if each.measure == "delivery_p99_ms" and each.at_most]
        evening.judge = Judge(environment, p99_seconds=(options.p99_ms or min(limits, default=500)) / 1000,
                              late_seconds=2.0)  # fmt: skip
        evening.rooms = tuple(name for each in scenario.rooms if each.listeners for name in each.names())

    def plays(self, each: type[User], options: Any) -> bool:
        """Whether the scenario has somebody of this class, and the tags leave them something to do."""
        tags = {tag for task in each.tasks for tag in getattr(task, "locust_tag_set", ())}
        if (options.tags and not tags & {*options.tags}) or tags & {*(options.exclude_tags or ())}:
            return False
        return each in (Web, Stream, Telephone, Partner) or each.fixed_count > 0

    def moments(self, kind: str) -> list[float]:
        """When each of a kind is due, in seconds since the test began."""
        return [at for span in self.schedule.spans for at in moments(span, getattr(span, kind))]


plan = Plan()


class Web(people.Visitor):
    weight = 6


class Stream(people.EventStreamVisitor):
    weight = 2


class Telephone(people.SlowPhone):
    weight = 1


class Partner(people.Window):
    weight = 1


class Hall(people.Crowd):
    """The rest of the audience, who come when the scenario says."""

    fixed_count = 0
    sockets = 2000

    def arrivals(self) -> list[float]:
        every = plan.moments("arrivals")
        step = len(every) / self.sockets
        return [every[int(number * step)] for number in range(self.sockets)]


class OnTime:
    """Says something when the scenario has it due: with all others of the class as often as planned."""

    kind: str
    fixed_count = 0

    def on_start(self) -> None:
        super().on_start()  # type: ignore[misc]
        self._times = iter(plan.moments(self.kind)[random.randrange(self.fixed_count) :: self.fixed_count])
        gevent.sleep(self.wait_time())

    def meant(self) -> float:
        return self._due

    def wait_time(self) -> float:
        self._due = evening.began + next(self._times, people.FOREVER_SECONDS)
        return max(0.0, self._due - time.monotonic())


class Asking(OnTime, people.Asker):
    kind = "web_questions"


class Talking(OnTime, people.Chatter):
    kind = "chat_messages"

    def on_start(self) -> None:
        self.stage = random.choice(plan.open)
        super().on_start()


class Phones(people.SmsGateway):
    fixed_count = 1

    def batches(self) -> Iterator[tuple[float, list[dict[str, str]]]]:
        totals, number = plan.schedule.totals, 0
        for span in plan.schedule.spans:
            for first in range(0, span.sms, BATCH):
                count = min(BATCH, span.sms - first)
                at = span.begin + (first + count) * (span.end - span.begin) / span.sms
                yield at, [self._sms(number + each, totals) for each in range(count)]
                number += count

    def _sms(self, number: int, totals: Any) -> dict[str, str]:
        same = asks_the_same(number, totals.sms_messages, totals.sms_people, totals.sms_same)
        who = sender(number, totals.sms_messages, totals.sms_people)
        text = totals.sms_same_text if same else question(number % 5000)
        return {"id": f"{plan.run}-{number}", "from": telephone(plan.run, who), "text": text}


class Staff(people.Moderator):
    def on_start(self) -> None:
        super().on_start()
        team = next(plan.teams)
        self.seconds, self.approves = team.seconds / plan.schedule.compress, team.approves
        self.takes = ",".join(team.takes)


class Programme(people.Programmed):
    abstract = True
    kind = "aired"

    def times(self) -> list[float]:
        return [*plan.moments(self.kind), plan.schedule.seconds]


class Stage(Programme, people.Animator):
    pass


class Typing(Programme, people.Scribe):
    pass


class Announcing(Programme, people.Voice):
    kind = "announcements"
