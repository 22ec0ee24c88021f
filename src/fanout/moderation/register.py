"""Takes first steps, and takes in single submissions, many to a commit: it is the wait for the disk that costs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from fanout.core.room import Mode
from fanout.core.submission import Decision, State, Step, Submission
from fanout.engine.engine import Engine
from fanout.errors import FanoutError, SubmissionNotFound, TooSoon, TransitionRefused
from fanout.moderation.airing import Airing
from fanout.moderation.changes import Change, Changes
from fanout.moderation.first_step import FirstWord, first_steps
from fanout.moderation.ports import Arrival, Store
from fanout.moderation.rules import Rules

MAX_BATCH: Final = 256
"""Submissions in one commit: some 10 ms of work, which everybody in the batch waits for."""

MAX_WAITING: Final = 10_000
"""Submissions that wait for their commit. At 4,000 a second it is more than two seconds; who comes then is asked to
come back, so that memory has a bound."""

BUSY_SECONDS: Final = 2.0
"""When to come back. Beyond `MAX_WAITING`: `rate_limited`."""


@dataclass(slots=True, eq=False)
class _Entry:
    arrival: Arrival
    word: FirstWord
    done: trio.Event = field(default_factory=trio.Event)
    submission: Submission | None = None
    failure: FanoutError | None = None


class Register:
    """What single submissions pass through, and where every first step is taken.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        rules: Rules,
        airing: Airing,
        changes: Changes,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
        self._rules = rules
        self._airing = airing
        self._changes = changes
        self._clock = clock
        self._entries: deque[_Entry] = deque()
        self._news = trio.Event()

    async def enter(self, arrival: Arrival, word: FirstWord) -> Submission:
        """Keep it and take its first step; return it as it stands then, durable.

        A repeat is returned as it stands. When the store fails between the two, it is returned as `received`, and
        whoever reviews the backlog finds it.

        Raises:
            StoreUnavailable: It was not kept.
            TooSoon: Too many are waiting.
        Cancellation: safe; it may be kept all the same.
        """
        if len(self._entries) >= MAX_WAITING:
            raise TooSoon("Too many messages are coming in at once. Please send it again.", after_s=BUSY_SECONDS)
        entry = _Entry(arrival, word)
        self._entries.append(entry)
        self._news.set()
        await entry.done.wait()
        if entry.failure is not None:
            raise entry.failure
        assert entry.submission is not None
        return entry.submission

    async def run(self) -> None:
        """Take entries until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            while self._entries:
                await self._take([self._entries.popleft() for _ in range(min(len(self._entries), MAX_BATCH))])

    async def _take(self, entries: list[_Entry]) -> None:
        try:
            await self._keep(entries)
        except FanoutError as failure:
            for entry in entries:
                if entry.submission is None:
                    entry.failure = failure
        finally:
            for entry in entries:
                entry.done.set()

    async def _keep(self, entries: list[_Entry]) -> None:
        receipts = await self._store.receive([entry.arrival for entry in entries])
        undecided: dict[str, tuple[Submission, FirstWord]] = {}
        for entry, receipt in zip(entries, receipts, strict=True):
            entry.submission = receipt.submission
            if not receipt.repeated:
                self._changes.tell(Change(receipt.submission))
            if receipt.submission.state is State.RECEIVED:
                undecided.setdefault(receipt.submission.id, (receipt.submission, entry.word))
        decided = {submission.id: submission for submission in await self.decide(list(undecided.values()))}
        for entry in entries:
            assert entry.submission is not None
            entry.submission = decided.get(entry.submission.id, entry.submission)

    async def decide(self, found: Sequence[tuple[Submission, FirstWord]]) -> list[Submission]:
        """Take the first step of each; tell everybody. What somebody else has decided meanwhile is left as it is.

        Returns those that stand differently now, in no order.

        Raises:
            StoreUnavailable: Some are still `received`.
        """
        quiet: list[Sequence[Decision]] = []
        audited: list[Sequence[Decision]] = []
        for submission, word in found:
            steps = self._steps(submission, word)
            (audited if word.audited or len(steps) > 1 else quiet).append(steps)
        decided: list[Submission] = []
        for groups, is_audited in ((quiet, False), (audited, True)):
            if groups:
                decided += await self._decide(groups, is_audited)
        return decided

    def _steps(self, submission: Submission, word: FirstWord) -> Sequence[Decision]:
        room = self._engine.rooms.get(submission.room)
        mode = Mode.MODERATED if room is None else room.settings.mode
        return first_steps(
            submission.id, word, mode=mode, muted=self._rules.of(submission.room).muted, at=self._clock()
        )

    async def _decide(self, groups: Sequence[Sequence[Decision]], audited: bool) -> list[Submission]:
        decisions = [decision for group in groups for decision in group]
        airs = [decision.submission for decision in decisions if decision.step is Step.AIR]
        with self._airing.intended(airs):
            try:
                results = await self._store.decide(decisions, audited=audited)
            except (TransitionRefused, SubmissionNotFound):
                if len(groups) == 1:
                    return await self._as_it_stands(groups[0][0].submission)
                return [one for group in groups for one in await self._decide([group], audited)]
            self._changes.tell_all(results, decisions)
            for submission, decision in zip(results, decisions, strict=True):
                if decision.step is Step.AIR:
                    self._airing.start(submission)
        return list({submission.id: submission for submission in results}.values())

    async def _as_it_stands(self, submission_id: str) -> list[Submission]:
        found = await self._store.find(submission_id)
        return [] if found is None else [found]
