"""Lets nobody send more than their share: so many messages at once, then one at a time; and slow mode in a room.

What comes too early is not kept, and its author is told when to send it again. Trying again too early does not make the
wait longer. What is known of a person is one number (GCRA, the leaky bucket as a meter); after a restart everybody
begins anew. One call costs about 3 µs, 5 in slow mode.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import trio

from fanout.plugins import RoomView, Source, Submission, Verdict, reject
from fanout.plugins.options import check_choice, check_number, check_text, check_texts, check_whole
from fanout.plugins.recent import Recent

NAME: Final = "rate"

MAX_BURST: Final = 1000
"""Messages at once. Who needs more is no visitor."""

MAX_INTERVAL_SECONDS: Final = 3600.0
"""Longest time between two messages, as for slow mode."""

_AT_ONCE: Final = 1e-6
"""Seconds that don't count: who waits as long as they were told is never sent away for a rounding."""


class RateLimit:
    """Options:

    Args:
        burst: How many messages a person who was quiet may send at once.
        every_s: After those, seconds between two of them. They may add up again to a burst.
        sources: Where the limit and slow mode hold. By default not for SMS: nobody there is waiting for an answer, so
            what is too early could only be rejected.
        reason: What the author of a message that is too early reads.
        slow_reason: The same, in slow mode.
    Raises:
        ConfigurationError: An option that can't be used.
    """

    name = NAME
    order = 10  # the cheapest first: what is not kept need not be read
    slow_mode = True

    def __init__(
        self,
        *,
        burst: int = 5,
        every_s: float = 10.0,
        sources: Sequence[str] = (Source.WEB, Source.API),
        reason: str = "You are sending a lot. Please wait a moment.",
        slow_reason: str = "Slow mode is on here. Please wait before you send another one.",
    ) -> None:
        burst = check_whole(NAME, "burst", burst, 1, MAX_BURST)
        self._every = check_number(NAME, "every_s", every_s, 0.001, MAX_INTERVAL_SECONDS)
        self._ahead = (burst - 1) * self._every
        chosen = [check_choice(NAME, "sources", each, list(Source)) for each in check_texts(NAME, "sources", sources)]
        self._sources = frozenset(map(Source, chosen))
        self._reason = check_text(NAME, "reason", reason)
        self._slow_reason = check_text(NAME, "slow_reason", slow_reason)
        self._due: Recent[str, float] = Recent()
        self._spoke: Recent[tuple[str, str], float] = Recent()

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Reject what comes too early, with the seconds to wait. Of those without a person nothing can be known:
        whoever hands in named none."""
        person = submission.person
        if not person or submission.source not in self._sources:
            return None
        now = trio.current_time()
        if room.slow_s > 0:
            spoke = self._spoke.get((room.name, person))
            if spoke is not None and (wait := spoke + room.slow_s - now) > _AT_ONCE:
                return reject(self._slow_reason, rule="slow mode", retry_after_s=_told(wait))
        due = self._due.get(person)
        if due is None or due < now:
            due = now
        elif (wait := due - self._ahead - now) > _AT_ONCE:
            return reject(self._reason, rule="rate", retry_after_s=_told(wait))
        self._due.put(person, due + self._every)
        if room.slow_s > 0:
            self._spoke.put((room.name, person), now)
        return None


def _told(seconds: float) -> float:
    """In whole milliseconds, never too few."""
    return math.ceil(seconds * 1000) / 1000
