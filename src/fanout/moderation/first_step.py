"""What is done first with a submission, by the mode of its room and by what the plug-ins say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanout.core.room import Mode
from fanout.core.submission import Decision, Step
from fanout.core.verdict import Opinion, VerdictKind, strongest
from fanout.engine.room import new_message_id

THE_ROOM = "the room"
"""Who decides where nobody does: an open room lets live what nothing is said against, a moderated one holds it."""


@dataclass(frozen=True, slots=True)
class FirstWord:
    """What was found out about a submission, for whoever takes its first step.

    Args:
        text: The text to go on with; None: as it came.
        refused_by: Who refuses it whatever the plug-ins say: a ban, say. Empty: nobody.
        reason: With `refused_by`, what the author may see.
    """

    text: str | None = None
    opinions: tuple[Opinion, ...] = ()
    refused_by: str = ""
    reason: str = ""

    @property
    def audited(self) -> bool:
        """Whether somebody, or a rule, has decided on it already."""
        return bool(self.refused_by) or strongest(self.opinions) is not None


def first_steps(submission_id: str, word: FirstWord, *, mode: Mode, muted: bool, at: int) -> Sequence[Decision]:
    """One step, or in an open room two: approved, then aired. `at` is in milliseconds since 1970, UTC."""
    if word.refused_by:
        return [_decision(submission_id, Step.REJECT, word.refused_by, at, word, word.reason)]
    decisive = strongest(word.opinions)
    if decisive is not None:
        by = f"plug-in {decisive.plugin}"
        if decisive.kind is VerdictKind.REJECT:
            return [_decision(submission_id, Step.REJECT, by, at, word, decisive.reason)]
        return [_decision(submission_id, Step.HOLD, by, at, word)]
    if mode is not Mode.OPEN or muted:
        return [_decision(submission_id, Step.HOLD, THE_ROOM, at, word)]
    return [
        _decision(submission_id, Step.APPROVE, THE_ROOM, at, word),
        Decision(submission_id, Step.AIR, THE_ROOM, at, message=new_message_id()),
    ]


def _decision(submission_id: str, step: Step, by: str, at: int, word: FirstWord, reason: str = "") -> Decision:
    return Decision(submission_id, step, by, at, text=word.text, reason=reason, opinions=word.opinions)
