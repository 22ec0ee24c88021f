"""The life of a process that the supervisor has started: it opens, serves, takes leave and ends."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog
import trio

from fanout.server.last_resort import last_resort
from fanout.server.logs import configure_logs
from fanout.server.resources import raise_descriptor_limit, settle_memory
from fanout.server.status_line import StatusLine
from fanout.server.workers.orders import HURRY, READY, RETIRE, STOP, Health, Orders, obey, read_orders, tell_supervisor


class Process(Protocol):
    """What serves."""

    def told(self, health: Health) -> None:
        """The supervisor says how the processes are."""
        ...

    async def drain(self, why: int) -> None:
        """Take leave of everybody, because of this signal."""
        ...


def opened(orders: Orders, descriptors: int, line: StatusLine | None) -> AbstractAsyncContextManager[Process]:
    """The process that these orders mean. An edge loads nothing of what the engine's needs."""
    if orders.process == "engine":
        from fanout.server.workers.engine_process import open_engine_process

        return open_engine_process(orders, descriptors, line)
    from fanout.server.workers.edge_process import open_edge_process

    return open_edge_process(orders, descriptors)


async def live(
    opening: AbstractAsyncContextManager[Process], closed: Callable[[], None], orphaned: Callable[[], None]
) -> None:
    """Serve until a signal, or the supervisor's end, and take leave then.

    Args:
        closed: Called when nothing is left to lose, however that comes.
        orphaned: Called when the supervisor is gone without a word.
    """
    log = structlog.get_logger()
    try:
        with trio.open_signal_receiver(STOP, RETIRE, HURRY) as signals:
            async with opening as process:
                settle_memory()
                tell_supervisor(READY)
                async with trio.open_nursery() as nursery:
                    alone = trio.Event()
                    nursery.start_soon(_obey, process.told, alone)
                    why = await _reason(signals, alone)
                    if alone.is_set():
                        orphaned()
                    log.info("draining", reason=why.name)
                    nursery.start_soon(_hurry, signals, nursery.cancel_scope)
                    await process.drain(why)
                    nursery.cancel_scope.cancel()
    finally:
        closed()
    log.info("stopped")


async def _obey(told: Callable[[Health], None], alone: trio.Event) -> None:
    """Until the end: who takes leave is asked as well whether it is alive."""
    await obey(told)
    alone.set()


async def _reason(signals: AsyncIterator[int], alone: trio.Event) -> signal.Signals:
    """Why to stop, once there is a reason."""
    why = STOP
    async with trio.open_nursery() as nursery:

        async def wait_for_signal() -> None:
            nonlocal why
            why = signal.Signals(await anext(signals))
            nursery.cancel_scope.cancel()

        nursery.start_soon(wait_for_signal)
        await alone.wait()
        nursery.cancel_scope.cancel()
    return why


async def _hurry(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    while await anext(signals) != HURRY:
        pass
    structlog.get_logger().info("hurrying")
    scope.cancel()


def run_process() -> None:
    """Run the process that the orders on standard input mean, until it has stopped.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    for number in (signal.SIGINT, STOP, RETIRE, HURRY):  # Ctrl-C is the supervisor's; the others come later
        signal.signal(number, signal.SIG_IGN)
    orders = read_orders()
    line = StatusLine.on(sys.stderr, shared=True)
    configure_logs(orders.config.log_format, line or sys.stderr, orders.process)
    with last_resort() as closed:
        tidy = partial(shutil.rmtree, Path(orders.feed).parent, ignore_errors=True)  # else the supervisor does
        trio.run(live, opened(orders, raise_descriptor_limit(), line), closed, tidy)
