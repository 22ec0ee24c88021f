"""When clients come back: the server's slots when it drains, the client's backoff when nobody told it.

Both spread people over a window, because twenty thousand who come back in the same second are worse than the break was.
"""

from __future__ import annotations

FIRST_DELAY_SECONDS = 0.5
"""Upper bound of the first wait. The first attempt is jittered too: everybody lost the connection at the same
instant."""

LONGEST_DELAY_SECONDS = 30.0
"""Upper bound of any wait: a listener should be back within half a minute of the server."""


def slot_ms(index: int, total: int, window_seconds: float) -> int:
    """The reconnect slot of listener `index` of `total`, in milliseconds: even over the window, each its own."""
    return int((index + 1) / max(total, 1) * window_seconds * 1000)


def backoff_seconds(attempt: int, chance: float) -> float:
    """How long to wait before attempt number `attempt` (from 1): full jitter, doubling up to a bound.

    Full jitter (a uniform draw from zero up) empties a stampede fastest: M. Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015. `chance` is a uniform draw in [0, 1).
    """
    ceiling = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 16))
    return ceiling * chance


def event_stream_retry_ms(chance: float) -> int:
    """The `retry:` of an event stream, in milliseconds: between one and three seconds, a draw for each listener."""
    return 1000 + int(2000 * chance)
