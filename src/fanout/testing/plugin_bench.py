"""A bench for authors of plug-ins: their plug-in, called as a server calls it, in a room that a test fills.

Deadlines, the cap, the breaker and the check of answers are the server's own. The clock is virtual: an hour of
`trio.sleep` in a test takes no time. What a server would survive, a test must not: a call that fails fails the test,
unless it says that the plug-in `may_fail`.

    from fanout.testing.plugin_bench import on_bench

    @on_bench(NoShouting)
    async def test_capitals_are_rejected(bench):
        outcome = await bench.submit("WHEN IS DINNER?", by="anna")
        assert outcome.kind == "reject"
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec

import structlog.testing
import trio
import trio.testing

from fanout.moderation.hooks import Hooks, as_plugin
from fanout.plugins import RoomView
from fanout.testing.bench import Bench, BenchApp, Failed, Outcome, PluginFailed

__all__ = ["Bench", "Failed", "Outcome", "PluginFailed", "on_bench", "open_bench"]

P = ParamSpec("P")


@asynccontextmanager
async def open_bench(
    plugin: object,
    *,
    rooms: Sequence[RoomView] = (RoomView("hall"),),
    settings: Mapping[str, Any] = MappingProxyType({}),
    may_fail: bool = False,
) -> AsyncIterator[Bench]:
    """A bench with this plug-in on it, running, for a test that brings its own `trio.run` (`autojump_clock` of
    pytest-trio makes the clock virtual).

    Args:
        settings: What an operator may write in the plug-in's table: `deadline`, `shadow`, `rooms`…
        may_fail: The test is about failures: they don't end it, and stand in `bench.failures`.
    Raises:
        ConfigurationError: It can't be a plug-in; says why.
        PluginFailed: When the block ends: it failed at a notification or in its `run`.
    """
    hooks = Hooks([as_plugin(plugin, origin="the bench", table=settings)])
    with structlog.testing.capture_logs() as log:
        bench = Bench(hooks, rooms, log, may_fail=may_fail)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(hooks.run, BenchApp(bench))
                for room in rooms:
                    bench.notify("room_opened", room)
                yield bench
                for room in rooms:
                    bench.notify("room_closed", room)
                await bench.settle()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise _alone(group) from None
        bench.check()


def _alone(error: BaseException) -> BaseException:
    """What the test raised, without the groups around it: one failed assertion reads as one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def on_bench(
    make: Callable[[], object], *, real_time: bool = False, **settings: Any
) -> Callable[[Callable[Concatenate[Bench, P], Awaitable[None]]], Callable[P, None]]:
    """Make an ordinary test of an async one whose first argument is a bench; fixtures and parameters follow it.

    Args:
        make: Makes the plug-in, anew for each test: its class, or a function without arguments.
        real_time: For a plug-in that uses sockets or threads: a virtual clock would not wait for them.
        settings: `rooms`, `settings` and `may_fail`, as of `open_bench`.
    """

    def decorated(test: Callable[Concatenate[Bench, P], Awaitable[None]]) -> Callable[P, None]:
        @wraps(test)
        def run(*arguments: P.args, **named: P.kwargs) -> None:
            async def all_of_it() -> None:
                async with open_bench(make(), **settings) as bench:
                    await test(bench, *arguments, **named)

            trio.run(all_of_it, clock=None if real_time else trio.testing.MockClock(autojump_threshold=0))

        given = inspect.signature(test)
        run.__signature__ = given.replace(parameters=[*given.parameters.values()][1:])  # type: ignore[attr-defined]
        return run

    return decorated
