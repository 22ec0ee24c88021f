"""A plug-in that becomes slow on command: the fault `slow-plugin` of a rehearsal."""

from __future__ import annotations

import os
from typing import Final

import trio

from fanout.core.submission import Submission
from fanout.plugins.interface import RoomView

SIGN: Final = "REHEARSAL_SLOW_PLUGIN"
"""The environment names a file. While it is there, the plug-in is slow."""


class SlowPlugin:
    """It has no opinion; while it is slow, it takes longer for it than its deadline allows."""

    name = "slow"
    deadline = 0.5
    on_failure = "hold"

    async def review_submission(self, submission: Submission, room: RoomView) -> None:
        if os.path.exists(os.environ[SIGN]):  # noqa: ASYNC240  # a look at a directory in memory: microseconds
            await trio.sleep(2 * self.deadline)
