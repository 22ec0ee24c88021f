"""The evening of 2 June 2004 in locust: twenty rooms, one stage, SMS by the thousand, a break in the middle.

    locust -f loadtests/prime_minister_2004.py --headless --serve --scale 0.01 --compress 30
    locust -f loadtests/prime_minister_2004.py --host http://127.0.0.1:8700 --scale 0.1 --compress 5 --processes 2

Question: does everybody get every line once, in order and in time, and is no SMS lost, although all lines break? The
figures are those of the scenario `prime-minister-2004`; `--scenario` names another, shipped or a file. Timed: from
when something was meant to happen. `fanout rehearse` plays the same without locust, larger, and writes a report.
Exit codes: 0 met, 1 missed, 2 usage, 4 unreachable.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import evening_latencies  # noqa: F401  # it has the flag --hdr
import gevent
import people
from evening_hall import evening
from evening_scenario import (
    Announcing,
    Asking,
    Hall,
    Partner,
    Phones,
    Staff,
    Stage,
    Stream,
    Talking,
    Telephone,
    Typing,
    Web,
    plan,
)
from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner
from msgspec.structs import asdict

from fanout.errors import ConfigurationError, InvalidInput
from fanout.rehearsal.counting import Counting
from fanout.rehearsal.house import House, OwnServer, Unreachable
from fanout.server.config import read_config

MET, MISSED, USAGE, UNREACHABLE = 0, 1, 2, 4
SERVER_FAULTS = ("kill-edge", "kill-engine", "kill-server", "stop-disk")
MOST = 1000.0
"""Scale and compression beyond this are typing mistakes."""
CLOSING_SECONDS = 4.0
"""After the last line, before everybody leaves: all must have it by then."""

PLANNED = (("aired", "STAGE air", "Stage"), ("announcements", "VOICE", "Announcing"))
"""What of a scenario's totals must have been done, what it is called in the figures, and who does it."""

__all__ = [
    "Announcing", "Asking", "Evening", "Hall", "Partner", "Phones", "Staff", "Stage", "Stream", "Talking", "Telephone",
    "Typing", "Web",
]  # fmt: skip

log = logging.getLogger("evening")


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
                self.runner.send_message("fault", asdict(fault))
                if isinstance(self.runner, MasterRunner):
                    go_wrong(self.runner.environment, asdict(fault))
        playing = self.runner.user_classes  # what tags have left
        fixed = sum(each.fixed_count for each in playing)
        individuals = plan.individuals if any(not each.fixed_count for each in playing) else 0
        came = sum(span.arrivals * min(1.0, max(0.0, (at + 1 - span.begin) / (span.end - span.begin)))
                   for span in schedule.spans)  # fmt: skip
        share = came / schedule.totals.visitors
        return fixed + round(individuals * max(share, 1 / plan.individuals)), max(10.0, plan.individuals / 2)


def go_wrong(environment: Environment, fault: dict[str, Any]) -> None:
    """This process's part of a fault."""
    kind, lines = fault["kind"], list(evening.lines)
    if kind == "cut":
        for loop in evening.loops:
            loop.cut_wanted = fault["share"]
        for line in random.sample(lines, round(len(lines) * fault["share"])):
            line.cut()
    elif kind in SERVER_FAULTS and plan.house is not None:
        gevent.spawn(harm, plan.house, fault)
    elif kind not in SERVER_FAULTS:
        log.warning("Not tried: %s, which only fanout rehearse plays", kind)
        return
    log.info("Fault: %s", kind)


def harm(house: House, fault: dict[str, Any]) -> None:
    """Do it to the server, and end it."""
    if not house.fault(fault["kind"]):
        log.warning("Not tried: %s; only a server of our own may be harmed", fault["kind"])
    elif fault["kind"] == "stop-disk":
        gevent.sleep(fault["seconds"])
        house.fault("stop-disk over")


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
    for name in ("scale", "compress"):
        if not 0 < getattr(options, name) <= MOST:
            log.error("--%s: a number above 0, at most %g; not %g.", name, MOST, getattr(options, name))
            sys.exit(USAGE)
    try:
        plan.read(environment)
        environment.user_classes = [each for each in environment.user_classes if plan.plays(each, options)]
        if not isinstance(environment.runner, WorkerRunner):
            plan.house = OwnServer(0) if options.serve else _somebodys(str(environment.host), options.data)
            evening.tokens, environment.host = plan.house.tokens, plan.house.url
            options.host = plan.house.url
            open_doors(plan.house)
    except (ConfigurationError, InvalidInput) as error:
        log.error("%s", error.detail)
        sys.exit(USAGE)
    except Unreachable as error:
        log.error("%s", error.detail)
        if plan.house is not None:
            plan.house.close()
        sys.exit(UNREACHABLE)
    if environment.runner is not None:
        environment.runner.register_message("fault", lambda environment, msg, **_: go_wrong(environment, msg.data))
        environment.runner.register_message("tokens", hear_tokens)


def _somebodys(url: str, data: str) -> House:
    return House(url, read_config(None, os.environ, {"data": Path(data)} if data else {}))


def hear_tokens(environment: Environment, msg: Message, **_: Any) -> None:
    """A worker is told what the master knows."""
    evening.tokens, plan.run = msg.data


def open_doors(house: House) -> None:
    """Make the rooms, once: while visitors come, locust says each second that the test starts."""
    for each in sorted(plan.scenario.rooms, key=lambda rooms: rooms.follows is not None):
        settings = {"mode": each.mode, **({"follows": each.followed} if each.followed else {}),
                    **({"overflow": each.overflow} if each.overflow else {})}  # fmt: skip
        house.make_rooms(dict.fromkeys(each.names(), settings))
    plan.counting = Counting(house, [people.Person.stage] if people.Person.stage else [])
    plan.counting.begin()


@events.test_start.add_listener
def start(environment: Environment, **_: Any) -> None:
    """The evening begins."""
    evening.judge.begin()
    evening.began = time.monotonic()
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("tokens", [evening.tokens, plan.run])


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
    heard = Counter(
        type(user).__name__ for user in evening.listening if any(each.seq > 0 for each in user.listener.tracks.values())
    )
    log.info("Heard something: %s", dict(sorted(heard.items())))


@events.quitting.add_listener
def decide(environment: Environment, **_: Any) -> None:
    """The verdict, and the exit code. The SMS are counted where they are kept."""
    if isinstance(environment.runner, WorkerRunner):
        return
    missed = [*evening.judge.verdict(), *_counted(environment)]
    if plan.house is not None:
        plan.house.close()
    log.info("Seen: %s", evening.judge.tally.figures())
    for sentence in missed:
        log.error("Missed: %s", sentence)
    if not missed:
        log.info("All objectives met.")
    environment.process_exit_code = MISSED if missed else MET


def _counted(environment: Environment) -> Iterator[str]:
    """What else does not hold: somebody was refused, or the programme was not played, or SMS are not counted."""
    for entry in environment.stats.entries.values():
        if entry.num_failures and not entry.method.startswith("WS"):
            yield f"refused: {entry.num_failures} of {entry.num_requests} {entry.name}"
    assert plan.counting is not None
    playing = {each.__name__ for each in environment.user_classes}
    if Phones.__name__ in playing:
        entry = environment.stats.get("SMS ingest", "POST")
        counted = (plan.counting.since() or {"by_source": {}})["by_source"].get("sms", {})
        log.info("SMS: %s acknowledged, %s counted", entry.total_content_length, counted)
        if counted.get("messages", 0) < entry.total_content_length:
            yield f"lost SMS: {entry.total_content_length} acknowledged, {counted} counted"
        if entry.total_content_length < plan.schedule.totals.sms_messages:
            planned = plan.schedule.totals.sms_messages
            yield f"SMS: {entry.total_content_length} of {planned} were acknowledged"
        else:
            people_off = plan.schedule.totals.sms_people - counted.get("people", 0)
            if people_off:
                yield f"people: the count of who sent SMS is off by {people_off}"
    for kind, done, who in PLANNED:
        if who in playing:
            entry, planned = environment.stats.get(done, "POST"), getattr(plan.schedule.totals, kind)
            if (times := entry.num_requests - entry.num_failures) < planned:
                yield f"programme: {times} of {planned} were done: {done}"
