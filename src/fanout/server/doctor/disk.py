"""Whether the data directory can be written, has room, and answers soon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fanout.server.doctor.demand import SUBMISSIONS, Demand
from fanout.server.doctor.finding import Finding, judged, size

SLOW_SECONDS: Final = 0.010
"""A flush that takes longer on average is felt: a publication waits for one before anybody sees it."""

UNBEARABLE_SECONDS: Final = 0.5
"""A flush that takes so long as a rule: of answers that are typed live, each line comes late."""

FORGETFUL: Final = {
    "tmpfs": "it is memory: nothing survives a restart of the machine",
    "ramfs": "it is memory: nothing survives a restart of the machine",
    "overlay": "it goes with its container",
    "nfs": "locks and flushes over a network depend on both ends",
    "nfs4": "locks and flushes over a network depend on both ends",
    "cifs": "locks and flushes over a network depend on both ends",
    "9p": "locks and flushes depend on the host",
    "fuse": "locks and flushes depend on a program",
}
"""File systems on which what was acknowledged may not be there later, and why."""


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The place of the data directory.

    Args:
        place: The directory, or the nearest one above it that is there.
        refused: Why a server could not use it; None when it could.
        kind: Of the file system.
        free: Bytes that are left to us.
        inodes: Files that are left to us; None where they are not counted.
        flushes: Seconds that flushes of a page took, one after the other; empty when none could be tried.
    """

    place: Path
    refused: str | None
    kind: str
    free: int
    inodes: int | None
    flushes: tuple[float, ...]


def check_data(facts: DiskFacts) -> Finding:
    """Whether it can be written, and what it lies on."""
    weak = FORGETFUL.get(facts.kind.partition(".")[0])
    return judged(
        "data directory",
        f"{facts.place} on {facts.kind}" + (f": {facts.refused}" if facts.refused else ", can be written"),
        "a local disk that can be written",
        "Messages, submissions and the secret lie there; what was acknowledged must be there after the power was cut.",
        bad=[facts.refused] if facts.refused else [],
        warn=[f'data = "DIR" in the settings, on a local disk (on {facts.kind} {weak})'] if weak else [],
    )


def check_space(facts: DiskFacts, demand: Demand) -> Finding:
    """Room for an evening, and for a purge afterwards, which writes the file anew."""
    wanted = 2 * demand.disk
    change = [f"free {size(wanted)} on the disk of {facts.place}, or put the data elsewhere (data = ...)"]
    enough = facts.free >= demand.disk
    if facts.inodes is not None and facts.inodes < 16:
        enough, change = False, [f"delete files on the disk of {facts.place}: it has {facts.inodes} inodes left"]
    return judged(
        "disk space",
        f"{size(facts.free)} free",
        f"{size(demand.disk)} for {SUBMISSIONS / 1e6:.1f} million submissions; twice that for a purge",
        "On a full disk publishing fails until there is space again; listeners stay.",
        bad=[] if enough else change,
        warn=change if enough and facts.free < wanted else [],
    )


def check_flushes(facts: DiskFacts) -> Finding | None:
    """How long a publication waits for the disk; None when nothing could be tried."""
    if not facts.flushes:
        return None
    half, nearly_all = quantile(facts.flushes, 0.5), quantile(facts.flushes, 0.99)
    change = [
        "another disk for data (an SSD with a battery behind its cache), or fewer programs that write to this one"
    ]
    return judged(
        "disk flushes",
        f"half within {half * 1000:.2g} ms, 99 % within {nearly_all * 1000:.2g} ms ({len(facts.flushes)} tried)",
        f"half within {SLOW_SECONDS * 1000:g} ms",
        "Nobody sees a message before the disk has it: every publication waits for one flush, shared by all that wait.",
        bad=change if half > UNBEARABLE_SECONDS else [],
        warn=change if SLOW_SECONDS < half <= UNBEARABLE_SECONDS or nearly_all > UNBEARABLE_SECONDS >= half else [],
    )


def quantile(values: tuple[float, ...], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
