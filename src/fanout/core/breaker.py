"""When a part that keeps failing is left alone, and when it is tried again: a circuit breaker, without a clock.

Closed, everything passes. After so many failures in a row it opens, and nothing passes for a pause; then one call is
let through as a probe. If that succeeds the breaker closes, if it fails the next pause is twice as long, up to a bound.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

FAILURES_TO_OPEN: Final = 5
"""Failures in a row: fewer could be one bad moment of a service elsewhere."""

FIRST_PAUSE_SECONDS: Final = 5.0
"""How long it is left alone at first: a restart of a service elsewhere takes about that."""

LONGEST_PAUSE_SECONDS: Final = 300.0
"""So that what was mended is noticed within the same part of an event."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """The pause is over: one call is let through, or is under way."""


class Breaker:
    """Counts failures and says who may pass. Times are in seconds, of any clock that only goes forward.

    Each call that passes gets a ticket and brings it back with its outcome. Tickets from before the breaker last opened
    or closed count no more: a late outcome says nothing about how things are now.
    """

    __slots__ = ("_failures", "_pause", "_probing", "_until", "closed", "ticket")

    def __init__(self) -> None:
        self.closed = True
        self.ticket = 0
        """The ticket of whoever passes now; without asking, while `closed`."""
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._until = 0.0
        self._probing = False

    def state(self, now: float) -> BreakerState:
        """How it stands."""
        if self.closed:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._until else BreakerState.HALF_OPEN

    def admit(self, now: float) -> int | None:
        """A ticket for one call, or None: not now."""
        if self.closed:
            return self.ticket
        if now < self._until or self._probing:
            return None
        self._probing = True
        return self.ticket

    def succeeded(self, ticket: int) -> None:
        """That call went well."""
        if ticket != self.ticket:
            return
        self._failures = 0
        if not self.closed:
            self.closed, self._probing = True, False
            self._pause = FIRST_PAUSE_SECONDS
            self.ticket += 1

    def failed(self, ticket: int, now: float) -> float | None:
        """That call failed. If this opens the breaker, for how many seconds."""
        if ticket != self.ticket:
            return None
        if self.closed:
            self._failures += 1
            if self._failures < FAILURES_TO_OPEN:
                return None
        else:
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self.closed, self._probing = False, False
        self._failures = 0
        self._until = now + self._pause
        self.ticket += 1
        return self._pause

    def mended(self) -> None:
        """Somebody says that it is well again: all may pass, and what was under way says nothing any more."""
        self.closed, self._probing = True, False
        self._failures, self._pause = 0, FIRST_PAUSE_SECONDS
        self.ticket += 1

    def withdrawn(self, ticket: int) -> None:
        """That call was given up before it had an outcome: if it was the probe, the next one may be."""
        if ticket == self.ticket:
            self._probing = False
