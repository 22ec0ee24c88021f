"""Every change of a submission, told once to whoever wants to know: its author, the desk, the plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fanout.core.submission import Decision, State, Step, Submission


@dataclass(frozen=True, slots=True)
class Change:
    """A submission as it stands after something has happened to it.

    Args:
        decision: What was done; None: it has come in.
        leader: When what was done was done to another one, which speaks for this one since they were merged: that one.
    """

    submission: Submission
    decision: Decision | None = None
    leader: Submission | None = None

    @property
    def step(self) -> Step | None:
        """The step; None: it has come in."""
        return None if self.decision is None else self.decision.step

    @property
    def by(self) -> str:
        """Who took it; empty when it has come in."""
        return "" if self.decision is None else self.decision.by

    @property
    def at(self) -> int:
        """When, in milliseconds since 1970, UTC."""
        return self.submission.at if self.decision is None else self.decision.at

    @property
    def told(self) -> Submission:
        """The submission as its author is to hear of it: what was merged shares the fate of the one that speaks for
        it."""
        if self.leader is None:
            return self.submission
        return replace(self.submission, state=self.leader.state, reason=self.leader.reason, message=self.leader.message)


Heard = Callable[[Change], None]


class Changes:
    """Who hears of changes. In the order of the decisions on each submission."""

    def __init__(self) -> None:
        self._heard: dict[object, Heard] = {}

    def subscribe(self, heard: Heard) -> Callable[[], None]:
        """Have `heard` called with every change from now on, once it is durable; return what ends that.

        It is called in the event loop, thousands of times a second at worst; it must be quick and must not raise.
        """
        key = object()
        self._heard = {**self._heard, key: heard}

        def end() -> None:
            self._heard = {kept: heard for kept, heard in self._heard.items() if kept is not key}

        return end

    def tell(self, change: Change) -> None:
        """Tell everybody."""
        for heard in self._heard.values():
            heard(change)

    def tell_all(self, submissions: Sequence[Submission], decisions: Sequence[Decision]) -> None:
        """Tell of every step that was taken in one call of the store, which says of each how it stands in the end."""
        for submission, decision in zip(submissions, decisions, strict=True):
            if decision.step is Step.APPROVE and submission.state is State.AIRED:
                submission = replace(submission, state=State.APPROVED, message=None)
            self.tell(Change(submission, decision))
