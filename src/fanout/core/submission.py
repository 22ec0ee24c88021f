"""What a visitor sent, what may become of it, and the one table that says so.

A submission is an immutable value; `decide` makes the next one. Stores call it inside the transaction that keeps the
result, so that of two people who decide at once the second is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
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
    """Whoever took the last step takes it back, unless it is one of `FINAL`."""


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


FINAL: Final = frozenset({Step.AIR, Step.ANSWER, Step.RETRACT, Step.WITHDRAW})
"""Steps that no undo takes back: what was heard was heard, and what an author has taken back is theirs."""

PARTS: Final[Mapping[Step, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(Step, frozenset()),
        Step.APPROVE: frozenset({"text"}),
        Step.REJECT: frozenset({"reason"}),
        Step.EDIT: frozenset({"text"}),
        Step.MERGE: frozenset({"into"}),
        Step.CUE: frozenset({"rank"}),
        Step.MOVE: frozenset({"rank"}),
        Step.AIR: frozenset({"message"}),
        Step.RETRACT: frozenset({"reason"}),
    }
)
"""What each step takes besides; anything else is refused."""


@dataclass(frozen=True, slots=True)
class Need:
    """A part that a step can't do without; `code` and `detail` of its refusal."""

    part: str
    code: str
    detail: str


_PLACE: Final = Need("rank", code="rank_missing", detail="This step needs a place on the run sheet.")

NEEDS: Final[Mapping[Step, Need]] = MappingProxyType(
    {
        Step.EDIT: Need("text", code="text_missing", detail="An edit needs the new text."),
        Step.MERGE: Need(
            "into", code="merge_into_missing", detail="A merge names the submission that will speak for this one."
        ),
        Step.CUE: _PLACE,
        Step.MOVE: _PLACE,
        Step.AIR: Need("message", code="message_missing", detail="Airing needs the id of the message that it becomes."),
    }
)

FIRST_PARTS: Final = frozenset({"text", "opinions"})
"""What the first step of a submission takes as well: what the plug-ins have found."""


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
        text: The new text. Which step takes it, and each of these, is in `PARTS`.
        reason: What the author may see.
        into: The id of the submission that will speak for it.
        rank: The place on the run sheet.
        message: The id of the message that it becomes.
        opinions: What the plug-ins said.
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
            is and who brought it about. `nothing_to_undo`; `not_your_step`: another took the last step; says who.
        InvalidInput: `part_not_taken`; a code of `NEEDS`; `merges_itself`.
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
    _check_parts(submission, decision)
    text = submission.text if decision.text is None else decision.text
    changed = text != submission.text
    return Submission(  # not `replace`, which takes three times as long: each submission comes by here
        submission.number,
        submission.id,
        submission.room,
        submission.source,
        submission.source_id,
        submission.person,
        submission.name,
        text,
        submission.at,
        state,
        original=submission.original if submission.original is not None or not changed else submission.text,
        reason=decision.reason if state is not submission.state else submission.reason,
        by=decision.by,
        decided_at=decision.at,
        merged_into=decision.into if state is State.MERGED else None,
        message=decision.message or submission.message,
        rank=(decision.rank or submission.rank) if state is State.CUED else "",
        pinned=_pinned(submission, decision.step, state),
        opinions=decision.opinions or submission.opinions,
        before=None if decision.step in FINAL else _before(submission),
    )


def _undone(submission: Submission, decision: Decision) -> Submission:
    before = submission.before
    if before is None or before.state is State.RECEIVED:
        raise TransitionRefused("There is no step that could be taken back.", code="nothing_to_undo")
    _check_parts(submission, decision)
    if submission.by != decision.by:
        raise TransitionRefused(
            f"The last step was taken by {submission.by}; undo takes back your own.", code="not_your_step"
        )
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


_ABSENT: Final = {part.name: part.default for part in fields(Decision) if part.default is not MISSING}
"""The parts of a decision, as they are when they are not given."""


def _check_parts(submission: Submission, decision: Decision) -> None:
    given = {part for part, absent in _ABSENT.items() if getattr(decision, part) != absent}
    taken = PARTS[decision.step] | (FIRST_PARTS if submission.state is State.RECEIVED else frozenset())
    if stray := given - taken:
        raise InvalidInput(f"{decision.step} takes no {min(stray)}.", code="part_not_taken")
    need = NEEDS.get(decision.step)
    if need is not None and need.part not in given:
        raise InvalidInput(need.detail, code=need.code)
    if decision.into == decision.submission:
        raise InvalidInput("A submission can't be merged into itself.", code="merges_itself")
