"""Where plug-ins' calls that may wait are carried out: each in a task of its own, which its caller can leave behind.

The tasks are trio's system tasks, not children of a nursery: a plug-in that shields itself and never ends would keep a
nursery from closing, and with it the server from writing down what it has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any, Final, Protocol

import structlog
import trio

STOP_GRACE_SECONDS: Final = 5.0
"""How long cancelled calls may take to clean up when the server stops."""


class Caller(Protocol):
    """Whose call it is, for those who must name it."""

    plugin_name: str
    hook: str

    def blocked(self, seconds: float) -> None:
        """The event loop stood still for so long."""
        ...


class Job:
    """One call: what it does, and how it ended. Whoever started it may `cancel` it at any time, also after it ended."""

    __slots__ = ("answer", "blocked", "caller", "done", "error", "scope")

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.scope = trio.CancelScope()
        self.done = trio.Event()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.blocked = False
        """Whether it kept the event loop to itself for too long."""

    def cancel(self) -> None:
        """Ask it to end. It need not obey."""
        self.scope.cancel()


JOB: ContextVar[Job | None] = ContextVar("fanout_hook_job", default=None)
"""The call that this task belongs to. Tasks that a plug-in starts inherit it."""


class Crew:
    """All calls under way."""

    def __init__(self) -> None:
        self.working = False
        """Whether calls may be started."""
        self._jobs: set[Job] = set()

    def start(
        self, caller: Caller, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...],
        ended: Callable[[], None],
    ) -> Job:  # fmt: skip
        """Begin a call. `ended` is called when it has really come to its end, however long that takes."""
        job = Job(caller)
        self._jobs.add(job)
        context = copy_context()
        context.run(JOB.set, job)
        name = f"{caller.plugin_name}.{caller.hook}"
        trio.lowlevel.spawn_system_task(self._work, job, function, arguments, ended, name=name, context=context)
        return job

    async def _work(
        self, job: Job, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...], ended: Callable[[], None]
    ) -> None:
        try:
            async with trio.open_nursery() as nursery:  # so that what a plug-in leaves open breaks this, not trio
                nursery.start_soon(self._call, job, function, arguments)
        except BaseException as error:  # a task of its own ends here: nothing that a plug-in raises may go further
            job.error = error
        self._jobs.discard(job)
        job.done.set()
        ended()

    async def _call(self, job: Job, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> None:
        with job.scope:
            job.answer = await function(*arguments)

    async def close(self) -> None:
        """Start nothing more, cancel every call, and wait for those that obey. Not cancellable; takes no longer than
        `STOP_GRACE_SECONDS`, then it names those that go on."""
        self.working = False
        for job in self._jobs:
            job.cancel()
        with trio.move_on_after(STOP_GRACE_SECONDS, shield=True):
            for job in tuple(self._jobs):
                await job.done.wait()
        for job in self._jobs:
            structlog.get_logger().error("plugin_does_not_stop", plugin=job.caller.plugin_name, hook=job.caller.hook)
