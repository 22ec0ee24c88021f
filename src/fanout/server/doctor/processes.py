"""Whether descriptors and cores are enough: how many workers, and what each may open."""

from __future__ import annotations

from dataclasses import dataclass

from fanout.server.doctor.demand import (
    DELIVERIES_PER_SECOND,
    MOST_WORKERS_PER_CORE,
    Demand,
    descriptors_for,
    fullest,
    seats_of,
    workers_for,
)
from fanout.server.doctor.finding import Finding, judged


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What processes may open, and on what they run.

    Args:
        soft: Descriptors that this process may have; the server raises it to `hard`.
        hard: The most that it may allow itself.
        nr_open: The most that root may allow any process (fs.nr_open).
        file_max: What the whole machine may have open (fs.file-max).
        files_open: What it has.
        cores: Cores that this process may use, as affinity and control group have it.
    """

    soft: int
    hard: int
    nr_open: int
    file_max: int
    files_open: int
    cores: int


def check_descriptors(facts: ProcessFacts, demand: Demand, *, workers_chosen: bool) -> Finding:
    """Whether every process may open as much as the fullest will."""
    seats, wanted = seats_of(facts.hard), descriptors_for(demand.fullest)
    enough = workers_for(demand.listeners, seats)
    most_sensible = max(1, facts.cores) * MOST_WORKERS_PER_CORE
    bad: list[str] = []
    warn: list[str] = []
    share = fullest(demand.listeners, demand.workers if workers_chosen else facts.cores)
    raised = _raise_to(descriptors_for(share), facts.nr_open)
    if demand.fullest > seats:
        if enough <= most_sensible:
            bad.append(f"fanout serve --workers {enough}")
        bad.append(raised)
    elif demand.workers > most_sensible and not workers_chosen:
        bad.append(raised)
    elif demand.workers > facts.cores and not workers_chosen:
        warn.append(raised)
    return judged(
        "descriptors",
        f"soft {_many(facts.soft)}, hard {_many(facts.hard)}: {_many(seats)} listeners a process",
        f"{demand.fullest:,} listeners in the fullest of {demand.workers} workers"
        if demand.workers > 1
        else f"{wanted:,} in one process",
        "Each listener is a descriptor. These are the limits of who runs the doctor: a unit has its own (LimitNOFILE), "
        "so run it as the service runs.",
        bad=bad,
        warn=warn,
    )


def _raise_to(descriptors: int, nr_open: int) -> str:
    first = f"sysctl -w fs.nr_open={descriptors} and " if descriptors > nr_open else ""
    return f"{first}LimitNOFILE={descriptors} in the unit (Docker: --ulimit nofile={descriptors})"


def check_open_files(facts: ProcessFacts, demand: Demand) -> Finding:
    """Whether the whole machine may have that much open: with a proxy on it, each listener is three files."""
    files = demand.listeners * (3 if demand.behind_proxy else 1) + demand.processes * 600
    free = facts.file_max - facts.files_open
    return judged(
        "open files",
        f"{facts.files_open:,} of {_many(facts.file_max)} (fs.file-max)",
        f"{files:,} more",
        "It is the limit of the whole machine; a proxy on it takes two more for each listener.",
        bad=[f"sysctl -w fs.file-max={2 * (files + facts.files_open)}"] if free < files else [],
    )


def _many(number: int) -> str:
    return f"{number:,}" if number < 2**53 else "any number"


def check_in_flight(facts: ProcessFacts, demand: Demand) -> Finding:
    """Whether workers may hand over as many sockets as visit at a time (unix(7): ETOOMANYREFS beyond the limit)."""
    wanted = demand.workers * (descriptors_for(0) - 100)
    return judged(
        "handed-over sockets",
        f"{facts.hard:,} in flight at most",
        f"{wanted:,} with {demand.workers} workers",
        "A worker hands ordinary requests to the engine's process; the kernel counts sockets on their way against the "
        "descriptor limit.",
        warn=[_raise_to(wanted, facts.nr_open)] if facts.hard < wanted else [],
    )


def check_cores(facts: ProcessFacts, demand: Demand) -> Finding:
    """Whether workers have a core each, and how long a message takes to everybody."""
    busy = max(1, min(demand.workers or 1, facts.cores))
    warn = []
    if facts.cores > 1 and demand.workers <= 1 and demand.listeners > DELIVERIES_PER_SECOND // 2:
        warn.append(f"fanout serve --workers {min(facts.cores, 4)}")
    seconds = demand.listeners / (DELIVERIES_PER_SECOND * busy)
    work = f"about {seconds:.2g} s for one message to all" + (", more with TLS" if demand.tls else "")
    return judged(
        "cores",
        f"{facts.cores}, of which {busy} send: {work}",
        f"{max(1, demand.workers)} to have one for each that sends",
        "A process uses one core. The time is reckoned with half of what was measured in the benchmarks; rehearse to "
        "know yours.",
        warn=warn,
    )
