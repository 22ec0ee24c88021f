"""Who has what in hand at the desk: leases, the moment in which somebody decides, and whose the last step was."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import trio

from fanout.core.lease import Lease, Leases
from fanout.core.principal import Principal
from fanout.core.submission import State, Step, Submission
from fanout.errors import TransitionRefused
from fanout.moderation.people import signature
from fanout.moderation.steps import KEPT_APART, WORKING

SETTLED: Final = frozenset({State.AIRED, State.ANSWERED, State.WITHDRAWN})
"""States in which no moderator has anything to decide any more: what they had in hand falls out of it."""


MAX_LAST_STEPS: Final = 10_000
"""Submissions of which it is remembered who took the last step; of those before, and after a restart, names tell."""


class Hands:
    """The leases of all rooms, in memory: after a restart nobody has anything in hand. `run` tells of their ends.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._leases = Leases()
        self._deciding: dict[str, str] = {}
        """Submissions on which somebody is deciding in this moment, and who."""
        self._last: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """By submission, who took the last step at the desk: two moderators may have one name."""
        self._heard: list[Callable[[Lease], None]] = []
        self._claimed = trio.Event()

    @contextmanager
    def deciding(self, principal: Principal, submission_ids: Sequence[str], step: Step) -> Iterator[None]:
        """Nobody else decides on these until the end of the block.

        Raises:
            TransitionRefused: `leased`: somebody else has one of them in hand, if that matters for this step, or is
                deciding on it in this moment. `not_your_step`: it would undo what another of the same name has done.
        """
        if step in KEPT_APART:
            self._leases.check(submission_ids, _holder(principal), self._clock())
        for submission_id in submission_ids:
            if submission_id in self._deciding:
                raise TransitionRefused(
                    f"{self._deciding[submission_id]} is deciding on this in this moment.", code="leased"
                )
            holder, by = self._last.get(submission_id, ("", ""))
            if step is Step.UNDO and by == signature(principal) and holder != _holder(principal):
                raise TransitionRefused(
                    f"The last step was taken by another {by}; undo takes back your own.", code="not_your_step"
                )
        self._deciding.update(dict.fromkeys(submission_ids, signature(principal)))
        try:
            yield
        finally:
            for submission_id in submission_ids:
                del self._deciding[submission_id]

    def claim(self, principal: Principal, submission: Submission) -> Lease:
        """Take it in hand, or keep it there. Raises TransitionRefused, `leased`."""
        by, now = signature(principal), self._clock()
        lease = self._leases.claim(submission.id, submission.room, _holder(principal), by, now)
        self._tell_ends()
        self._tell(lease)
        self._claimed.set()
        return lease

    def release(self, principal: Principal, submission: Submission) -> None:
        """Lay it down; nothing happens if it was not in this one's hands."""
        holder = _holder(principal)
        if self._leases.release(submission.id, holder):
            self._tell(Lease(submission.id, submission.room, holder, signature(principal), 0))

    def decided(self, principal: Principal, submission: Submission, step: Step) -> None:
        """What is decided is out of hand; what is being worked on stays there, if it was."""
        self._last[submission.id] = _holder(principal), signature(principal)
        self._last.move_to_end(submission.id)
        if len(self._last) > MAX_LAST_STEPS:
            self._last.popitem(last=False)
        if submission.state in SETTLED:
            self.settled(submission)
        elif step not in WORKING:
            self.release(principal, submission)
        elif self._leases.held(submission.id, _holder(principal), self._clock()):
            self.claim(principal, submission)

    def settled(self, submission: Submission) -> None:
        """There is nothing left to decide on it: it is out of everybody's hands."""
        lease = self._leases.drop(submission.id)
        if lease is not None:
            self._tell(replace(lease, until=0))

    def of(self, room: str) -> list[Lease]:
        """What is in whose hands in a room."""
        return self._leases.of(room, self._clock())

    def on_lease(self, hear: Callable[[Lease], None]) -> None:
        """Have `hear` called with every lease that is taken, renewed or (with `until` 0) laid down or at its end.

        It is called in the event loop; it must be quick and must not raise.
        """
        self._heard.append(hear)

    async def run(self) -> None:
        """Tell of leases that end by themselves, as they do, until cancelled."""
        while True:
            self._claimed = trio.Event()
            end = self._leases.next_end
            # At least a millisecond: this clock and trio's go on differently.
            with trio.move_on_after(math.inf if end is None else max(end - self._clock(), 1) / 1000):
                await self._claimed.wait()
            self._tell_ends()

    def _tell_ends(self) -> None:
        for lease in self._leases.over(self._clock()):
            self._tell(replace(lease, until=0))

    def _tell(self, lease: Lease) -> None:
        for hear in self._heard:
            hear(lease)


def _holder(principal: Principal) -> str:
    return principal.subject or signature(principal)
