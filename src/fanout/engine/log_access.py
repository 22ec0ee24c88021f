"""The engine's way to its log: nothing new once closing has begun, and closing waits for what is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import trio

from fanout.core.histogram import Histogram
from fanout.engine.ports import Appended, Log, Publication
from fanout.errors import EngineClosed


class LogAccess:
    """Counts who is using the log, and measures appends."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._in_use = 0
        self._unused = trio.lowlevel.ParkingLot()
        self.closing = False
        self.append_seconds = Histogram()
        """How long the log took for each publication, until it was durable; failures are not in it."""
        self.append_failures = 0

    @property
    def available(self) -> bool:
        """Whether the log takes publications now."""
        return not self.closing and self._log.available

    def check_open(self) -> None:
        """Raise EngineClosed when nothing new is taken any more."""
        if self.closing:
            raise EngineClosed("The engine is shutting down and takes nothing new.")

    @contextmanager
    def use(self) -> Iterator[Log]:
        """The log, for one call; it is not closed before that is over.

        Raises:
            EngineClosed: Closing has begun.
        """
        self.check_open()
        self._in_use += 1
        try:
            yield self._log
        finally:
            self._in_use -= 1
            if not self._in_use:
                self._unused.unpark_all()

    async def append(self, publication: Publication) -> Appended:
        """Append, and note how long it took. Errors and cancelling are the log's own."""
        with self.use() as log:
            began = perf_counter()
            try:
                appended = await log.append(publication)
            except Exception:
                self.append_failures += 1
                raise
            self.append_seconds.observe(perf_counter() - began)
            return appended

    async def aclose(self) -> None:
        """Take nothing new, wait for what was begun, close the log. Not interrupted by cancelling: that takes as long
        as one commit may."""
        self.closing = True
        with trio.CancelScope(shield=True):
            while self._in_use:
                await self._unused.park()
            await self._log.aclose()
