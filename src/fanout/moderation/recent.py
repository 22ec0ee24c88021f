"""The newest submissions of a room, from a store whose pages go forwards only."""

from __future__ import annotations

from typing import Final

from fanout.core.submission import Submission
from fanout.moderation.ports import Query, Store

MAX_RECENT: Final = 10_000
"""Submissions given at once: what a plug-in that compares with earlier ones remembers of a room."""

_FIRST_SPAN: Final = 1000


async def recent(store: Store, room: str, limit: int) -> list[Submission]:
    """Up to `limit` of the newest, oldest first. Some dozens of short reads. Errors and cancelling are the store's."""
    head = await _newest_number(store)
    span = max(_FIRST_SPAN, limit)
    while True:
        after = max(head - span, 0)
        found: list[Submission] = []
        while page := await store.page(Query(room=room, after=found[-1].number if found else after, limit=500)):
            found += page
        if len(found) >= limit or not after:
            return found[-limit:] if limit > 0 else []
        span *= 4


async def _newest_number(store: Store) -> int:
    """The highest number that was given, found by halves."""
    low, high = 0, 1
    while await store.page(Query(after=high, limit=1)):
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if await store.page(Query(after=middle, limit=1)):
            low = middle + 1
        else:
            high = middle
    return low
