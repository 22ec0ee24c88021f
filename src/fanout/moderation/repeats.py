"""What is sent again after a cut is known before anybody has a say about it: the answer is how the first one stands.

To look costs a turn of the store. So those who come at the same moment share one, and what can be no repeat, since its
sender gave it no name, is not looked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from fanout.core.submission import Submission
from fanout.errors import FanoutError
from fanout.moderation.ports import Arrival, SentAs, Store

MAX_AT_ONCE: Final = 256
"""Names looked for together: some milliseconds of the store's reader, which others wait for."""


@dataclass(slots=True, eq=False)
class _Question:
    name: SentAs
    answered: trio.Event = field(default_factory=trio.Event)
    known: Submission | None = None
    failure: FanoutError | None = None


class Repeats:
    """Knows what has come before, and what is on its way in. `run` comes first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on_the_way: dict[SentAs, trio.Event] = {}
        self._questions: list[_Question] = []
        self._news = trio.Event()

    @asynccontextmanager
    async def taking(self, arrival: Arrival) -> AsyncIterator[Submission | None]:
        """Around taking this in: the submission that it repeats, as it stands; or None, and then whoever sends the same
        waits for the end of the block.

        Raises:
            StoreUnavailable: It can't be told now.
        Cancellation: safe.
        """
        name = (arrival.room, arrival.source, arrival.source_id)
        if arrival.source_id == arrival.id:  # its sender gave it no name
            yield None
            return
        while (first := self._on_the_way.get(name)) is not None:
            await first.wait()
        self._on_the_way[name] = done = trio.Event()
        try:
            yield await self._known(name)
        finally:
            del self._on_the_way[name]
            done.set()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            while self._questions:
                some, self._questions = self._questions[:MAX_AT_ONCE], self._questions[MAX_AT_ONCE:]
                await self._answer(some)

    async def _known(self, name: SentAs) -> Submission | None:
        question = _Question(name)
        self._questions.append(question)
        self._news.set()
        await question.answered.wait()
        if question.failure is not None:
            raise question.failure
        return question.known

    async def _answer(self, questions: list[_Question]) -> None:
        try:
            known = await self._store.known([question.name for question in questions])
            for question in questions:
                question.known = known.get(question.name)
        except FanoutError as failure:
            for question in questions:
                question.failure = failure
        finally:
            for question in questions:
                question.answered.set()
