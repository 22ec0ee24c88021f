"""Where plug-ins' calls that may wait are carried out: each in a task that its caller can leave behind.

The tasks are trio's system tasks, not children of a nursery: a plug-in that shields itself and never ends would keep a
nursery from closing, and with it the server from writing down what it has. Making one, and in it the nursery that takes
the blow when a plug-in leaves something open, costs three times as much as the call: a task whose call ended cleanly
waits for the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any, Final, Protocol

import structlog
import trio

STOP_GRACE_SECONDS: Final = 5.0
"""How long cancelled calls may take to clean up when the server stops."""

MOST_IDLE: Final = 64
"""Tasks that wait for their next call. What a burst needed beyond that is let go: 5 KB each."""


class Caller(Protocol):
    """Whose call it is, for those who must name it."""

    plugin_name: str
    hook: str

    def blocked(self, seconds: float) -> None:
        """The event loop stood still for so long."""
        ...


class Job:
    """One call: what it does, and how it ended. Whoever started it may `cancel` it at any time, also after it ended."""

    __slots__ = ("answer", "arguments", "blocked", "caller", "done", "ended", "error", "function", "scope")

    def __init__(
        self, caller: Caller, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...],
        ended: Callable[[], None],
    ) -> None:  # fmt: skip
        self.caller, self.function, self.arguments, self.ended = caller, function, arguments, ended
        self.scope = trio.CancelScope()
        self.done = trio.Event()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.blocked = False
        """Whether it kept the event loop to itself for too long."""

    def cancel(self) -> None:
        """Ask it to end. It need not obey."""
        if not self.done.is_set():
            self.scope.cancel()


JOB: ContextVar[Job | None] = ContextVar("fanout_hook_job", default=None)
"""The call that this task belongs to. Tasks that a plug-in starts inherit it."""


class Hand:
    """A task that carries out calls, one after another; without a `job` it waits for one, or is to go."""

    __slots__ = ("job", "task")

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job
        self.task: trio.lowlevel.Task | None = None


class Crew:
    """All calls under way."""

    def __init__(self) -> None:
        self.working = False
        """Whether calls may be started."""
        self._jobs: set[Job] = set()
        self._idle: list[Hand] = []

    def start(
        self, caller: Caller, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...],
        ended: Callable[[], None],
    ) -> Job:  # fmt: skip
        """Begin a call. `ended` is called when it has really come to its end, however long that takes."""
        job = Job(caller, function, arguments, ended)
        self._jobs.add(job)
        context = copy_context()
        context.run(JOB.set, job)
        if self._idle:
            hand = self._idle.pop()
            assert hand.task is not None
            hand.job, hand.task.context = job, context  # what the call before set in its context, this one does not see
            trio.lowlevel.reschedule(hand.task)
        else:
            trio.lowlevel.spawn_system_task(self._work, Hand(job), name="fanout plug-in calls", context=context)
        return job

    async def _work(self, hand: Hand) -> None:
        error: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:  # so that what a plug-in leaves open breaks this, not trio
                nursery.start_soon(self._carry_out, hand)
        except BaseException as raised:  # a task of its own ends here: nothing that a plug-in raises may go further
            error = raised
        if hand.job is not None:
            hand.job.error = error
            self._end(hand)

    async def _carry_out(self, hand: Hand) -> None:
        hand.task = trio.lowlevel.current_task()
        while (job := hand.job) is not None:
            with job.scope:
                job.answer = await job.function(*job.arguments)
            if hand.task.child_nurseries:
                return  # which trio tells the nursery around this task, and that `_work`
            self._end(hand)
            if not self.working or len(self._idle) >= MOST_IDLE:
                return
            self._idle.append(hand)
            await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)

    def _end(self, hand: Hand) -> None:
        job, hand.job = hand.job, None
        assert job is not None
        self._jobs.discard(job)
        job.arguments = ()  # the context goes on knowing the job, and with it would keep what a visitor wrote
        job.done.set()
        job.ended()

    async def close(self) -> None:
        """Start nothing more, cancel every call, and wait for those that obey. Not cancellable; takes no longer than
        `STOP_GRACE_SECONDS`, then it names those that go on."""
        self.working = False
        while self._idle:
            hand = self._idle.pop()
            assert hand.task is not None
            trio.lowlevel.reschedule(hand.task)
        for job in self._jobs:
            job.cancel()
        with trio.move_on_after(STOP_GRACE_SECONDS, shield=True):
            for job in tuple(self._jobs):
                await job.done.wait()
        for job in self._jobs:
            structlog.get_logger().error("plugin_does_not_stop", plugin=job.caller.plugin_name, hook=job.caller.hook)
