"""Watches whether the server is still there at all: without one, a rehearsal has nothing to wait for."""

from __future__ import annotations

from typing import Final

import trio

from fanout.rehearsal.house import House

BETWEEN_LOOKS_SECONDS: Final = 0.5


async def until_gone(house: House) -> str:
    """Return when it is gone and will not come back: why."""
    while (why := await trio.to_thread.run_sync(house.gone, abandon_on_cancel=True)) is None:  # noqa: ASYNC110  # no event
        await trio.sleep(BETWEEN_LOOKS_SECONDS)
    return why
