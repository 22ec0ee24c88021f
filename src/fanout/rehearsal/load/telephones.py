"""Telephone numbers of simulated people: each run has its own, so that a server that knows an earlier one can count."""

from __future__ import annotations

from typing import Final

NUMBERS: Final = 10**9
"""Of one run."""

RUNS: Final = 900_000
"""So that each number has fifteen digits, the most there are (ITU-T E.164)."""


def telephone(run: str, number: int) -> str:
    """Number `number` of the run with this name, which is hexadecimal."""
    return f"+{100_000 * NUMBERS + int(run, 16) % RUNS * NUMBERS + number % NUMBERS}"
