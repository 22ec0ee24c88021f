"""An evening with a break: twenty rooms follow one stage; doors open, all is well, every line breaks, all are back.

    locust -f loadtests/evening.py --headless -u 20 -r 5 -t 60s --host http://127.0.0.1:8700 --token "$TOKEN"
    locust -f loadtests/evening.py --headless -u 20 -r 5 -t 60s --serve --cut server

Question: does everybody in twenty rooms get every message once, in order and in time, although all lines break? Timed:
from the moment a message was *meant* to be published until a simulated listener has read it. Not timed: what was missed
during the break and is caught up with; that is counted, and must be whole. Exit code 0: met, 1: missed. No trio here:
locust takes `select.epoll` away. See README.md beside this file.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
import time
from typing import Any

import evening_latencies  # noqa: F401  # it has the flag --hdr
import gevent
import people_listening
from evening_hall import BREAK, CLOSE, ReportedLoop, evening, new_listener
from evening_judge import Judge
from evening_server import OwnServer, open_rooms
from locust import HttpUser, LoadTestShape, User, constant, events, run_single_user, tag, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from fanout.client.crowd.loop import source_addresses
from fanout.client.target import Target

P99_MS = 500.0
"""Objective: 99 of 100 live deliveries take at most this long, from the intended time of publication."""

LATE_MS = 1000.0
"""A delivery that takes longer is shown as a failure of its own in locust's list."""

STAGE = "stage"

PHASES = (("doors open", 0.3), ("steady", 0.5), (BREAK, 0.55), ("back", 0.9), (CLOSE, 1.0))
"""Until which fraction of the run time each phase lasts."""

DEFAULT_RUN_SECONDS = 60
"""Without `-t`: long enough for everybody to be back after the break, whose waits grow to half a minute at worst."""

MET, MISSED, USAGE, UNREACHABLE = 0, 1, 2, 4
"""Exit codes."""

log = logging.getLogger("evening")


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """The scenario's own flags; each can be set in the environment and in locust's config file too."""
    group = parser.add_argument_group("The evening")
    parser.add_argument("--token", env_var="FANOUT_TOKEN", default="", is_secret=True, help="an operator's token")
    group.add_argument(
        "--serve", action="store_true", default=False, help="start a server of its own; no --host, no --token"
    )
    group.add_argument("--cut", choices=("client", "server", "none"), default="client",
                       help="what breaks: every client's line; the server, by kill -9; nothing")  # fmt: skip
    group.add_argument("--salons", type=int, default=20, help="rooms that follow the stage (default 20)")
    group.add_argument("--sockets", type=int, default=100, help="listeners of one Crowd user (default 100)")
    group.add_argument("--publish-rate", type=float, default=5.0, help="messages a second on the stage (default 5)")
    group.add_argument("--p99-ms", type=float, default=P99_MS, help="objective: p99 of delivery (default 500)")
    group.add_argument("--late-ms", type=float, default=LATE_MS, help="shown as a failure beyond this (default 1000)")


@events.init.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Check the options, start the server if it is ours, and take the seat of the judge."""
    options = environment.parsed_options
    if options is None:
        return
    if options.cut == "server" and not options.serve:
        log.error("--cut server needs --serve: only a server of our own may be killed.")
        sys.exit(USAGE)
    evening.judge = Judge(environment, p99_seconds=options.p99_ms / 1000, late_seconds=options.late_ms / 1000)
    evening.rooms = tuple(f"salon-{number:02d}" for number in range(1, options.salons + 1))
    evening.token = options.token or None
    if options.serve and not isinstance(environment.runner, WorkerRunner):
        evening.server = OwnServer()
        evening.token = evening.server.operator_token()
        environment.host = options.host = evening.server.url
        log.info("The server of this evening: %s", environment.host)
    if environment.runner is not None:
        environment.runner.register_message("phase", hear_phase)
        environment.runner.register_message("token", hear_token)


@events.test_start.add_listener
def open_doors(environment: Environment, **_: Any) -> None:
    """Make the rooms, before anybody comes. What an earlier run in locust's web page saw is not this run's."""
    evening.judge.begin()
    if isinstance(environment.runner, WorkerRunner):
        return
    if isinstance(environment.runner, MasterRunner) and evening.server is not None:
        environment.runner.send_message("token", evening.token)
    try:
        open_rooms(str(environment.host), evening.token, STAGE, evening.rooms)
    except (OSError, ValueError) as error:
        evening.unreachable = True
        log.error("The rooms can't be made at %s: %s", environment.host, error)
        assert environment.runner is not None
        environment.runner.quit()


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
    """The verdict, and the exit code."""
    if evening.server is not None:
        evening.server.stop()
    if isinstance(environment.runner, WorkerRunner):
        return
    if evening.unreachable:
        environment.process_exit_code = UNREACHABLE
        return
    missed = evening.judge.verdict()
    log.info("Seen: %s", evening.judge.tally.figures())
    for sentence in missed:
        log.error("Missed: %s", sentence)
    if not missed:
        log.info("All objectives met.")
    environment.process_exit_code = MISSED if missed else MET


def hear_token(environment: Environment, msg: Message, **_: Any) -> None:
    """The token of the master's own server, which the worker with the publisher needs."""
    evening.token = msg.data


def hear_phase(environment: Environment, msg: Message, **_: Any) -> None:
    """The shape says which phase has begun: to this process, or from the master's."""
    enter_phase(environment, msg.data)


def enter_phase(environment: Environment, phase: str) -> None:
    """A new phase has begun; in the break, this process's part of the break happens."""
    if phase == evening.phase:
        return
    evening.phase = phase
    log.info("Phase: %s", evening.phase)
    if evening.phase == BREAK and environment.parsed_options.cut == "client":
        for loop in evening.loops:
            loop.cut_wanted = 1.0
        for line in evening.lines:
            line.cut()
    elif evening.phase == BREAK and evening.server is not None and environment.parsed_options.cut == "server":
        gevent.spawn(evening.server.kill_and_restart)


class Evenings(LoadTestShape):
    """Doors open → steady → break → back → close, over the run time; `-u`, `-r` and `-t` say how many, how fast and how
    long. No phase is left out, however short the run: each lasts at least a tick, which is a second."""

    use_common_options = True
    _reached = -1

    def reset_time(self) -> None:
        super().reset_time()
        self._reached = -1

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        at = self.get_run_time() / (options.run_time or DEFAULT_RUN_SECONDS)
        if evening.unreachable:
            return None
        due = next((number for number, (_, until) in enumerate(PHASES) if at < until), len(PHASES))
        if due > self._reached:
            self._reached += 1
            if self._reached == len(PHASES):
                return None
            phase = PHASES[self._reached][0]
            if isinstance(self.runner, MasterRunner):
                enter_phase(self.runner.environment, phase)
            self.runner.send_message("phase", phase)
        return options.num_users or 1, options.spawn_rate or 1


class Publisher(HttpUser):
    """The stage: one voice that publishes at a fixed rate, whatever the server does."""

    fixed_count = 1
    wait_time = constant(0)

    def on_start(self) -> None:
        if evening.token:
            self.client.headers["Authorization"] = f"Bearer {evening.token}"
        self._rate = self.environment.parsed_options.publish_rate
        self._due = time.monotonic_ns()
        self._number = 0
        self._same_clock = is_loopback(Target.parse(str(self.host)))

    @tag("stage")
    @task
    def publish(self) -> None:
        """One message at its time. One that fails is sent again with the same key until it is through."""
        self._due += int(1e9 / self._rate)
        gevent.sleep(max(0.0, (self._due - time.monotonic_ns()) / 1e9))
        if evening.phase == CLOSE:
            return
        self._number += 1
        wall_ns = str(self._due - time.monotonic_ns() + time.time_ns())
        message = {
            "text": f"Line {self._number} of the answer.",
            "data": {"sent_ns": self._due if self._same_clock else wall_ns},
        }
        key = f"{os.getpid()}-{id(self)}-{self._number}"
        while not self._post(message, key):
            gevent.sleep(0.2)

    def _post(self, message: dict[str, Any], key: str) -> bool:
        away = evening.phase == BREAK and self.environment.parsed_options.cut == "server"
        name = "POST publish (server away)" if away else "POST publish"
        path = f"/v1/rooms/{STAGE}/messages"
        headers = {"Idempotency-Key": key}
        with self.client.post(path, json=message, headers=headers, name=name, catch_response=True) as answer:
            if away:
                answer.success()
            return answer.status_code == 201


class Visitor(people_listening.Visitor):
    """The realistic one: one person, one socket, one room. Good for some thousands a process."""

    weight = 9


class Crowd(User):
    """The large one: `--sockets` listeners in one greenlet. Good for as many as the process may have descriptors."""

    weight = 1

    @tag("crowd")
    @task
    def listen(self) -> None:
        target = Target.parse(str(self.host))
        count = self.environment.parsed_options.sockets
        self._listeners = [new_listener(target) for _ in range(count)]
        loop = ReportedLoop(
            target,
            self._listeners,
            evening.judge.tally,
            rate=max(count / 2, 1),
            sources=source_addresses(target, count),
        )
        loop.play()

    def on_stop(self) -> None:
        evening.judge.listeners.difference_update(self._listeners)


def is_loopback(target: Target) -> bool:
    """Whether the server is on this machine, so that its listeners share our monotonic clock."""
    try:
        return ipaddress.ip_address(target.host).is_loopback
    except ValueError:
        return target.host == "localhost"


if __name__ == "__main__":
    run_single_user(Visitor)
