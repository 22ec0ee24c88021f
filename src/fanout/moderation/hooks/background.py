"""A plug-in's own background task: begun anew a few times when it crashes, and then left alone; while it is on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import trio

from fanout.moderation.hooks.calls import Calls, Failure, kind_of, place_of
from fanout.moderation.hooks.crew import Crew
from fanout.plugins.interface import App

RESTART_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Before each new beginning; after the last one it stays down."""

SETTLED_SECONDS: Final = 300.0
"""What ran for so long starts at the first pause again."""


async def keep_running(calls: Calls, crew: Crew, app: App) -> None:
    """Run it until it returns, has crashed too often, or this is cancelled. Raises nothing else."""
    log = structlog.get_logger().bind(plugin=calls.plugin_name)
    pauses = iter(RESTART_PAUSES_SECONDS)
    while True:
        begun = trio.current_time()
        job = crew.start(calls, calls.plugin.object.run, (app,), _nothing)
        try:
            await job.done.wait()
        finally:
            job.cancel()
        if job.error is None:
            return
        calls.fail(Failure.ERROR)
        if trio.current_time() - begun >= SETTLED_SECONDS:
            pauses = iter(RESTART_PAUSES_SECONDS)
        pause = next(pauses, None)
        log.error("plugin_crashed", error=kind_of(job.error), where=place_of(job.error), again_in_s=pause)
        if pause is None:
            return
        await trio.sleep(pause)


class Switch:
    """Whether a plug-in is on, for what runs as long as it is."""

    def __init__(self) -> None:
        self._on = True
        self._changed = trio.Event()
        self._scope = trio.CancelScope()

    def set(self, on: bool) -> None:
        """On or off."""
        self._on = on
        self._changed.set()
        if not on:
            self._scope.cancel()

    async def while_on(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work anew whenever it is switched on, and cancel it when it is switched off; for ever."""
        while True:
            self._changed = trio.Event()
            if self._on:
                with trio.CancelScope() as self._scope:
                    await work()
            if not self._changed.is_set():
                await self._changed.wait()


def _nothing() -> None:
    """There is no turn to give back."""
