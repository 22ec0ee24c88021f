"""A rehearsal from nothing to its verdict: house, direction, measures, judgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import trio

from fanout.errors import ConfigurationError
from fanout.rehearsal.desk import Desk, as_measures, reckon
from fanout.rehearsal.direction import MOST_CLOCK_STEP_SECONDS, Direction
from fanout.rehearsal.headroom import find_headroom, in_words
from fanout.rehearsal.house import House, OwnServer, Unreachable
from fanout.rehearsal.measures import Record, absent, counted, full_share, measured, missing
from fanout.rehearsal.place import place_of
from fanout.rehearsal.recording.playing import Replay, replay_in
from fanout.rehearsal.scenario import Scenario
from fanout.rehearsal.schedule import Schedule, assumptions, make_schedule
from fanout.rehearsal.verdict import Found, Outcome, Verdict, judge
from fanout.server.doctor.demand import seats_of, workers_for
from fanout.server.resources import raise_descriptor_limit
from fanout.server.settings import MAX_WORKERS, Config

SLOW_PLUGIN = "fanout.rehearsal.slow_plugin:SlowPlugin"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be played.

    Args:
        name, text: Of the scenario's file, for the report.
        folder: Where that file is.
        host: A server that runs, and the settings with its secret; None: one of our own.
        workers: Of our own server; None: as many as the listeners need.
    """

    name: str
    text: str
    scenario: Scenario
    scale: float = 1.0
    compress: float = 1.0
    host: tuple[str, Config] | None = None
    workers: int | None = None
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything about one run that a report says."""

    name: str
    scenario: Scenario
    schedule: Schedule
    digest: str
    began: datetime
    record: Record
    whole: Found
    phases: Mapping[str, Found]
    verdict: Verdict
    assumptions: list[str]
    not_tried: list[str]
    machine: dict[str, str]
    memory: dict[str, int]
    tallies: dict[str, Any] | None
    replay: Replay | None = None
    headroom: str | None = None
    text: str = ""
    """The scenario's file, word for word."""
    desk: Desk | None = None
    """At a scale below 1: the moderators' work of the whole event, which is reckoned, for it can't be scaled."""
    gone: str | None = None
    """Why the server was not there to the end; then the rest is what was seen until that moment."""
    server_log: str = ""
    """The end of its log then, if it was the rehearsal's own."""


def rehearse(request: Request, tell: Callable[[str], None]) -> Rehearsal:
    """Play it, and judge. `tell` is told what is happening, a line a second.

    Raises:
        ConfigurationError: A server of our own can't seat so many, or can't be started like that.
        Unreachable: There is no server, or it refuses the rooms. One that is gone later has a verdict of its own.
    """
    scenario, compress = request.scenario, request.compress
    schedule = make_schedule(scenario, scale=request.scale, compress=compress)
    assumed = assumptions(scenario, schedule)
    replay = replay_in(scenario, schedule, request.folder)
    tell(f"{scenario.title}: {schedule.totals.visitors:,} visitors, {schedule.seconds:.0f} s")
    for each in assumed:
        tell(f"  assumed: {each}")
    if replay is not None:
        tell(replay.sentence(compress))
    house = _house(request, schedule)
    try:
        machine = place_of(house)
        direction = Direction(scenario, schedule, house, tell, replay)
        direction.prepare()
        trio.run(direction.play)
        server_log = house.last_lines() if direction.gone is not None else ""
    finally:
        house.close()
    record = direction.record
    schedule = schedule if replay is None else replay.filled(schedule)
    whole = measured(record.whole, compress) | counted(record, schedule.totals, direction.tallies)
    visitors = schedule.totals.visitors
    whole["per_send"] = direction.per_send
    if direction.gone is None:
        whole |= missing(record)
        whole |= {"behind": record.behind(direction.heads), "absent": absent(record, visitors)}
    whole["full_share"] = full_share(record, visitors)
    desk = reckon(scenario) if schedule.scale < 1 else None
    whole |= {} if desk is None else as_measures(desk)
    phases: dict[str, Found] = {phase: measured(seen, compress) for phase, seen in record.phases.items()}
    slow = record.slow()
    if direction.clock_step > MOST_CLOCK_STEP_SECONDS:
        slow.append(f"the machine's clocks parted by {direction.clock_step:.2f} s during the run")
    short, gone = [*record.short(), *record.faults], direction.gone is not None
    verdict = judge(scenario.objectives, whole, phases, slow=slow, short=short, unanswered=record.unanswered, gone=gone)
    digest, began = sha256(request.text.encode()).hexdigest(), datetime.fromtimestamp(direction.opened, UTC)
    return Rehearsal(
        request.name, scenario, schedule, digest, began, record, whole, phases, verdict, assumed,
        direction.not_tried, machine, direction.memory, direction.tallies, replay,
        desk=desk, text=request.text, gone=direction.gone, server_log=server_log,
    )  # fmt: skip


def with_headroom(done: Rehearsal, request: Request, tell: Callable[[str], None]) -> Rehearsal:
    """The same, with the largest multiple that still passes: the evening is played again for each that is tried, as
    long as there is a server."""

    outcomes: dict[float | None, Outcome] = {1.0: done.verdict.outcome}

    def passes(multiple: float) -> bool | None:
        tell(f"Headroom: {multiple:g} times as many people")
        try:
            outcome = rehearse(replace(request, scale=request.scale * multiple), tell).verdict.outcome
        except ConfigurationError as refused:  # a server of our own can't seat so many
            tell(f"  {refused.detail}")
            return False
        except Unreachable as unreachable:
            tell(f"  {unreachable.detail}")
            return None
        tell(f"  {outcome}")
        outcomes[multiple] = outcome
        return outcome is Outcome.MET

    good, bad = find_headroom(passes, at_once=done.verdict.outcome is Outcome.MET)
    return replace(done, headroom=in_words(good, bad, outcomes.get(bad, Outcome.MISSED)))


def _house(request: Request, schedule: Schedule) -> House:
    if request.host is not None:
        return House(*request.host)
    descriptors, faults = raise_descriptor_limit(), {fault.kind for fault in request.scenario.faults}
    workers = request.workers
    if workers is None:
        workers = workers_for(schedule.totals.visitors, seats_of(descriptors))
        if faults & {"kill-edge", "kill-engine"}:
            workers = max(workers, 2)
    if workers > MAX_WORKERS:
        visitors = f"{schedule.totals.visitors:,} take {workers} workers with {descriptors:,} descriptors each"
        fewer = "Fewer, a smaller --scale, or more descriptors (ulimit -n)."
        raise ConfigurationError("visitors", f"{visitors}; a server has at most {MAX_WORKERS}. {fewer}")
    slow = (SLOW_PLUGIN,) if "slow-plugin" in faults else ()
    return OwnServer(workers, (*request.scenario.plugins, *slow))
