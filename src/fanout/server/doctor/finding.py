"""One thing that was looked at: what was found, what is needed, and what to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands. A warning does not keep the evening from working; something bad does."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to.

    Args:
        check: What was looked at, a word or two.
        found: How it is.
        needed: How it has to be; empty where nothing is.
        verdict: How it stands.
        why: What it is good for, in one sentence.
        change: Commands and settings that mend it, each whole; empty when it is good.
    """

    check: str
    found: str
    needed: str
    verdict: Verdict
    why: str
    change: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert bool(self.change) == (self.verdict is not Verdict.GOOD), self.check


def judged(
    check: str,
    found: str,
    needed: str,
    why: str,
    *,
    bad: Iterable[str] = (),
    warn: Iterable[str] = (),
) -> Finding:
    """A finding whose verdict follows from what there is to change: something without which it does not work (`bad`),
    something that makes it better (`warn`), or nothing."""
    bad, warn = tuple(bad), tuple(warn)
    verdict = Verdict.BAD if bad else Verdict.WARN if warn else Verdict.GOOD
    return Finding(check, found, needed, verdict, why, bad + warn)


def size(amount: float) -> str:
    """Bytes for people: `1.4 GiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if amount >= 100 else f"{amount:.3g} {unit}"
        amount /= 1024
    return f"{amount:,.1f} GiB"
