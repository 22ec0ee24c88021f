"""The places on the run sheet: what comes where when it is cued or moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from fanout.core.rank import rank_between
from fanout.core.submission import Submission
from fanout.errors import InvalidInput
from fanout.moderation.ports import Store

MAX_CUED: Final = 1000
"""Submissions on one run sheet; an evening airs fifty. Beyond: `run_sheet_full`."""


class RunSheet:
    """Finds places. The store keeps them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._placing: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)

    async def entries(self, room: str) -> list[Submission]:
        """What is cued: the pinned first, each group by its places.

        Raises:
            StoreUnavailable: It can't be read now.
        """
        return await self._store.run_sheet(room)

    @asynccontextmanager
    async def place(self, submission: Submission, ahead_of: str | None) -> AsyncIterator[str]:
        """A place for this submission, which nobody else is given before the end of the block.

        Args:
            ahead_of: Before this one; None: at the end.
        Raises:
            InvalidInput: `not_on_run_sheet`: that one is not there; `run_sheet_full`.
            StoreUnavailable: It can't be read now.
        """
        async with self._placing[submission.room]:
            entries = await self.entries(submission.room)
            others = [entry for entry in entries if entry.id != submission.id]
            if len(others) >= MAX_CUED:
                raise InvalidInput(f"A run sheet has at most {MAX_CUED} entries.", code="run_sheet_full")
            others.sort(key=lambda entry: (entry.rank, entry.number))
            yield _rank(others, ahead_of)


def _rank(others: list[Submission], ahead_of: str | None) -> str:
    if ahead_of is None:
        return rank_between(others[-1].rank if others else None, None)
    for entry in others:
        if entry.id == ahead_of:
            # Two may have the same place: one that was skipped, and came back when another had been given its place.
            before = [other.rank for other in others if other.rank < entry.rank]
            return rank_between(before[-1] if before else None, entry.rank)
    raise InvalidInput("ahead_of names a submission that is not on the run sheet.", code="not_on_run_sheet")
