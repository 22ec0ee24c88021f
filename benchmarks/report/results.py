"""The results of a run: what was measured for each row and server, summed up and judged.

Everything is judged as a ratio within one round, never between runs: round by round, fanout's value is divided by the
best peer's of the same round, and the median of these ratios decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final

from benchmarks.rows.row import Goal, Measured, Row, Size

OURS: Final = "fanout"


@dataclass(frozen=True)
class Spread:
    """Several measurements of one value."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """A goal, and how far it was met."""

    text: str
    wanted: str
    found: Spread | None
    """None: there was nothing to compare."""
    met: bool
    best: str = ""
    """Which peer was the best, where one was compared with."""


@dataclass
class RowResult:
    """One row: a list of rounds for each server; None where a round failed."""

    row: Row
    size: Size
    rounds: dict[str, list[Measured | None]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Servers that were not measured, and why."""

    def add(self, peer: str, measured: Measured | None) -> None:
        self.rounds.setdefault(peer, []).append(measured)

    def values(self, peer: str, value: str) -> list[float]:
        return [m.values[value] for m in self.rounds.get(peer, []) if m is not None and value in m.values]

    def spread(self, peer: str, value: str) -> Spread | None:
        """Return the median and the extremes of one value over all rounds."""
        return spread(self.values(peer, value))

    def remarks(self, peer: str) -> list[str]:
        """Say what makes a server's figures doubtful: faults, a saturated client, what the row noted."""
        found: list[str] = []
        for m in self.rounds.get(peer, []):
            if m is None:
                continue
            if m.faults:
                found.append("invalid: listeners found " + ", ".join(f"{n} {kind}" for kind, n in m.faults.items()))
            elif not m.valid:
                found.append(f"invalid: the client used {m.client_share:.0%} of its core")
            found += m.notes
        return list(dict.fromkeys(found))

    def judge(self) -> list[Judgement]:
        """Judge every goal of the row."""
        return [self._judge(goal) for goal in self.row.goals]

    def _judge(self, goal: Goal) -> Judgement:
        found: list[float] = []
        best_names: list[str] = []
        for i, ours in enumerate(self.rounds.get(OURS, [])):
            if ours is None or goal.value not in ours.values:
                continue
            if not goal.against:
                found.append(ours.values[goal.value])
                continue
            others = {
                peer: m.values[goal.value]
                for peer, rounds in self.rounds.items()
                if self._compared(peer, goal) and (m := nearest(rounds, i)) is not None and goal.value in m.values
            }
            if others:
                name = (min if goal.at == "most" else max)(others, key=lambda peer: others[peer])
                best_names.append(name)
                found.append(ours.values[goal.value] / others[name])
        result = spread(found)
        wanted = f"{'≤' if goal.at == 'most' else '≥'} {goal.bound:g}" + (" times" if goal.against else "")
        met = result is not None and (
            result.median <= goal.bound if goal.at == "most" else result.median >= goal.bound
        )  # fmt: skip
        met = met and not any("invalid: listeners" in remark for remark in self.remarks(OURS))
        return Judgement(goal.text, wanted, result, met, max(best_names, key=best_names.count) if best_names else "")

    @staticmethod
    def _compared(peer: str, goal: Goal) -> bool:
        if goal.against == "peers":
            return peer != OURS and not peer.startswith("floor")
        return peer == goal.against

    def as_json(self) -> dict[str, Any]:
        """Return all of it, raw rounds included."""
        return {
            "question": self.row.question,
            "size": asdict(self.size),
            "columns": self.row.show,
            "rounds": {p: [m and asdict(m) for m in rounds] for p, rounds in self.rounds.items()},
            "summary": {
                peer: {value: asdict(s) for value in self.row.show if (s := self.spread(peer, value)) is not None}
                for peer in self.rounds
            },
            "remarks": {peer: r for peer in self.rounds if (r := self.remarks(peer))},
            "missing": self.missing,
            "goals": [asdict(j) for j in self.judge()],
        }


def nearest(rounds: Sequence[Measured | None], index: int) -> Measured | None:
    """Return a server's measurement of the same round; a slow server that had fewer rounds gives its last one."""
    done = [m for m in rounds[: index + 1] if m is not None]
    return done[-1] if done else None


def spread(values: list[float]) -> Spread | None:
    """Return the median and the extremes, or None of nothing."""
    return Spread(median(values), min(values), max(values)) if values else None
