"""Watches a server whose disk takes nothing: whether it acknowledges anything, and when it takes something again."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

import trio

from fanout.rehearsal.house import House, Unreachable
from fanout.rehearsal.load.evidence import Evidence

BETWEEN_LOOKS_SECONDS: Final = 0.1


async def watch_disk(house: House, path: str, seconds: float, seen: Evidence) -> None:
    """The disk has just been stopped: try to publish at `path` all the while, let it go on after `seconds`, and note
    how long it takes then until something is acknowledged. One message is left in the room, for there has to be one."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            seen.count("taken while the disk stood", await _is_taken(house, path, "The disk has stopped."))
            await trio.sleep(BETWEEN_LOOKS_SECONDS)
    finally:
        house.fault("stop-disk over")
    since = time.monotonic()
    while not await _is_taken(house, path, "The disk works again."):  # noqa: ASYNC110  # a server is no event
        await trio.sleep(BETWEEN_LOOKS_SECONDS)
    seen.observe("disk", time.monotonic() - since)


async def _is_taken(house: House, path: str, text: str) -> bool:
    call = partial(house.call, "publisher", "POST", path, {"text": text}, patience=0.0)
    try:
        await trio.to_thread.run_sync(call, abandon_on_cancel=True)
    except Unreachable:
        return False
    return True
