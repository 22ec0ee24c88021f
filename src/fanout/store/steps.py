"""What every store does alike within its transaction: take an arrival, take a step and say it to the audit, empty what
is purged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fanout.core.audit import AuditDraft
from fanout.core.principal import EVERY_ROOM
from fanout.core.submission import Decision, State, Step, Submission, decide
from fanout.core.verdict import strongest
from fanout.errors import InvalidInput, SubmissionNotFound, TransitionRefused
from fanout.moderation.ports import Arrival, Document

Find = Callable[[str], Submission | None]
"""The submission of that id, as it stands in this transaction."""


def numbered(arrival: Arrival, number: int) -> Submission:
    """The arrival as a submission."""
    return Submission(
        number, arrival.id, arrival.room, arrival.source, arrival.source_id, arrival.person, arrival.name,
        arrival.text, arrival.at,
    )  # fmt: skip


def take(decision: Decision, find: Find) -> tuple[Submission, Submission]:
    """The submission before and after this step.

    Raises:
        SubmissionNotFound, TransitionRefused, InvalidInput: as the port's `decide` says.
    """
    submission = _found(decision.submission, find)
    decided = decide(submission, decision)
    if decided.merged_into is not None and submission.state is not State.MERGED:
        _check_target(decided, _found(decided.merged_into, find), decision.step)
    return submission, decided


def _found(submission_id: str, find: Find) -> Submission:
    submission = find(submission_id)
    if submission is None:
        raise SubmissionNotFound("There is no submission of that id.")
    return submission


def _check_target(decided: Submission, target: Submission, step: Step) -> None:
    if target.room != decided.room:
        raise InvalidInput("Submissions of different rooms can't be merged.", code="merge_into_other_room")
    if target.state is State.MERGED:
        if step is Step.UNDO:
            raise TransitionRefused("The one that spoke for it is merged itself by now.", code="nothing_to_undo")
        raise InvalidInput("That submission is merged into another one itself.", code="merge_into_merged")


def told(before: Submission, after: Submission, decision: Decision) -> AuditDraft:
    """The step as the audit has it: no words of a visitor, and no reason, which may repeat them."""
    detail = {"from": before.state.value, "to": after.state.value}
    if after.merged_into is not None:
        detail["into"] = after.merged_into
    if after.message is not None:
        detail["message"] = after.message
    opinion = strongest(decision.opinions)
    if opinion is not None:
        detail["plugin"] = opinion.plugin
        if opinion.rule:
            detail["rule"] = opinion.rule
    return AuditDraft(decision.at, decision.by, decision.step.value, before.room, before.id, detail)


def emptied(submission: Submission) -> Submission:
    """What a purge leaves: who sent it is gone, and all that was said unless it is on air."""
    left = replace(submission, person="", source_id="", original=None, before=None, opinions=())
    if submission.state in (State.AIRED, State.ANSWERED):
        return left
    return replace(left, name="", text="", reason="")


def emptied_line(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a purge leaves of an answer's line: None of a draft; of one that is on air, no text, which the log has
    unless it was taken back."""
    if not body["final"]:
        return None
    return body if body["message"] is None else {**body, "text": ""}


def goes_with_the_last_people(ban: Document) -> bool:
    """Whether a purge after which no room has people takes this ban of another room's too: it was for all of them, or
    it names a telephone by the key that goes now."""
    return ban.room == EVERY_ROOM or (ban.body or {}).get("target", "").startswith("phone:")
