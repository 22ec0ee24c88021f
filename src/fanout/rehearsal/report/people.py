"""The people behind the stage, in sentences: how long questions waited for them, and how many of them it takes."""

from __future__ import annotations

from collections.abc import Iterator

from fanout.rehearsal.desk import Desk, Waits
from fanout.rehearsal.doubts import NAMES, READ_AT_ALL, in_minutes
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report.content import with_unit
from fanout.rehearsal.verdict import number


def moderation_sentences(done: Rehearsal) -> list[str]:
    """How the humans fared, where any were rehearsed."""
    if not done.scenario.moderators:
        return []
    counts, minutes = done.record.whole.evidence.counts, _minutes(done)
    people = sum(team.count for team in done.scenario.moderators)
    said = [
        f"{people} simulated moderator{'s' * (people > 1)} decided on {counts['decided']:,} questions in {minutes:.0f} "
        f"minutes of the event ({counts['decided'] / minutes:.1f} a minute); {counts['aired']:,} were aired.",
    ]
    said += _as_played(done) if done.desk is None else _as_reckoned(done, done.desk)
    return [*said, *_how_many(done)]


def _minutes(done: Rehearsal) -> float:
    return done.schedule.seconds * done.schedule.compress / 60


def _as_played(done: Rehearsal) -> Iterator[str]:
    whole, compress = done.whole, done.schedule.compress
    if whole.get("wait_p95_s") is not None:
        p50 = done.record.whole.evidence.quantile("wait in minutes", 0.5) or 0.0
        yield (
            f"Of the questions from the web, half waited less than {number(p50 * 60 * compress)} s and 95 of 100 less "
            f"than {with_unit(whole['wait_p95_s'], 's')}; {with_unit(whole.get('undecided'), '')} were left at the end."
        )
    counts = done.record.whole.evidence.counts
    come, read = counts["sms acknowledged"], counts["decided: sms"]
    if whole.get("sms_wait_p95_s") is not None and read < READ_AT_ALL * come:
        yield f"Of {come:,} SMS, {read:,} were read before the end, and the others never."
    elif whole.get("sms_wait_p95_s") is not None:
        yield f"Of the SMS, 95 of 100 waited less than {with_unit(whole['sms_wait_p95_s'], 's')} for a moderator."
    starved = whole.get("starved_s") or 0
    yield (
        f"The animator waited {number(starved)} s in all for something approved."
        if starved
        else "The animator never had to wait for something approved."
    )


def _as_reckoned(done: Rehearsal, desk: Desk) -> Iterator[str]:
    """A run of a part of the questions says nothing of those who read them all."""
    people = sum(team.count for team in done.scenario.moderators)
    yield (
        f"At scale {done.schedule.scale:g} they had a part of the questions. That shows that the desk works, and not "
        f"whether {people} can read them all. So what follows is reckoned for the whole event, question by question, "
        "with the same service times, and the objectives are judged by it."
    )
    for source, waits in desk.waits.items():
        if source != "api" and any(source in team.takes for team in done.scenario.moderators):
            yield _reckoned(NAMES[source], waits)
    starved = desk.starved_s
    if done.scenario.totals.aired:
        yield (
            f"The animator would wait {in_minutes(starved)} in all for something approved."
            if starved
            else "The animator would never have to wait for something approved."
        )


def _reckoned(name: str, waits: Waits) -> str:
    if waits.decided < READ_AT_ALL * waits.come:
        return f"Of {waits.come:,} {name}, {waits.decided:,} would be read before the end, and the others never."
    return (
        f"Of {waits.come:,} {name}, half would wait less than {in_minutes(waits.half_s)} and 95 of 100 less than "
        f"{in_minutes(waits.p95_s)}; {waits.come - waits.decided:,} would be left at the end."
    )


def _how_many(done: Rehearsal) -> Iterator[str]:
    """Of the whole event, whatever part of it was played."""
    totals = done.scenario.totals if done.desk is not None else done.schedule.totals
    offered = {"web": totals.web_questions, "sms": totals.sms_messages, "api": totals.advance_questions}
    for team in done.scenario.moderators:
        come = sum(offered[source] for source in team.takes)
        needed = come * team.seconds / (_minutes(done) * 60)
        yield (
            f"To read everything that comes by {' and '.join(team.takes)} ({come:,}) at {team.seconds:g} s each within "
            f"the event takes {number(max(needed, 0.1))} people; {team.count} did it here."
        )
