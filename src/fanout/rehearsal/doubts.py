"""What of a programme may not be met by the people behind the stage, in sentences: it can be rehearsed, and is said."""

from __future__ import annotations

from math import ceil
from typing import Final

from fanout.rehearsal.desk import Desk, Waits
from fanout.rehearsal.projection import Projection, asked
from fanout.rehearsal.schedule import SPARE

PATIENCE_S: Final = 300
"""How long a question may wait, 95 of 100: the objective that a plan sets."""

READ_AT_ALL: Final = 0.5
"""Share of the SMS that are decided on, from which on somebody means to read them, and how long they wait counts."""

LINE_EACH_SECONDS: Final = 1.0
"""Nobody says or types lines faster."""

NAMES: Final = {"web": "questions from the web", "sms": "SMS", "api": "advance questions"}


def reads_sms(desk: Desk | None) -> bool:
    """Whether the moderators read SMS, or only take some out of a flood."""
    sms = desk.waits.get("sms") if desk is not None else None
    return sms is not None and sms.decided >= READ_AT_ALL * sms.come


def doubts(projection: Projection, desk: Desk | None) -> list[str]:
    """Each as a sentence, with what would help."""
    return [*_of_moderators(projection, desk), *_of_the_programme(projection, desk)]


def _of_moderators(projection: Projection, desk: Desk | None) -> list[str]:
    if desk is None:
        return []
    said = []
    slow = {source: waits for source, waits in desk.waits.items() if source != "api" and waits.p95_s > PATIENCE_S}
    if slow:
        enough = max(moderators_for(projection), projection.moderators + 1)
        said.append(
            f"{projection.moderators} moderator(s) at {projection.seconds_each:g} s each are too few: "
            f"{'; '.join(_waiting(NAMES[source], waits) for source, waits in slow.items())}. It takes {enough:,} at "
            "least, or fewer questions."
        )
    if "sms" in desk.waits and not reads_sms(desk):
        said.append("Most SMS are never read. How long they wait is no objective; that each is counted is one.")
    return said


def _waiting(name: str, waits: Waits) -> str:
    if waits.decided < READ_AT_ALL * waits.come:
        return f"of {waits.come:,} {name} they read {waits.decided:,}"
    return (
        f"of {waits.come:,} {name} 95 of 100 wait up to {in_minutes(waits.p95_s)}, and {waits.come - waits.decided:,} "
        "are left at the end"
    )


def _of_the_programme(projection: Projection, desk: Desk | None) -> list[str]:
    said = []
    if projection.aired and approved(projection) < SPARE * projection.aired:
        said.append(
            f"{projection.aired:,} are to be aired of about {approved(projection):,.0f} that are approved: next to "
            "nothing is left to choose from, and the animator may have to wait."
        )
    elif desk is not None and desk.starved_s >= 1:
        said.append(
            f"The animator waits {in_minutes(desk.starved_s)} in all for something approved: fewer questions aired, or "
            "more moderators."
        )
    if projection.aired:
        each = live_seconds(projection) / (projection.aired * (1 + projection.answer_lines))
        if each < LINE_EACH_SECONDS:
            said.append(f"A line every {each:.2g} s while it is live is more than anybody says, types or reads.")
    return said


def live_seconds(projection: Projection) -> float:
    """How long it lasts once the doors have been open for the time in which people come."""
    return (projection.minutes - projection.arrive_within) * 60


def moderators_for(projection: Projection) -> int:
    """How many it takes so that no queue grows while most comes: half as often while the doors open."""
    come = projection.questions + projection.sms
    rate = come / (live_seconds(projection) + projection.arrive_within * 60 / 2)
    return max(1, ceil(rate * projection.seconds_each))


def approved(projection: Projection) -> float:
    """How many questions are approved within the event, if each moderator always has one to decide on."""
    decided = projection.moderators * projection.minutes * 60 / projection.seconds_each
    return projection.approves * min(asked(projection), decided)


def in_minutes(seconds: float) -> str:
    """As people say it."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
