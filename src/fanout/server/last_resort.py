"""The way out of a process where trio can't find one: it waits for every task, and a plug-in's may not want to end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog

HELD_SECONDS: Final = 2.0
"""How long a plug-in that shields itself and does not end may keep the process after everything is closed. It has been
cancelled, given its grace and named by then."""


@contextmanager
def last_resort() -> Iterator[Callable[[], None]]:
    """Gives a function to be called once everything is closed: if the block has not ended `HELD_SECONDS` later, the
    process ends."""
    timer = threading.Timer(HELD_SECONDS, _leave)
    timer.daemon = True
    try:
        yield timer.start
    finally:
        timer.cancel()


def _leave() -> None:
    """End the process where trio can't: it waits for every task, and nothing ends one that does not want to."""
    structlog.get_logger().error("held_by_a_plugin", seconds=HELD_SECONDS)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk may not keep us
            stream.flush()
    os._exit(1)
