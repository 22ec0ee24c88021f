"""Whether the clock is right, and cheap to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fanout.server.doctor.finding import Finding, judged
from fanout.web.tokens import LEEWAY_SECONDS

QUICK_SOURCES: Final = frozenset({"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"})
"""Clock sources that a program reads without a system call (vdso(7))."""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What the kernel says of its clock (adjtimex(2)).

    Args:
        synchronised: Somebody keeps it right; None when the kernel may not be asked.
        error_seconds: By how much it may be wrong, as whoever keeps it reckons.
        source: What it is read from; empty when that is not told.
    """

    synchronised: bool | None
    error_seconds: float
    source: str


def check_clock(facts: ClockFacts, *, foreign_keys: bool) -> Finding:
    """Whether tokens, times and transcripts will be right."""
    warn = []
    if facts.synchronised is None:
        state = "can't be asked here"
        warn.append("timedatectl show -p NTPSynchronized (on the machine itself)")
    elif not facts.synchronised:
        state = "not synchronised"
        warn.append("timedatectl set-ntp true (or: apt-get install chrony)")
    else:
        state = f"synchronised to {facts.error_seconds * 1000:.3g} ms"
        if facts.error_seconds > LEEWAY_SECONDS:
            warn.append("chronyc tracking, and see why it is that far off")
    if facts.source and facts.source not in QUICK_SOURCES:
        warn.append("clocksource=tsc on the kernel's command line, if the machine has one that is stable")
    others = ", and tokens that others sign (public_keys) are made by their clock" if foreign_keys else ""
    return judged(
        "clock",
        state + (f", read from {facts.source}" if facts.source else ""),
        f"within {LEEWAY_SECONDS} s of everybody's",
        f"Tokens expire by it and messages are dated by it{others}; deadlines and latency use the monotonic clock.",
        warn=warn,
    )
