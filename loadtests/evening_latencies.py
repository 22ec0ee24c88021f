"""`--hdr FILE`: every time that a scenario measures, as HDR histograms, beside locust's own figures, which are rounded.

Whoever imports this has the flag. A request's time is the one that it is reported with, so it runs from when it was
meant where that is so; `deliver/stage` has every single delivery, from the judge.
"""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evening_hall import evening
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from fanout.client.crowd.hdr import Interval, values_of, write_log
from fanout.rehearsal.load.evidence import Evidence

DELIVERIES = "deliver/stage"
USAGE = 2


class Latencies:
    """Of this process; the master's have its workers' in them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new run, which has nothing of an earlier one in locust's web page."""
        self.evidence = Evidence()
        self._began, self._begin = datetime.now(UTC), time.monotonic()

    def write(self, path: Path) -> None:
        """The whole run as one interval a series."""
        seconds = time.monotonic() - self._begin
        series = {name: histogram.counts for name, histogram in self.evidence.latencies.items()}
        series[DELIVERIES] = evening.judge.tally.latency.counts
        intervals = [Interval(tag, 0.0, seconds, values_of(counts)) for tag, counts in series.items()]
        write_log(
            path, self._began, ["a locust run: one interval, a tag a series, all values in nanoseconds"], intervals
        )


latencies = Latencies()


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--hdr", default="", metavar="FILE", include_in_web_ui=False,
                        help="write all latencies there at the end, as HDR histograms")  # fmt: skip


@events.init.add_listener
def check(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and options.hdr and not Path(options.hdr).absolute().parent.is_dir():
        logging.getLogger("evening").error("--hdr %s: there is no such folder.", options.hdr)
        sys.exit(USAGE)


@events.test_start.add_listener
def begin(**_: Any) -> None:
    latencies.begin()


@events.request.add_listener
def observe(name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
    """One request. One that failed says when somebody gave up, and that is no latency."""
    if exception is None:
        latencies.evidence.observe(name, response_time / 1000)


@events.report_to_master.add_listener
def report(data: dict[str, Any], **_: Any) -> None:
    data["latencies"] = latencies.evidence.taken()


@events.worker_report.add_listener
def collect(data: dict[str, Any], **_: Any) -> None:
    latencies.evidence.add(data["latencies"])


@events.quitting.add_listener
def write(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and options.hdr and not isinstance(environment.runner, WorkerRunner):
        latencies.write(Path(options.hdr))
