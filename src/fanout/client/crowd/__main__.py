"""`python -m fanout.client.crowd`: fill a room, watch what everybody gets, and judge it.

One JSON line a second on stdout, then one with the verdict. Exit codes: 0 objectives met, 1 missed, 2 usage,
4 the server could not be reached. SIGTERM and SIGINT end it early, with a verdict; SIGUSR1 cuts every connection.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from fanout.client.crowd.listener import Listener, count_behind
from fanout.client.crowd.loop import Loop, source_addresses
from fanout.client.crowd.reading import Readings
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target
from fanout.core.room import room_name
from fanout.errors import InvalidInput

SPARE_DESCRIPTORS = 32
"""Descriptors that are not a listener's: standard streams, epoll, the resolver's."""

MET, MISSED, USAGE, UNREACHABLE = 0, 1, 2, 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run a crowd to its end; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        target = Target.parse(options.url)
        rooms = [room_name(room) for room in options.room]
    except InvalidInput as error:
        parser.error(error.detail)
    if target.secure:
        parser.error("a crowd speaks plain http: put it beside the server, inside the TLS of whatever is in front.")
    room_for = _raise_descriptor_limit() - SPARE_DESCRIPTORS
    if not 1 <= options.listeners <= room_for:
        parser.error(f"--listeners is 1 to {room_for} here: each is a descriptor. Run several crowds for more.")
    if options.rate <= 0:
        parser.error("--rate is a number of connections a second, above 0.")
    try:
        sources = source_addresses(target, options.listeners, options.source_addresses)
    except OSError as error:
        print(f"crowd: {target.authority}: {error}", file=sys.stderr)  # noqa: T201  # this is a command
        return UNREACHABLE
    return _run(options, target, rooms, sources)


class SpokenLoop(Loop):
    """A loop that prints a line of figures every second."""

    _said_delivered = 0
    _began: float | None = None

    def standing(self) -> dict[str, int]:
        """How many listeners are live, and how many are not."""
        live = sum(listener.live for listener in self.listeners)
        return {"listeners": live, "waiting": len(self.listeners) - live}

    def second_passed(self) -> None:
        now = time.monotonic()
        self._began = self._began or now - 1
        delivered = self._tally.counts.delivered
        rate, self._said_delivered = delivered - self._said_delivered, delivered
        seconds = round(now - self._began, 1)
        _say({"type": "second", "t": seconds, **self.standing(), "rate": rate, **self._tally.figures()})


def _run(options: argparse.Namespace, target: Target, rooms: list[str], sources: list[str]) -> int:
    tally, readings = Tally(), Readings()
    listeners = [
        Listener(target, [rooms[number % len(rooms)]], tally, readings, token=options.token, last=options.last)
        for number in range(options.listeners)
    ]
    loop = SpokenLoop(target, listeners, tally, rate=options.rate, sources=sources)

    def stop(*_: object) -> None:
        loop.stopping = True

    def cut(*_: object) -> None:
        loop.cut_wanted = 1.0

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGUSR1, cut)
    began = time.monotonic()
    end = began + options.duration if options.duration else math.inf
    for cut_at in sorted(options.cut_at):
        loop.run(min(began + cut_at, end))
        if not loop.stopping:
            loop.cut()
    loop.run(end)
    loop.stopping = False
    loop.run(time.monotonic() + options.settle)
    tally.counts.behind = count_behind(listeners)
    still_here = loop.standing()
    tally.counts.absent = still_here["waiting"]
    loop.close()
    missed = tally.broken_promises(p99_seconds=options.p99_ms / 1000, gaps_allowed=options.allow_gaps)
    _say({
        "type": "verdict", "verdict": "missed" if missed else "met", "missed": missed,
        **still_here, **tally.figures(), "endings": tally.endings,
    })  # fmt: skip
    if not tally.counts.connected:
        return UNREACHABLE
    return MISSED if missed else MET


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fanout.client.crowd", description=__doc__)
    parser.add_argument("--url", required=True, help="the server, for example http://127.0.0.1:8700")
    parser.add_argument("--room", action="append", required=True, help="a room; repeat it to spread listeners")
    parser.add_argument("--listeners", type=int, default=1000, metavar="N", help="connections (default 1000)")
    parser.add_argument("--rate", type=float, default=1000, metavar="N", help="connections a second (default 1000)")
    parser.add_argument("--duration", type=float, default=0, metavar="S", help="seconds; 0 until SIGTERM (default)")
    parser.add_argument("--settle", type=float, default=1, metavar="S", help="seconds of listening after that")
    parser.add_argument(
        "--cut-at", type=float, action="append", default=[], metavar="S", help="cut all after S seconds"
    )
    parser.add_argument("--last", type=int, default=0, metavar="N", help="messages to have replayed at first")
    parser.add_argument("--p99-ms", type=float, default=500, metavar="MS", help="objective of latency (default 500)")
    parser.add_argument("--allow-gaps", action="store_true", help="announced gaps are no fault (rooms that skip)")
    parser.add_argument("--token", help="for rooms that need one")
    parser.add_argument(
        "--source-addresses", type=int, default=1, metavar="N", help="of 127.0.0.0/8 at least (default: as needed)"
    )
    return parser


def _raise_descriptor_limit() -> int:
    """Ask for all the descriptors that this process may have; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _say(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
