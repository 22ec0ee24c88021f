"""One hook of one plug-in: how it is called, so that whatever it does, the caller has an answer by the deadline.

A hook that never awaits is run on the spot: one `send(None)`, no task, no cancel scope. Whether it ever awaits is read
from its bytecode, once: having begun in one task, it could not be continued in another. Any other is run in a task of
its own, which the caller leaves behind at the deadline; it keeps its place under the cap until it has really ended.
"""

from __future__ import annotations

import dis
import traceback
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from time import perf_counter
from typing import Any, Final

import structlog
import trio

from fanout.core.breaker import Breaker
from fanout.core.histogram import Histogram
from fanout.moderation.hooks.crew import Crew, Job
from fanout.moderation.hooks.plugin import Plugin
from fanout.moderation.hooks.watchdog import BLOCKED_SECONDS, Watchdog

BOUNDS_SECONDS: Final = (
    0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""From ten microseconds (a word list) to the longest deadline."""

_AWAITING: Final = frozenset({"GET_AWAITABLE", "GET_ANEXT", "SEND", "YIELD_VALUE"})


class Failure(StrEnum):
    """Why there is no answer: the label `kind` of the metrics."""

    TIMEOUT = "timeout"
    BUSY = "busy"
    """The deadline passed while it waited for its turn."""
    ERROR = "error"
    WRONG_ANSWER = "wrong_answer"
    BREAKER = "breaker"
    """It failed so often that it is left alone for a while."""
    BLOCKED = "blocked"
    """It answered, but kept the event loop to itself meanwhile."""
    DROPPED = "dropped"
    """A notification did not fit in the queue."""
    STOPPED = "stopped"
    """The server is not running yet, or no more."""


def never_awaits(function: Callable[..., Any]) -> bool:
    """Whether an async function has no place at which it could wait."""
    code = getattr(function, "__code__", None)
    return code is not None and not any(step.opname in _AWAITING for step in dis.get_instructions(code))


class Calls:
    """The calls of one hook of one plug-in, and what they have cost."""

    def __init__(
        self, plugin: Plugin, hook: str, crew: Crew, watchdog: Watchdog, fault: Callable[[Any], str] | None = None
    ) -> None:
        """`fault` says of an answer what is wrong with it; empty: nothing. Without it, answers don't matter."""
        self.plugin, self.hook, self.plugin_name = plugin, hook, plugin.name
        self.seconds = Histogram(BOUNDS_SECONDS)
        self.failures: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.breaker = Breaker()
        self.at_once = never_awaits(getattr(plugin.object, hook))
        """Whether `ask_now` will do."""
        self._function = getattr(plugin.object, hook)
        self._fault = fault
        self._crew, self._watchdog = crew, watchdog
        self._turns = trio.Semaphore(plugin.concurrency)

    @property
    def under_way(self) -> int:
        """Calls in tasks of their own that have not ended, those that nobody waits for included."""
        return self.plugin.concurrency - self._turns.value

    async def ask(self, *arguments: Any) -> Any:
        """Its answer, or the `Failure` that stands for it. Raises nothing but `trio.Cancelled`; cancelling it cancels
        the call."""
        return self.ask_now(*arguments) if self.at_once else await self._ask_elsewhere(arguments)

    def ask_now(self, *arguments: Any) -> Any:
        """The same, for a hook that never awaits."""
        breaker = self.breaker
        ticket = breaker.ticket if breaker.closed else breaker.admit(trio.current_time())
        if ticket is None:
            return self.fail(Failure.BREAKER)
        watchdog = self._watchdog
        watchdog.since = begun = perf_counter()
        watchdog.doing = self
        error: BaseException | None = None
        answer = None
        try:
            self._function(*arguments).send(None)
        except StopIteration as done:  # always, where nothing is awaited
            answer = done.value
        except KeyboardInterrupt:
            breaker.withdrawn(ticket)
            raise
        except BaseException as raised:  # SystemExit too: a plug-in does not end the server
            error = raised
        finally:
            watchdog.doing = None
        elapsed = perf_counter() - begun
        blocked = elapsed > BLOCKED_SECONDS
        if blocked:
            self.blocked(elapsed)
        return self._settled(ticket, answer, error, elapsed, blocked=blocked)

    async def _ask_elsewhere(self, arguments: tuple[Any, ...]) -> Any:
        ticket = self.breaker.admit(trio.current_time())
        if ticket is None:
            return self.fail(Failure.BREAKER)
        begun = perf_counter()
        job: Job | None = None
        settled = False
        try:
            with trio.move_on_after(self.plugin.deadline):
                try:
                    self._turns.acquire_nowait()
                except trio.WouldBlock:
                    await self._turns.acquire()
                if not self._crew.working:
                    self._turns.release()
                    return self.fail(Failure.STOPPED)
                job = self._crew.start(self, self._function, arguments, self._turns.release)
                await job.done.wait()
            settled = True
        finally:
            if job is not None:
                job.cancel()
            if not settled:
                self.breaker.withdrawn(ticket)
        if job is None:
            return self._failed(ticket, Failure.BUSY)
        if not job.done.is_set():
            self.seconds.observe(perf_counter() - begun)
            return self._failed(ticket, Failure.TIMEOUT)
        if job.error is None and job.scope.cancelled_caught:
            self.breaker.withdrawn(ticket)
            return self.fail(Failure.STOPPED)
        return self._settled(ticket, job.answer, job.error, perf_counter() - begun, blocked=job.blocked)

    def _settled(self, ticket: int, answer: Any, error: BaseException | None, elapsed: float, *, blocked: bool) -> Any:
        self.seconds.observe(elapsed)
        if error is not None:
            return self._failed(ticket, Failure.ERROR, error=kind_of(error), where=place_of(error))
        if answer is not None and self._fault is not None and (fault := self._fault(answer)):
            return self._failed(ticket, Failure.WRONG_ANSWER, error=fault)
        if blocked:
            self._count_against(ticket)
        else:
            self.breaker.succeeded(ticket)
        return answer

    def _failed(self, ticket: int, kind: Failure, **details: str) -> Failure:
        log = structlog.get_logger()
        log.warning("plugin_failed", plugin=self.plugin_name, hook=self.hook, kind=str(kind), **details)
        self._count_against(ticket)
        return self.fail(kind)

    def _count_against(self, ticket: int) -> None:
        pause = self.breaker.failed(ticket, trio.current_time())
        if pause is not None:
            structlog.get_logger().error("plugin_switched_off", plugin=self.plugin_name, hook=self.hook, seconds=pause)

    def fail(self, kind: Failure) -> Failure:
        """Count a failure, and return it."""
        self.failures[kind] += 1
        return kind

    def blocked(self, seconds: float) -> None:
        """The event loop stood still for so long: say whose doing it was."""
        self.failures[Failure.BLOCKED] += 1
        structlog.get_logger().warning(
            "plugin_blocked", plugin=self.plugin_name, hook=self.hook, seconds=round(seconds, 3)
        )


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def kind_of(error: BaseException) -> str:
    """What was raised. Not its message: that may quote what a visitor wrote."""
    return type(_innermost(error)).__name__


def place_of(error: BaseException) -> str:
    """The file and the line that raised it."""
    steps = traceback.extract_tb(_innermost(error).__traceback__)
    return f"{steps[-1].filename}:{steps[-1].lineno}" if steps else ""
