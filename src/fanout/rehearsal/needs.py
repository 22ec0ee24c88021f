"""What an event takes: processes, memory, bandwidth, machines. Reckoned from figures that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from fanout.rehearsal.projection import ANNOUNCEMENTS_A_MINUTE, WITHIN_MS, Projection, asked, stalled_share
from fanout.rehearsal.verdict import number
from fanout.server.doctor.demand import LOGGED_BYTES, MARGIN, STALLED_BYTES, SUBMISSION_BYTES, Demand, workers_for
from fanout.server.settings import MAX_WORKERS

KEPT: Final = 0.5
"""Of what one core can send, how much is planned with: figures of a quiet minute are guesses about an evening."""

OF_THE_BARE_LOOP: Final = 0.9
"""What the server reaches of a bare loop of send() (benchmarks/rows/one_at_a_time.py: 0.95, 0.86 to 1.03)."""

SMS_PER_SECOND: Final = 2_000
"""What one engine takes in: half of what was measured (benchmarks/rows/submissions.py)."""

AROUND_BYTES: Final = 160
"""Of the protocol around a line's text."""

PACKET_BYTES: Final = 66
"""Ethernet, IP and TCP around one line (RFC 9293, with time stamps)."""

PEAK: Final = 10
"""The worst second of SMS over the average: a tenfold peak is assumed of 2004."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that the plan reckons with. `sends`: of one core, in a bare loop, a second."""

    cores: int
    memory: int
    seats: int
    sends: float


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes. Bytes and bits a second are of the whole event; machines are such as the one that was measured."""

    deliveries_per_second: float
    sends_per_core: float
    seconds_to_all: float
    sending_cores: int
    workers: int
    memory: int
    disk: int
    bits_per_second: float
    sms_per_second: float
    connects_per_second: float
    machines: int
    limited_by: str


def needs(projection: Projection, machine: Machine) -> Needs:
    """Reckon it. A line must be with all listeners within half a second, and all that is said must be sent."""
    per_core = machine.sends * OF_THE_BARE_LOOP * KEPT
    live = (projection.minutes - projection.arrive_within) * 60
    lines = projection.aired * (1 + projection.answer_lines) / live
    if not projection.aired and not projection.chat:
        lines = ANNOUNCEMENTS_A_MINUTE / 60
    in_each_room = projection.chat / projection.rooms
    submissions = projection.questions + projection.sms + projection.advance_questions
    said = live * (projection.chat + lines * (1 + (projection.rooms if projection.rooms > 1 else 0)))
    per_second = projection.people * (lines + in_each_room)
    sending = max(ceil(projection.people / (per_core * WITHIN_MS / 1000)), ceil(per_second / per_core), 1)
    workers = max(workers_for(projection.people, machine.seats), sending if sending > 1 else 0)
    demand = Demand(projection.people, workers)
    stalled = int(projection.people * stalled_share(projection) * STALLED_BYTES)
    memory = MARGIN * (demand.memory + stalled)
    by_what = {
        "cores": ceil((sending + 1) / machine.cores) if sending > 1 else 1,
        "memory": ceil(memory / machine.memory),
    }
    limited_by = max(by_what, key=lambda name: by_what[name])
    wire = (projection.line_bytes + AROUND_BYTES + PACKET_BYTES) * 8
    at_once = projection.people * wire / (WITHIN_MS / 1000)
    return Needs(
        deliveries_per_second=per_second,
        sends_per_core=per_core,
        seconds_to_all=projection.people / (per_core * min(sending, machine.cores)),
        sending_cores=sending,
        workers=workers,
        memory=memory,
        disk=MARGIN * (submissions * SUBMISSION_BYTES + round(said) * LOGGED_BYTES),
        bits_per_second=max(at_once, per_second * wire),
        sms_per_second=PEAK * projection.sms / live,
        connects_per_second=projection.people / (projection.arrive_within * 60),
        machines=by_what[limited_by],
        limited_by=limited_by,
    )


def in_words(projection: Projection, machine: Machine, found: Needs) -> list[str]:
    """The plan, for somebody who orders machines."""
    workers = f"--workers {found.workers}" if found.workers else "one process"
    said = [
        f"{projection.people:,} people at the same time, {number(found.deliveries_per_second)} deliveries a second on "
        f"average, {number(found.connects_per_second)} connections a second while they come.",
        f"Processes: fanout serve, {workers}; {found.sending_cores} core(s) send, and one is for the engine.",
        f"One line is with everybody after {number(max(found.seconds_to_all, 0.001))} s on {machine.cores} core(s) of "
        "this kind.",
        f"Memory: {number(found.memory / 2**30)} GiB, twice what is reckoned. "
        f"Disk: {number(max(found.disk / 2**30, 0.01))} GiB, likewise.",
        f"Network: {number(found.bits_per_second / 1e6)} Mbit/s at the worst moment: a line to all within half a "
        "second.",
        f"Machines like this one ({machine.cores} cores, {machine.memory / 2**30:.0f} GiB): {found.machines}"
        + (f", for their {found.limited_by}." if found.machines > 1 else "."),
    ]
    if found.machines > 1:
        said.append(
            "fanout does not connect several machines: take one that is larger, or split the audience between servers "
            "that are each published to."
        )
    if found.workers > MAX_WORKERS:
        said.append(f"One server has {MAX_WORKERS} workers at most: this is for several, or for fewer people.")
    if found.sms_per_second > SMS_PER_SECOND * PEAK:
        said.append(
            f"SMS: {found.sms_per_second / PEAK:,.0f} a second on average is more than one engine takes in "
            f"({SMS_PER_SECOND:,}): the gateway is not done with them when the event ends."
        )
    elif found.sms_per_second > SMS_PER_SECOND:
        said.append(
            f"SMS: {found.sms_per_second:,.0f} a second at a tenfold peak is more than one engine takes in at once "
            f"({SMS_PER_SECOND:,}); the gateway keeps what waits, and a peak of a minute is worked off after it."
        )
    elif projection.sms:
        said.append(
            f"SMS: {found.sms_per_second:,.0f} a second at a tenfold peak, of {SMS_PER_SECOND:,} that are no trouble."
        )
    if come := asked(projection):
        people = come * projection.seconds_each / (projection.minutes * 60)
        said.append(
            f"Moderators: to read all {come:,} questions within the event takes {max(people, 0.1):,.1f}; there are "
            f"{projection.moderators}."
        )
    said.append(
        f"Reckoned with {found.sends_per_core:,.0f} sends a second and core: {machine.sends:,.0f} in a bare loop on "
        f"this machine just now, of which the server reaches {OF_THE_BARE_LOOP:g}, and half is planned with. This is "
        "paper: rehearse it."
    )
    return said
