"""The evening of 2 June 2004 in locust: twenty rooms, one stage, SMS by the thousand, a break in the middle.

    locust -f loadtests/prime_minister_2004.py --headless --serve --scale 0.01 --compress 30
    locust -f loadtests/prime_minister_2004.py --host http://127.0.0.1:8700 --scale 0.1 --compress 5 --processes 2

Question: does everybody get every line once, in order and in time, and is no SMS lost, although all lines break? The
figures are those of the scenario `prime-minister-2004`; `--scenario` names another file of the same kind. Timed: from
when something was meant to happen. `fanout rehearse` plays the same without locust, larger, and writes a report.
Exit codes: 0 met, 1 missed, 2 usage, 4 unreachable.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import evening_latencies  # noqa: F401  # it has the flag --hdr
import gevent
import people
from evening_hall import evening
from evening_judge import Judge
from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from fanout.errors import ConfigurationError, InvalidInput
from fanout.rehearsal.house import House, OwnServer, Unreachable
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import asks_the_same, make_schedule, moments, sender
from fanout.rehearsal.texts import question
from fanout.server.config import read_config

MET, MISSED, USAGE, UNREACHABLE = 0, 1, 2, 4
INDIVIDUALS = 40
"""Visitors with a user of their own, as far as there are so many; the others sit in `Hall`s."""
BATCH = 10
CLOSING_SECONDS = 4.0
"""After the last line, before everybody leaves: all must have it by then."""

log = logging.getLogger("evening")


class Plan:
    """The scenario, worked out by the options; the same in each process."""

    def read(self, options: Any) -> None:
        scenario = read_scenario(find_scenario(options.scenario)[1])
        self.scenario, self.schedule = scenario, make_schedule(scenario, scale=options.scale, compress=options.compress)
        self.house: House | None = None
        visitors = self.schedule.totals.visitors
        individuals = min(INDIVIDUALS, visitors)
        Hall.fixed_count = -(-(visitors - individuals) // Hall.sockets)
        if Hall.fixed_count:
            Hall.sockets = -(-(visitors - individuals) // Hall.fixed_count)
        self.individuals = individuals
        Staff.seconds = next(team.seconds for team in scenario.moderators) / options.compress
        self.run = f"{os.getpid()}"
        people.Person.stage = scenario.asks_in or "stage"
        limits = [each.at_most for each in scenario.objectives if each.measure == "delivery_p99_ms" and each.at_most]
        evening.judge = Judge(options.environment, p99_seconds=(options.p99_ms or min(limits)) / 1000, late_seconds=2.0)
        evening.rooms = tuple(name for each in scenario.rooms if each.listeners for name in each.names())


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
        every = [at for span in plan.schedule.spans for at in moments(span, span.arrivals)]
        step = len(every) / self.sockets
        return [every[int(number * step)] for number in range(self.sockets)]


class Asking(people.Asker):
    fixed_count = 2


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
        return {"id": f"{plan.run}-{number}", "from": f"+33{600000000 + who}", "text": text}


class Staff(people.Moderator):
    fixed_count = 2
    approves = 0.4


class Stage(people.Animator):
    fixed_count = 1

    def times(self) -> list[float]:
        self.lines = plan.schedule.totals.answer_lines
        every = [at for span in plan.schedule.spans for at in moments(span, span.aired)]
        return [*every, plan.schedule.seconds]


class Evening(LoadTestShape):
    """Visitors come as the scenario says; what goes wrong goes wrong at its time; the end is the scenario's."""

    _done = 0

    def reset_time(self) -> None:
        super().reset_time()
        self._done = 0

    def tick(self) -> tuple[int, float] | None:
        at, schedule = self.get_run_time(), plan.schedule
        if at > schedule.seconds + CLOSING_SECONDS:
            return None
        assert self.runner is not None
        for when, fault in schedule.faults[self._done :]:
            if at >= when:
                self._done += 1
                self.runner.send_message("fault", fault.kind)
                if isinstance(self.runner, MasterRunner):
                    go_wrong(self.runner.environment, fault.kind)
        fixed = sum(each.fixed_count for each in (Hall, Asking, Phones, Staff, Stage))
        came = sum(span.arrivals * min(1.0, max(0.0, (at + 1 - span.begin) / (span.end - span.begin)))
                   for span in schedule.spans)  # fmt: skip
        share = came / schedule.totals.visitors
        return fixed + max(1, round(plan.individuals * share)), max(10.0, plan.individuals / 2)


def go_wrong(environment: Environment, kind: str) -> None:
    """This process's part of a fault."""
    log.info("Fault: %s", kind)
    if kind == "cut":
        for loop in evening.loops:
            loop.cut_wanted = True
        for line in list(evening.lines):
            line.cut()
    elif kind.startswith("kill") and plan.house is not None:
        gevent.spawn(plan.house.fault, kind)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """The scenario's own flags."""
    group = parser.add_argument_group("The evening of 2004")
    group.add_argument("--serve", action="store_true", default=False, help="start a server of its own; no --host")
    group.add_argument("--scenario", default="prime-minister-2004", help="a shipped scenario, or a file")
    group.add_argument("--scale", type=float, default=0.01, help="people, times this (default 0.01)")
    group.add_argument("--compress", type=float, default=30.0, help="so many times faster (default 30)")
    group.add_argument("--p99-ms", type=float, default=0.0, help="objective of delivery (default: the scenario's)")
    group.add_argument("--data", default="", help="with --host: its data directory, for its secret (or FANOUT_SECRET)")


@events.init.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Read the scenario; find or start the server."""
    options = environment.parsed_options
    if options is None:
        return
    options.environment = environment
    try:
        plan.read(options)
        if not isinstance(environment.runner, WorkerRunner):
            plan.house = OwnServer(0) if options.serve else _somebodys(str(environment.host), options.data)
            evening.tokens, environment.host = plan.house.tokens, plan.house.url
            options.host = plan.house.url
    except (ConfigurationError, InvalidInput) as error:
        log.error("%s", error.detail)
        sys.exit(USAGE)
    if environment.runner is not None:
        environment.runner.register_message("fault", lambda environment, msg, **_: go_wrong(environment, msg.data))
        environment.runner.register_message("tokens", hear_tokens)


def _somebodys(url: str, data: str) -> House:
    return House(url, read_config(None, os.environ, {"data": Path(data)} if data else {}))


def hear_tokens(environment: Environment, msg: Message, **_: Any) -> None:
    """A worker is told what the master knows."""
    evening.tokens, plan.run = msg.data


@events.test_start.add_listener
def open_doors(environment: Environment, **_: Any) -> None:
    """Make the rooms before anybody comes."""
    evening.judge.begin()
    evening.began = time.monotonic()
    if plan.house is None:
        return
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        runner.send_message("tokens", [evening.tokens, plan.run])
    try:
        for each in sorted(plan.scenario.rooms, key=lambda rooms: rooms.follows is not None):
            settings = {"mode": each.mode, **({"follows": [each.follows]} if each.follows else {})}
            plan.house.make_rooms(dict.fromkeys(each.names(), settings))
    except Unreachable as error:
        evening.unreachable = True
        log.error("%s", error.detail)
        assert runner is not None
        runner.quit()


@events.report_to_master.add_listener
def report(data: dict[str, Any], **_: Any) -> None:
    """A worker's evidence goes with its statistics."""
    data["evening"] = evening.judge.evidence()


@events.worker_report.add_listener
def collect(data: dict[str, Any], **_: Any) -> None:
    """The master adds it up."""
    if "evening" in data:
        evening.judge.tally.add(data["evening"])


@events.test_stopping.add_listener
def close(environment: Environment, **_: Any) -> None:
    """The last look, before the users leave."""
    evening.judge.look_around()


@events.quitting.add_listener
def decide(environment: Environment, **_: Any) -> None:
    """The verdict, and the exit code. The SMS are counted where they are kept."""
    if isinstance(environment.runner, WorkerRunner):
        return
    missed = [] if evening.unreachable else [*evening.judge.verdict(), *_counted(environment)]
    if plan.house is not None:
        plan.house.close()
    log.info("Seen: %s", evening.judge.tally.figures())
    for sentence in missed:
        log.error("Missed: %s", sentence)
    if not missed and not evening.unreachable:
        log.info("All objectives met.")
    environment.process_exit_code = UNREACHABLE if evening.unreachable else MISSED if missed else MET


def _counted(environment: Environment) -> Iterator[str]:
    assert plan.house is not None
    entry = environment.stats.get("SMS ingest", "POST")
    counted = plan.house.call("moderator", "GET", f"/v1/rooms/{people.Person.stage}/tallies")["by_source"].get(
        "sms", {}
    )
    log.info("SMS: %s acknowledged, %s counted", entry.total_content_length, counted)
    if counted.get("messages", 0) < entry.total_content_length:
        yield f"lost SMS: {entry.total_content_length} acknowledged, {counted} counted"
    if entry.total_content_length == plan.schedule.totals.sms_messages:
        people_off = plan.schedule.totals.sms_people - counted.get("people", 0)
        if people_off:
            yield f"people: the count of who sent SMS is off by {people_off}"
    air = environment.stats.get("STAGE air", "POST")
    aired, planned = air.num_requests - air.num_failures, plan.schedule.totals.aired
    if aired < planned:
        yield f"programme: {aired} of {planned} questions were aired"
