"""Any steps in any order, two people at once: only the table's transitions happen, the second of two is refused where
the first excludes it, and an undo brings back exactly what was."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fanout.core.submission import Decision, Source, State, Step, Submission, decide
from fanout.core.verdict import Opinion, VerdictKind
from fanout.errors import InvalidInput, TransitionRefused

ON_THE_SHEET = {State.CUED}
ON_AIR = {State.AIRED, State.ANSWERED}
FINAL = {Step.AIR, Step.ANSWER, Step.RETRACT, Step.WITHDRAW}

LEADS: dict[Step, tuple[set[State], State | None]] = {
    Step.HOLD: ({State.RECEIVED, State.APPROVED, State.REJECTED}, State.HELD),
    Step.APPROVE: ({State.RECEIVED, State.HELD}, State.APPROVED),
    Step.REJECT: ({State.RECEIVED, State.HELD}, State.REJECTED),
    Step.EDIT: ({State.HELD, State.APPROVED, State.CUED}, None),
    Step.WITHDRAW: ({State.RECEIVED, State.HELD, State.APPROVED, State.CUED}, State.WITHDRAWN),
    Step.MERGE: ({State.HELD, State.APPROVED}, State.MERGED),
    Step.UNMERGE: ({State.MERGED}, State.HELD),
    Step.CUE: ({State.APPROVED}, State.CUED),
    Step.MOVE: ({State.CUED}, None),
    Step.PIN: ({State.CUED}, None),
    Step.UNPIN: ({State.CUED}, None),
    Step.SKIP: ({State.CUED}, State.APPROVED),
    Step.AIR: ({State.APPROVED, State.CUED}, State.AIRED),
    Step.ANSWER: (ON_AIR, State.ANSWERED),
    Step.RETRACT: (ON_AIR, State.REJECTED),
}
"""The table once more, in words of the house: from where, and where to (None: it stays)."""

TEXTS = st.sampled_from(["sent", "other", "third", ""])
OPINIONS = (Opinion("words", VerdictKind.HOLD),)
RANKS = st.sampled_from(["a", "i", "z"])


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """A step with what it needs, and nothing that is another's."""
    step = draw(st.sampled_from(Step))
    text = draw(TEXTS) if step is Step.EDIT else draw(st.none() | TEXTS) if step is Step.APPROVE else None
    return Decision(
        "one",
        step,
        draw(st.sampled_from(["Ada", "Bob"])),
        draw(st.integers(1, 100)),
        text=text,
        reason=draw(st.sampled_from(["", "why"])) if step in (Step.REJECT, Step.RETRACT) else "",
        into="two" if step is Step.MERGE else None,
        rank=draw(RANKS) if step in (Step.CUE, Step.MOVE) else "",
        message=draw(st.sampled_from(["m1", "m2"])) if step is Step.AIR else None,
        opinions=draw(st.sampled_from([(), OPINIONS])),
    )


class Deciding(RuleBasedStateMachine):
    """One submission, with what it was before its last step remembered beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Submission(1, "one", "stage", Source.WEB, "s", "visitor:1", "Zoë", "sent", 5)
        self.before: Submission | None = None
        self.texts = {"sent"}

    def _leads(self, step: Step) -> State | None:
        """Where the step leads from here; None: nowhere."""
        if step is Step.UNDO:
            return None if self.before is None or self.before.state is State.RECEIVED else self.before.state
        sources, target = LEADS[step]
        return (target or self.now.state) if self.now.state in sources else None

    @rule(decision=decisions())
    def step(self, decision: Decision) -> None:
        target = self._leads(decision.step)
        if target is None:
            code = "nothing_to_undo" if decision.step is Step.UNDO else "already_decided"
            with pytest.raises(TransitionRefused) as refused:
                decide(self.now, decision)
            assert refused.value.code == code
            return
        if decision.opinions and self.now.state is not State.RECEIVED:  # nobody asks the plug-ins twice
            with pytest.raises(InvalidInput):
                decide(self.now, decision)
            decision = replace(decision, opinions=())
        if decision.step is Step.UNDO and decision.by != self.now.by:
            with pytest.raises(TransitionRefused, match=re.escape(self.now.by)) as refused:
                decide(self.now, decision)
            assert refused.value.code == "not_your_step"
            decision = replace(decision, by=self.now.by)
        after = decide(self.now, decision)
        assert after.state is target
        assert (after.by, after.decided_at) == (decision.by, decision.at)
        if decision.step is Step.UNDO:
            assert self.before is not None
            kept = {"by", "decided_at", "before", "opinions"}
            for name in {field.name for field in fields(Submission)} - kept:
                assert getattr(after, name) == getattr(self.before, name), f"{name} is as it was"
            self.before = None
        else:
            self._changed(after, decision)
            self.before = None if decision.step in FINAL else self.now
        self.now = after

    def _changed(self, after: Submission, decision: Decision) -> None:
        """Only what the step is for has changed."""
        assert after.text == (self.now.text if decision.text is None else decision.text)
        if after.state is not self.now.state:
            assert after.reason == decision.reason
        else:
            assert after.reason == self.now.reason
        if decision.step is Step.AIR:
            assert after.message == decision.message
        else:
            assert after.message == self.now.message
        if decision.step in (Step.CUE, Step.MOVE):
            assert after.rank == decision.rank
        if decision.step in (Step.PIN, Step.UNPIN):
            assert after.pinned is (decision.step is Step.PIN)
        if decision.step in (Step.EDIT, Step.MOVE) and self.now.state in ON_THE_SHEET:
            assert after.pinned is self.now.pinned
        assert after.opinions == (decision.opinions or self.now.opinions)
        self.texts.add(after.text)

    @rule(first=decisions(), second=decisions())
    def two_at_once(self, first: Decision, second: Decision) -> None:
        """The second is decided on what the first has made: what led on only from where both looked, is refused."""
        looked_at = self.now
        self.step(replace(first, by="Ada"))
        if self.now is looked_at or second.step is Step.UNDO or self._leads(second.step) is not None:
            return
        with pytest.raises(TransitionRefused, match=re.escape(f"{self.now.state} already by {self.now.by}")):
            decide(self.now, replace(second, by="Bob"))

    @invariant()
    def what_was_sent_is_known(self) -> None:
        assert "sent" in (self.now.text, self.now.original)
        assert self.now.text in self.texts
        if self.now.original is not None:
            assert self.now.original == "sent"

    @invariant()
    def fields_belong_to_their_states(self) -> None:
        assert bool(self.now.rank) is (self.now.state in ON_THE_SHEET)
        assert self.now.state in ON_THE_SHEET or not self.now.pinned
        assert (self.now.merged_into is not None) is (self.now.state is State.MERGED)
        assert self.now.message is not None or self.now.state not in ON_AIR

    @invariant()
    def what_came_in_stays(self) -> None:
        came = (self.now.number, self.now.id, self.now.room, self.now.source, self.now.source_id, self.now.person)
        assert came == (1, "one", "stage", Source.WEB, "s", "visitor:1")
        assert (self.now.name, self.now.at) == ("Zoë", 5)


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
