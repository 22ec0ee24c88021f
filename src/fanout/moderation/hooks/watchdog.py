"""Who made everybody wait: notices when a plug-in keeps the event loop to itself, and names it.

Steps that have ended are timed on the loop. Measured with a bare checkpoint, that makes a step 40 % longer, by some two
microseconds; most of it is trio's own way of calling instruments. A step that does not end is seen by a thread, which
can also say at which line.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import structlog
import trio

from fanout.moderation.hooks.crew import JOB, Caller

BLOCKED_SECONDS: Final = 0.1
"""A step of a plug-in that is longer than this is told: listeners notice."""

STUCK_SECONDS: Final = 1.0
"""A step that is longer than this is told while it lasts: it may never end."""


class Watchdog(trio.abc.Instrument):
    """Times steps. `doing` and `since` are set by calls that are made without a task of their own."""

    def __init__(self) -> None:
        self.doing: Caller | None = None
        self.since = 0.0
        self._task: trio.lowlevel.Task | None = None
        self._begun = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this event loop while the block lasts."""
        ended = threading.Event()
        loop = threading.get_ident()
        thread = threading.Thread(target=self._look, args=(ended, loop), name="fanout plug-in watchdog", daemon=True)
        trio.lowlevel.add_instrument(self)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            trio.lowlevel.remove_instrument(self)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._begun = perf_counter()
        self._task = task

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._task = None
        seconds = perf_counter() - self._begun
        if seconds > BLOCKED_SECONDS and (job := task.context.get(JOB)) is not None:
            job.blocked = True
            job.caller.blocked(seconds)

    def _look(self, ended: threading.Event, loop: int) -> None:
        """The thread: every now and then, see whether the loop is still in the same step."""
        told = 0.0
        while not ended.wait(STUCK_SECONDS / 4):
            caller, since = self._at_work()
            if caller is None or since == told or perf_counter() - since < STUCK_SECONDS:
                continue
            told = since
            frame = sys._current_frames().get(loop)
            where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
            structlog.get_logger().error("plugin_blocks", plugin=caller.plugin_name, hook=caller.hook, where=where)

    def _at_work(self) -> tuple[Caller | None, float]:
        """Whose step it is, if a plug-in's, and since when. The loop goes on meanwhile: this may be a moment old."""
        caller, since = self.doing, self.since
        if caller is not None:
            return caller, since
        task, begun = self._task, self._begun
        job = task.context.get(JOB) if task is not None else None
        return (job.caller if job is not None else None), begun
