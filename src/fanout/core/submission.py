"""What a visitor sent, what may become of it, and the one table that says so.

A submission is an immutable value; `decide` makes the next one. Stores call it inside the transaction that keeps the
result, so that of two people who decide at once the second is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from fanout.core.verdict import Opinion
from fanout.errors import InvalidInput, TransitionRefused


class Source(StrEnum):
    """Where a submission came in."""

    WEB = "web"
    SMS = "sms"
    API = "api"
    IMPORT = "import"


class State(StrEnum):
    """How far a submission has come."""

    RECEIVED = "received"
    """Durable; the hooks have not spoken yet."""
    HELD = "held"
    """A human has to decide."""
    APPROVED = "approved"
    """Within the animator's reach."""
    CUED = "cued"
    """On the run sheet."""
    AIRED = "aired"
    """Published as a message."""
    ANSWERED = "answered"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """By its author."""
    MERGED = "merged"
    """Into another one, which speaks for it."""


class Step(StrEnum):
    """What can be done with a submission: the `action` of a decision."""

    HOLD = "hold"
    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"
    WITHDRAW = "withdraw"
    MERGE = "merge"
    UNMERGE = "unmerge"
    CUE = "cue"
    MOVE = "move"
    PIN = "pin"
    UNPIN = "unpin"
    SKIP = "skip"
    """Off the run sheet again, still approved."""
    AIR = "air"
    ANSWER = "answer"
    RETRACT = "retract"
    """Taken off the air."""
    UNDO = "undo"
    """The last step is taken back, unless it went on air."""


def _stays(*states: State) -> Mapping[State, State]:
    return {state: state for state in states}


TRANSITIONS: Final[Mapping[Step, Mapping[State, State]]] = MappingProxyType(
    {
        Step.HOLD: {State.RECEIVED: State.HELD, State.APPROVED: State.HELD, State.REJECTED: State.HELD},
        Step.APPROVE: {State.RECEIVED: State.APPROVED, State.HELD: State.APPROVED},
        Step.REJECT: {State.RECEIVED: State.REJECTED, State.HELD: State.REJECTED},
        Step.EDIT: _stays(State.HELD, State.APPROVED, State.CUED),
        Step.WITHDRAW: {
            State.RECEIVED: State.WITHDRAWN,
            State.HELD: State.WITHDRAWN,
            State.APPROVED: State.WITHDRAWN,
            State.CUED: State.WITHDRAWN,
        },
        Step.MERGE: {State.HELD: State.MERGED, State.APPROVED: State.MERGED},
        Step.UNMERGE: {State.MERGED: State.HELD},
        Step.CUE: {State.APPROVED: State.CUED},
        Step.MOVE: _stays(State.CUED),
        Step.PIN: _stays(State.CUED),
        Step.UNPIN: _stays(State.CUED),
        Step.SKIP: {State.CUED: State.APPROVED},
        Step.AIR: {State.APPROVED: State.AIRED, State.CUED: State.AIRED},
        Step.ANSWER: {State.AIRED: State.ANSWERED, State.ANSWERED: State.ANSWERED},
        Step.RETRACT: {State.AIRED: State.REJECTED, State.ANSWERED: State.REJECTED},
    }
)
"""From which state each step leads to which. A pair that is not here is refused. `UNDO` is not a row: it leads back to
where the last step came from."""


@dataclass(frozen=True, slots=True)
class Before:
    """What an undo brings back."""

    state: State
    text: str
    original: str | None
    reason: str
    merged_into: str | None
    rank: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission as it stands. Times are in milliseconds since 1970, UTC.

    Args:
        number: Its place in the order of receipt over all rooms, from 1; given by the store.
        id: What everybody calls it by: twelve lower-case letters and digits.
        source_id: The sender's own name for it; a second one from the same source in the same room is a repeat.
        person: Who sent it, under a pseudonym: `visitor:` and a subject, or `phone:` and a keyed hash. Empty: unknown.
        name: The display name that they chose.
        text: As it would go on air; after an edit, `original` is what was sent.
        reason: Why, in words that the author may see.
        by: Who took the last step: a staff member's name and role, or `plug-in NAME`.
        merged_into: The id of the submission that speaks for this one.
        message: The id of the message that it became.
        rank: Its place on the run sheet; ranks compare as strings (`core.rank`).
        opinions: What the plug-ins said of it, those in shadow mode included.
    """

    number: int
    id: str
    room: str
    source: Source
    source_id: str
    person: str
    name: str
    text: str
    at: int
    state: State = State.RECEIVED
    original: str | None = None
    reason: str = ""
    by: str = ""
    decided_at: int = 0
    merged_into: str | None = None
    message: str | None = None
    rank: str = ""
    pinned: bool = False
    opinions: tuple[Opinion, ...] = ()
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One step to be taken with one submission. `at` is in milliseconds since 1970, UTC.

    Args:
        by: Who takes it, for the audit and for whoever comes too late.
        text: For `EDIT` (and `APPROVE` with changed words), the new text.
        reason: For `REJECT`, what the author may see.
        into: For `MERGE`, the id of the submission that will speak for it.
        rank: For `CUE` and `MOVE`, the place on the run sheet.
        message: For `AIR`, the id of the message that it becomes.
        opinions: With the first step, what the plug-ins said.
    """

    submission: str
    step: Step
    by: str
    at: int
    text: str | None = None
    reason: str = ""
    into: str | None = None
    rank: str = ""
    message: str | None = None
    opinions: tuple[Opinion, ...] = ()


def decide(submission: Submission, decision: Decision) -> Submission:
    """The submission after this step.

    Raises:
        TransitionRefused: `already_decided`: the step does not lead on from the present state; the detail says which it
            is and who brought it about. `nothing_to_undo`.
        InvalidInput: `merge_into_missing`, `merges_itself`, `rank_missing`, `message_missing`, `text_missing`.
    """
    if decision.step is Step.UNDO:
        return _undone(submission, decision)
    state = TRANSITIONS[decision.step].get(submission.state)
    if state is None:
        who = f" by {submission.by}" if submission.by else ""
        raise TransitionRefused(
            f"This is {submission.state} already{who}, and {decision.step} does not lead on from there.",
            code="already_decided",
        )
    _check_complete(decision)
    text = submission.text if decision.text is None else decision.text
    changed = text != submission.text
    return replace(
        submission,
        state=state,
        text=text,
        original=submission.original if submission.original is not None or not changed else submission.text,
        reason=decision.reason if state is not submission.state else submission.reason,
        by=decision.by,
        decided_at=decision.at,
        merged_into=decision.into if state is State.MERGED else None,
        message=decision.message or submission.message,
        rank=(decision.rank or submission.rank) if state is State.CUED else "",
        pinned=_pinned(submission, decision.step, state),
        opinions=decision.opinions or submission.opinions,
        before=None if decision.step in (Step.AIR, Step.ANSWER, Step.RETRACT) else _before(submission),
    )


def _undone(submission: Submission, decision: Decision) -> Submission:
    before = submission.before
    if before is None or before.state is State.RECEIVED:
        raise TransitionRefused("There is no step that could be taken back.", code="nothing_to_undo")
    return replace(
        submission,
        state=before.state,
        text=before.text,
        original=before.original,
        reason=before.reason,
        by=decision.by,
        decided_at=decision.at,
        merged_into=before.merged_into,
        rank=before.rank,
        pinned=before.pinned,
        before=None,
    )


def _before(submission: Submission) -> Before:
    return Before(
        submission.state,
        submission.text,
        submission.original,
        submission.reason,
        submission.merged_into,
        submission.rank,
        submission.pinned,
    )


def _pinned(submission: Submission, step: Step, state: State) -> bool:
    if step is Step.PIN:
        return True
    return submission.pinned and state is State.CUED and step is not Step.UNPIN


def _check_complete(decision: Decision) -> None:
    if decision.step is Step.MERGE:
        if decision.into is None:
            raise InvalidInput("A merge names the submission that will speak for this one.", code="merge_into_missing")
        if decision.into == decision.submission:
            raise InvalidInput("A submission can't be merged into itself.", code="merges_itself")
    if decision.step in (Step.CUE, Step.MOVE) and not decision.rank:
        raise InvalidInput("This step needs a place on the run sheet.", code="rank_missing")
    if decision.step is Step.AIR and decision.message is None:
        raise InvalidInput("Airing needs the id of the message that it becomes.", code="message_missing")
    if decision.step is Step.EDIT and decision.text is None:
        raise InvalidInput("An edit needs the new text.", code="text_missing")
