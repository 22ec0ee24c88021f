"""Submissions that another one speaks for: who they are, and what they must be told or given back."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import trio

from fanout.core.submission import Decision, State, Step, Submission
from fanout.errors import StoreUnavailable, TransitionRefused
from fanout.moderation.changes import Change, Changes
from fanout.moderation.ports import Query, Store

SPEAKS: Final = frozenset({State.HELD, State.APPROVED, State.CUED, State.AIRED, State.ANSWERED})
"""States in which a submission can speak for others."""

SHARED: Final = frozenset({Step.REJECT, Step.AIR, Step.ANSWER, Step.RETRACT})
"""Steps of which the authors of the merged are told too."""

MAX_AT_ONCE: Final = 500
"""Submissions merged in one call, and read at a time. 60,000 people asked one and the same thing: they are merged in
more than one."""


RETRY_SECONDS: Final = 1.0
"""Before the next attempt to find out whom to tell, when the store can't be read."""


class Merging:
    """Follows merges: directly, or through one that was itself merged later. `run` comes first."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes
        self._untold: deque[tuple[Submission, Decision]] = deque()
        self._news = trio.Event()

    async def check_into(self, into: str) -> None:
        """Do nothing if this one can speak for those. That it is there, in the same room and not merged, the store
        checks.

        Raises:
            TransitionRefused: `merge_into_closed`.
        """
        leader = await self._store.find(into)
        if leader is not None and leader.state not in SPEAKS and leader.state is not State.MERGED:
            raise TransitionRefused(f"That one is {leader.state}; it can't speak for others.", code="merge_into_closed")

    async def check_undo(self, submission: Submission) -> None:
        """Do nothing if undoing its last step leaves no merge without an end.

        Raises:
            TransitionRefused: `merge_into_closed`: the one that it was merged into can't speak for it any more.
        """
        before = submission.before
        if before is None or before.merged_into is None:
            return
        leader = await self._store.find(before.merged_into)
        if leader is None or leader.state not in SPEAKS:
            raise TransitionRefused("What it was merged into can't speak for it any more.", code="merge_into_closed")

    async def followers(self, leader: Submission) -> AsyncIterator[list[Submission]]:
        """Everything that it speaks for, some at a time. Errors of reading are the store's."""
        leaders = [leader.id]
        for speaker in leaders:
            after = 0
            while True:
                query = Query(
                    room=leader.room,
                    states=frozenset({State.MERGED}),
                    after=after,
                    limit=MAX_AT_ONCE,
                    merged_into=speaker,
                )
                page = await self._store.page(query)
                if not page:
                    break
                after = page[-1].number
                leaders += [submission.id for submission in page]
                yield page

    def tell(self, leader: Submission, decision: Decision) -> None:
        """Tell the authors of everything that it speaks for, if it concerns them; in the background, for they may be
        many."""
        if decision.step in SHARED:
            self._untold.append((leader, decision))
            self._news.set()

    async def run(self) -> None:
        """Tell, until cancelled."""
        while True:
            while not self._untold:
                self._news = trio.Event()
                await self._news.wait()
            try:
                await self._tell(*self._untold[0])
                self._untold.popleft()
            except StoreUnavailable:  # some hear it twice then, which says nothing else than once
                await trio.sleep(RETRY_SECONDS)

    async def _tell(self, leader: Submission, decision: Decision) -> None:
        async for page in self.followers(leader):
            for submission in page:
                self._changes.tell(Change(submission, decision, leader))

    async def give_back(self, leader: Submission, by: str, at: int) -> None:
        """It speaks for nobody any more: those merged into it are held again, each for itself."""
        while page := await self._store.page(
            Query(room=leader.room, states=frozenset({State.MERGED}), limit=MAX_AT_ONCE, merged_into=leader.id)
        ):
            decisions = [Decision(submission.id, Step.UNMERGE, by, at) for submission in page]
            self._changes.tell_all(await self._store.decide(decisions), decisions)
