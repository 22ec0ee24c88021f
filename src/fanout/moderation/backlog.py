"""Reviews in the background what was taken in before the plug-ins had spoken: oldest first, also after a restart."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Final

import structlog
import trio

from fanout.core.submission import Submission
from fanout.errors import StoreUnavailable
from fanout.moderation.first_step import FirstWord
from fanout.moderation.ports import Store
from fanout.moderation.register import Register

BATCH: Final = 256
"""Submissions reviewed together and decided on in one commit."""

AT_A_TIME: Final = 32
"""Reviews under way at a time: what waits for an outside service waits together."""

IN_MEMORY: Final = 4096
"""Submissions that wait in memory, some 4 MiB. Those beyond are read from the store again, which has them all."""

TURN_SECONDS: Final = 0.002
"""How long reviews that never wait may go on before everybody else has a turn."""

RETRY_SECONDS: Final = 1.0
"""Before the next attempt when the store fails."""

_log = structlog.get_logger(__name__)

Look = Callable[[Submission], Awaitable[FirstWord]]


class Backlog:
    """What is `received` and has had no first step.

    Args:
        look: Asks whoever has a say.
        at_a_time: Reviews under way at a time; 1 when `look` never waits, since a task for each costs as much as some
            looks.
    """

    def __init__(self, store: Store, register: Register, look: Look, at_a_time: int = AT_A_TIME) -> None:
        self._store = store
        self._register = register
        self._look = look
        self._at_a_time = at_a_time
        self._fresh: deque[Submission] = deque()
        self._behind = True
        """Whether the store has some that are not in `_fresh`: at the start, nobody knows."""
        self._seen = 0
        """Up to this number, nothing in `_fresh` is waiting any more."""
        self._news = trio.Event()

    def add(self, submissions: Sequence[Submission]) -> None:
        """These are durable and wait for a review."""
        if not self._behind and len(self._fresh) + len(submissions) <= IN_MEMORY:
            self._fresh.extend(submissions)
        else:
            self._behind = True
        self._news.set()

    def look_again(self) -> None:
        """Some may have been left behind."""
        self._behind = True
        self._news.set()

    async def run(self) -> None:
        """Review until cancelled."""
        while True:
            try:
                await self._catch_up()
                while self._fresh and not self._behind:
                    batch = [self._fresh.popleft() for _ in range(min(len(self._fresh), BATCH))]
                    await self._review([submission for submission in batch if submission.number > self._seen])
            except StoreUnavailable as problem:
                _log.warning("review_postponed", reason=problem.code)
                self._behind = True
                await trio.sleep(RETRY_SECONDS)
                continue
            if not self._behind and not self._fresh:
                self._news = trio.Event()
                await self._news.wait()

    async def _catch_up(self) -> None:
        """Review everything that the store has. What comes in meanwhile is either seen by the last look, or sets
        `_behind` again."""
        while self._behind:
            self._fresh.clear()  # the store has these too
            self._behind = False
            after = 0
            while page := await self._store.unreviewed(after, BATCH):
                after = page[-1].number
                self._seen = max(self._seen, after)
                await self._review(page)

    async def _review(self, submissions: Sequence[Submission]) -> None:
        found: list[tuple[Submission, FirstWord]] = []
        waiting = iter(submissions)

        async def review() -> None:
            until = perf_counter() + TURN_SECONDS
            for submission in waiting:
                found.append((submission, await self._look(submission)))
                if perf_counter() > until:
                    await trio.lowlevel.checkpoint()
                    until = perf_counter() + TURN_SECONDS

        if (at_a_time := min(self._at_a_time, len(submissions))) == 1:
            await review()
        else:
            async with trio.open_nursery() as nursery:
                for _ in range(at_a_time):
                    nursery.start_soon(review)
        found.sort(key=lambda pair: pair[0].number)
        await self._register.decide(found)
