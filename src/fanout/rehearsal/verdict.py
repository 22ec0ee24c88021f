"""The verdict: each objective met or missed, with its margin; and whether the run can be judged at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fanout.rehearsal.measuring import MEASURES
from fanout.rehearsal.scenario import Objective


class Outcome(StrEnum):
    """What becomes of an evening like this one."""

    MET = "met"
    MISSED = "missed"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"

    @property
    def exit_code(self) -> int:
        """0 met, 1 missed, 3 invalid, 4 when the server was gone before the end; 2 is of runs that never were."""
        return {Outcome.MET: 0, Outcome.MISSED: 1, Outcome.INVALID: 3, Outcome.UNREACHABLE: 4}[self]


@dataclass(frozen=True, slots=True)
class Judged:
    """One objective. `found` is None when nothing was measured, which is missed: what was not seen does not hold.

    `margin`: the share of the bound that was left, 0.25 for 75 ms of 100; negative beyond it. None where the bound is
    0, for there is nothing to have a share of.
    """

    objective: Objective
    found: float | None
    met: bool
    margin: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All objectives, and what stood in the way of judging them."""

    outcome: Outcome
    judged: tuple[Judged, ...]
    problems: tuple[str, ...]


Found = Mapping[str, float | None]


def judge_one(objective: Objective, found: float | None) -> Judged:
    """Hold what was found against the bound."""
    bound = objective.at_least if objective.at_most is None else objective.at_most
    assert bound is not None
    if found is None:
        return Judged(objective, None, False, None)
    over = found - bound if objective.at_most is not None else bound - found
    return Judged(objective, found, over <= 0, (0.0 - over) / abs(bound) if bound else None)


def judge(
    objectives: Sequence[Objective],
    whole: Found,
    phases: Mapping[str, Found],
    *,
    slow: Sequence[str],
    short: Sequence[str],
    unanswered: Sequence[str] = (),
    gone: bool = False,
) -> Verdict:
    """The verdict on a run.

    A count that is wrong is a fault, whatever the generator did: missed. One that is too small where less was tried
    than was meant, and that or a time that is missed while the generator was the bottleneck, says nothing: invalid.
    Times that are met in spite of that are met: a slow generator only makes them worse.

    Args:
        whole: What each measure came to; `phases`: the same for each phase.
        slow: Why the generator or its clock may have been the bottleneck.
        short: What it should have done and did not: then nothing that is met was met under the load that was meant.
        unanswered: Where the server left somebody without an answer for so long that they gave up. It is no excuse for
            what is missed; but what is met was not met with everybody there.
        gone: The server was not there to the end: then this is no verdict, whatever was seen until then.
    """
    judged = tuple(
        judge_one(each, (whole if each.phase is None else phases[each.phase]).get(each.measure)) for each in objectives
    )
    missed = [MEASURES[each.objective.measure] for each in judged if not each.met]
    if gone:
        return Verdict(Outcome.UNREACHABLE, judged, tuple(slow))
    if any(not each.timed and not (each.by_load and (slow or short)) for each in missed):
        outcome = Outcome.MISSED
    elif missed:
        outcome = Outcome.INVALID if slow or short else Outcome.MISSED
    else:
        outcome = Outcome.INVALID if short or unanswered else Outcome.MET
    return Verdict(outcome, judged, (*slow, *short, *unanswered))


def sentence(judged: Judged) -> str:
    """An objective and what became of it, in words."""
    objective, measure = judged.objective, MEASURES[judged.objective.measure]
    unit = f" {measure.unit}" if measure.unit else ""
    where = f" ({objective.phase})" if objective.phase else ""
    bound = "at most" if objective.at_most is not None else "at least"
    limit = objective.at_most if objective.at_most is not None else objective.at_least
    found = "nothing was measured" if judged.found is None else f"{number(judged.found)}{unit}"
    margin = "" if judged.margin is None else f", margin {100 * judged.margin:+.0f} %"
    return f"{objective.measure}{where}: {found}; {bound} {number(limit or 0)}{unit}{margin}"


def number(value: float) -> str:
    """As people read it: three digits that count, or all of a whole number."""
    if value == int(value) or abs(value) >= 999.5:
        return f"{round(value):,}"
    return f"{value:.3g}"
