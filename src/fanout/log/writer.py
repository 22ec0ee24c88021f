"""The one thread that writes a log in SQLite, and how its results come back to the event loop.

Requests wait in a queue; the thread takes all there are, commits them together and hands the results over in the order
of the commits: first the news of the entries, then everybody's answer. While one group waits for the disk the next one
gathers, so under load a commit carries more, by itself.

When a commit fails, everybody in it is told, nothing is kept, and the log counts as unavailable until a write has
succeeded: the next request's, or that of a probe once a second, so that it is found out without anybody's message.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import outcome
import trio

from fanout.engine.ports import Commit
from fanout.errors import LogUnavailable
from fanout.log.ledger import Committed, Ledger, Prepared, Request, Result

GROUP_ENTRIES: Final = 2000
"""Entries that end the gathering of a group: about 40 ms of work, so that nobody waits for an endless transaction."""

TEND_SECONDS: Final = 1.0
"""Between two probes while unavailable, and between two tries to erase while a stranger's reader is in the way."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    task: trio.lowlevel.Task


class Writer:
    """Runs `ledger` in a thread of its own. To be made, and used, in the event loop's thread."""

    def __init__(self, ledger: Ledger, on_commit: Commit) -> None:
        self._ledger = ledger
        self._on_commit = on_commit
        self._token = trio.lowlevel.current_trio_token()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.available = True
        self._thread = threading.Thread(target=self._run, name="fanout-log-writer", daemon=True)
        self._thread.start()

    async def submit(self, request: Request) -> Result:
        """Have `request` done and return its result. Not cancellable once begun: it may be written already.

        It waits for at most two groups, each of them bounded by SQLite's wait for locks.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._queue.put(_Waiting(request, trio.lowlevel.current_task()))
        result: Result = await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        return result

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

    def _gather(self, patience: float | None) -> tuple[list[_Waiting], bool]:
        group: list[_Waiting] = []
        entries = 0
        with contextlib.suppress(queue.Empty):
            waiting = self._queue.get(timeout=patience)
            while waiting is not None:
                group.append(waiting)
                entries += len(waiting.request.contents) if isinstance(waiting.request, Prepared) else 1
                if entries >= GROUP_ENTRIES:
                    return group, False
                waiting = self._queue.get_nowait()
            return group, True
        return group, False

    def _serve(self, group: Sequence[_Waiting]) -> None:
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

    def _refuse(self, group: Sequence[_Waiting], cause: Exception) -> None:
        self.available = False
        results: list[Result] = []
        for _ in group:
            refusal = LogUnavailable(f"The log can't be written ({cause}); nothing was published.")
            refusal.__cause__ = cause
            results.append(refusal)
        self._hand_over(group, Committed(results, [], wrote=False))

    def _hand_over(self, group: Sequence[_Waiting], committed: Committed) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._deliver, group, committed)

    def _deliver(self, group: Sequence[_Waiting], committed: Committed) -> None:
        if committed.entries:
            self._on_commit(committed.entries)
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
