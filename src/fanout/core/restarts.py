"""When a process that has died is started again: at once, and later and later while it keeps dying soon."""

from __future__ import annotations

from typing import Final

SHORT_LIFE_SECONDS: Final = 10.0
"""Who lives no longer than this after being started has probably died of how it was started."""

FIRST_DELAY_SECONDS: Final = 0.5
"""Before the second start in a row; it doubles with each that follows."""

LONGEST_DELAY_SECONDS: Final = 30.0
"""A mended disk or file is noticed within half a minute."""

FAILING_AFTER: Final = 3
"""Short lives in a row after which it is called failing."""


class Restarts:
    """Counts one process's short lives."""

    def __init__(self) -> None:
        self._short_lives = 0

    def died(self, lived_seconds: float) -> float:
        """It has died after so long; how many seconds to wait before it is started again."""
        if lived_seconds >= SHORT_LIFE_SECONDS:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        if self._short_lives == 1:
            return 0.0
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(self._short_lives - 2, 16))

    @property
    def failing(self) -> bool:
        """Whether it does nothing but die."""
        return self._short_lives >= FAILING_AFTER
