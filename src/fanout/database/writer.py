"""The one thread that writes to a database, and how its results come back to the event loop.

Requests wait in a queue; the thread takes all there are, commits them together and hands the results over in the order
of the commits: first the news of what is new, then everybody's answer. While one group waits for the disk the next one
gathers, so under load a commit carries more, by itself.

When a commit fails, everybody in it is told, nothing is kept, and the database counts as unavailable until a write has
succeeded: the next request's, or that of a probe once a second, so that it is found out without anybody's message.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import outcome
import trio

from fanout.errors import FanoutError

GROUP_WEIGHT: Final = 2000
"""Rows that end the gathering of a group: about 40 ms of work, so that nobody waits for an endless transaction."""

TEND_SECONDS: Final = 1.0
"""Between two probes while unavailable, and between two tries to erase while a stranger's reader is in the way."""


Request = TypeVar("Request")
Taken = TypeVar("Taken", contravariant=True)


@dataclass(frozen=True, slots=True)
class Committed:
    """One result for each request, in order; what everybody should hear of, in the order of the commits; and whether
    the disk has been written to."""

    results: Sequence[Any]
    news: Sequence[Any]
    wrote: bool


class Ledger(Protocol[Taken]):
    """What happens within a transaction. Synchronous, and used by the writer's thread only."""

    @property
    def unerased(self) -> bool:
        """Whether something that is to be gone may still be read in a file; then `erase` is called now and then."""
        ...

    def weight(self, request: Taken) -> int:
        """About how many rows it will write."""
        ...

    def commit(self, requests: Sequence[Taken]) -> Committed:
        """Do all of it in one durable transaction; what is refused on its own grounds has an exception as its result.

        Raises:
            sqlite3.Error: Nothing of it happened.
        """
        ...

    def probe(self) -> None:
        """A small transaction that really writes, without waiting for anybody's lock.

        Raises:
            sqlite3.Error: Writing is not possible.
        """
        ...

    def erase(self) -> None:
        """Try to erase; `unerased` says whether it succeeded."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Request]):
    request: Request
    task: trio.lowlevel.Task


class Writer(Generic[Request]):
    """Runs `ledger` in a thread of its own. To be made, and used, in the event loop's thread.

    Args:
        on_commit: Called in the event loop with what is new, before those who brought it have their answer. It must not
            raise.
        refusal: The error that everybody gets when a commit failed for this cause.
        name: The thread's.
        pace_seconds: From the beginning of one commit to that of the next, at the least: under load fewer commits carry
            more each. What comes after a rest does not wait.
    """

    def __init__(
        self,
        ledger: Ledger[Request],
        on_commit: Callable[[Sequence[Any]], None],
        refusal: Callable[[Exception], FanoutError],
        name: str,
        pace_seconds: float = 0.0,
    ) -> None:
        self._ledger = ledger
        self._on_commit = on_commit
        self._refusal = refusal
        self._pace_seconds = pace_seconds
        self._begun_at = 0.0
        self._token = trio.lowlevel.current_trio_token()
        self._queue: queue.SimpleQueue[_Waiting[Request] | None] = queue.SimpleQueue()
        self.available = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, request: Request) -> Any:
        """Have `request` done and return its result. Not cancellable once begun: it may be written already.

        It waits for at most two groups, each of them bounded by SQLite's wait for locks.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._queue.put(_Waiting(request, trio.lowlevel.current_task()))
        return await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)

    async def aclose(self) -> None:
        """Finish everything submitted so far, then end the thread and close the ledger. Not cancellable."""
        self._queue.put(None)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)

    def _run(self) -> None:
        tend_at: float | None = None
        ending = False
        while not ending:
            group, ending = self._gather(None if tend_at is None else max(tend_at - time.monotonic(), 0))
            if group:
                self._serve(group)
            if tend_at is not None and time.monotonic() >= tend_at:
                self._tend()
                tend_at = None
            if tend_at is None and (self._ledger.unerased or not self.available):
                tend_at = time.monotonic() + TEND_SECONDS
        self._ledger.close()

    def _gather(self, patience: float | None) -> tuple[list[_Waiting[Request]], bool]:
        group: list[_Waiting[Request]] = []
        weight = 0
        with contextlib.suppress(queue.Empty):
            waiting = self._queue.get(timeout=patience)
            self._keep_pace()
            while waiting is not None:
                group.append(waiting)
                weight += self._ledger.weight(waiting.request)
                if weight >= GROUP_WEIGHT:
                    return group, False
                waiting = self._queue.get_nowait()
            return group, True
        return group, False

    def _keep_pace(self) -> None:
        rest = self._begun_at + self._pace_seconds - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        self._begun_at = time.monotonic()

    def _serve(self, group: Sequence[_Waiting[Request]]) -> None:
        try:
            committed = self._ledger.commit([waiting.request for waiting in group])
        except (sqlite3.OperationalError, sqlite3.InternalError) as error:
            self._refuse(group, error)
        except Exception as error:
            if type(error) is sqlite3.DatabaseError:  # a damaged file; its subclasses are about one request's values
                self._refuse(group, error)
            elif len(group) > 1:  # one of them brought it about: each on its own
                for waiting in group:
                    self._serve([waiting])
            else:
                self._hand_over(group, Committed([error], [], wrote=False))
        else:
            self.available = self.available or committed.wrote
            self._hand_over(group, committed)

    def _refuse(self, group: Sequence[_Waiting[Request]], cause: Exception) -> None:
        self.available = False
        results = []
        for _ in group:
            refusal = self._refusal(cause)
            refusal.__cause__ = cause
            results.append(refusal)
        self._hand_over(group, Committed(results, [], wrote=False))

    def _hand_over(self, group: Sequence[_Waiting[Request]], committed: Committed) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._deliver, group, committed)

    def _deliver(self, group: Sequence[_Waiting[Request]], committed: Committed) -> None:
        if committed.news:
            self._on_commit(committed.news)
        for waiting, result in zip(group, committed.results, strict=True):
            answer = outcome.Error(result) if isinstance(result, Exception) else outcome.Value(result)
            trio.lowlevel.reschedule(waiting.task, answer)

    def _tend(self) -> None:
        if not self.available:
            with contextlib.suppress(sqlite3.Error):
                self._ledger.probe()
                self.available = True
        if self._ledger.unerased:
            self._ledger.erase()
