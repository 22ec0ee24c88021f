"""A scenario with its scale and compression worked out: what happens when, exactly, and in which load process.

All arithmetic is on whole numbers: parts add up to the whole, whatever the weights, scale and number of processes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from msgspec.structs import asdict, replace

from fanout.errors import ConfigurationError
from fanout.rehearsal.scenario import MOST_COUNTED, OF_PHASES, Fault, Scenario, Totals

SCALED: Final = (
    "visitors", "connections", "advance_questions", "web_questions", "chat_messages", "sms_messages", "sms_people",
    "sms_same",
)  # fmt: skip
"""What people do. The programme is what it is, however many follow it."""


FED: Final = {
    "web": ("web_questions", "questions from the web"),
    "sms": ("sms_messages", "SMS"),
    "api": ("advance_questions", "advance questions"),
}
"""By what way questions come: the total, and its name."""

SPARE: Final = 1.5
"""Questions that are approved for each that is aired: they must be there before they are due."""


@dataclass(frozen=True, slots=True)
class Span:
    """One phase: from `begin` to `end`, in seconds since the doors opened, and how much of each kind happens in it."""

    name: str
    begin: float
    end: float
    arrivals: int = 0
    reloads: int = 0
    web_questions: int = 0
    chat_messages: int = 0
    sms: int = 0
    aired: int = 0
    announcements: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """The evening as it will be played. Times are in real seconds, compression included."""

    totals: Totals
    spans: tuple[Span, ...]
    faults: tuple[tuple[float, Fault], ...]
    scale: float
    compress: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.spans[-1].end

    def phase_at(self, t: float) -> str:
        """The phase in which `t` lies; before and after, the first and the last."""
        return next((span.name for span in self.spans if t < span.end), self.spans[-1].name)


def make_schedule(scenario: Scenario, *, scale: float = 1.0, compress: float = 1.0) -> Schedule:
    """Work it out.

    Args:
        scale: People and what they send, times this.
        compress: How many times faster than planned: rates rise, totals stay, and moderators decide faster too.

    Raises:
        ConfigurationError: The scale makes more of something than can be played.
    """
    totals = _fed(scenario, _scaled(scenario.totals, scale))
    planned = {weight: getattr(totals, total) for total, weight in OF_PHASES}
    planned["reloads"] = max(0, totals.connections - totals.visitors)
    parts = {
        weight: apportion(total, [getattr(phase, weight) for phase in scenario.phases])
        for weight, total in planned.items()
    }
    spans, begin = [], 0.0
    for number, phase in enumerate(scenario.phases):
        end = begin + phase.minutes * 60 / compress
        spans.append(Span(phase.name, begin, end, **{weight: part[number] for weight, part in parts.items()}))
        begin = end
    by_name = {span.name: span for span in spans}
    faults = sorted(
        ((_within(by_name[fault.phase], fault.at), fault) for fault in scenario.faults), key=lambda each: each[0]
    )
    return Schedule(totals, tuple(spans), tuple(faults), scale, compress)


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """`total` in whole parts as near to the weights as can be, which add up to it (largest remainders).

    All parts are 0 where all weights are.
    """
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact)
    if not whole:
        return [0] * len(weights)
    quotas = [total * weight / whole for weight in exact]
    parts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda number: (parts[number] - quotas[number], number))
    for number in by_remainder[: total - sum(parts)]:
        parts[number] += 1
    return parts


def share_of(total: int, number: int, processes: int) -> int:
    """What process `number` of so many does of `total`: even shares, which add up to it."""
    return total * (number + 1) // processes - total * number // processes


def moments(span: Span, count: int) -> list[float]:
    """When each of `count` happens in the span: evenly, none at its very edges."""
    width = (span.end - span.begin) / count if count else 0.0
    return [span.begin + (number + 0.5) * width for number in range(count)]


def seats(scenario: Scenario, visitors: int) -> list[str]:
    """The room of each visitor, as the rooms' weights want it, in a mixed order that is the same each time."""
    names = [name for rooms in scenario.rooms for name in rooms.names()]
    weights = [rooms.listeners for rooms in scenario.rooms for _ in rooms.names()]
    taken = [name for name, count in zip(names, apportion(visitors, weights), strict=True) for _ in range(count)]
    random.Random(20040602).shuffle(taken)
    return taken


def sender(number: int, messages: int, people: int) -> int:
    """Which of `people` sends SMS `number` of `messages`: each at least one, and nobody else."""
    return number * people // messages


def asks_the_same(number: int, messages: int, people: int, same: int) -> bool:
    """Whether SMS `number` is one of the `same` with one text: the first one of so many people, evenly spread."""
    who = sender(number, messages, people)
    first = number == 0 or sender(number - 1, messages, people) != who
    return first and (who + 1) * same // people > who * same // people


def assumptions(scenario: Scenario, schedule: Schedule) -> list[str]:
    """Everything that was assumed: the scenario's own, and what scale and compression make of it."""
    said = list(scenario.assumptions)
    totals, minutes = schedule.totals, schedule.seconds / 60
    if schedule.scale != 1:
        said.append(
            f"Scale {schedule.scale:g}: {totals.visitors:,} visitors of {scenario.totals.visitors:,}, "
            "and what they send in proportion. The programme (questions aired, lines, announcements) is not scaled."
        )
        if schedule.scale < 1 and scenario.moderators:
            said.append(
                "A part of the questions does not show whether the moderators can read them all. How long questions "
                "wait, how many are left, and whether the animator waits is therefore reckoned for the whole event, "
                "with the same service times, and judged so. That the desk works, and how fast it answers, is played."
            )
        scaled = _scaled(scenario.totals, schedule.scale)
        for total, what in FED.values():
            if (come := getattr(totals, total)) > (fewer := getattr(scaled, total)):
                said.append(f"{come:,} {what}, not {fewer:,}: {totals.aired:,} are to be aired.")
    if schedule.compress != 1:
        said.append(
            f"{schedule.compress:g} times faster than planned: {minutes:.3g} minutes for "
            f"{minutes * schedule.compress:.3g}. Totals are the same, so rates are {schedule.compress:g} times as "
            "high; moderators decide so much faster too, and their waits are given in time of the event. Breaks, "
            "returns and latencies are in real time."
        )
    if any(fault.kind in ("cut", "kill-edge", "kill-engine", "kill-server") for _, fault in schedule.faults):
        said.append("Connections that are made again after a break come on top of those of the totals.")
    said.append(
        "Visitors and staff are simulated on one machine with the server unless --host names another: what they take "
        "of its processors, the server has not."
    )
    return said


def _scaled(totals: Totals, scale: float) -> Totals:
    values = asdict(totals)
    for name in SCALED:
        if values[name]:
            values[name] = max(1, int(values[name] * Fraction(scale) + Fraction(1, 2)))
        if values[name] > MOST_COUNTED:
            raise ConfigurationError("--scale", f"that makes {values[name]:,} {name}; at most {MOST_COUNTED:,}.")
    return Totals(**values)


def _fed(scenario: Scenario, totals: Totals) -> Totals:
    """The same, with as many questions as the programme needs, which is not scaled: but no more than are planned. From
    the web first, then SMS, then those from before."""
    approves: dict[str, float] = {source: team.approves for team in scenario.moderators for source in team.takes}
    come = {source: getattr(totals, total) for source, (total, _) in FED.items()}
    for source, (total, _) in FED.items():
        missing = SPARE * totals.aired - sum(come[each] * share for each, share in approves.items())
        if missing > 0 and approves.get(source):
            wanted = come[source] + ceil(missing / approves[source])
            come[source] = max(come[source], min(wanted, getattr(scenario.totals, total)))
    return replace(totals, **{total: come[source] for source, (total, _) in FED.items()})


def _within(span: Span, share: float) -> float:
    return span.begin + share * (span.end - span.begin)
