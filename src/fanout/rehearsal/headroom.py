"""The largest multiple of a scenario that still meets its objectives, found by trying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST_DOUBLINGS: Final = 5
"""Thirty-two times as many people is another event."""

HALVINGS: Final = 2
"""Steps of the bisection: the answer is then known to an eighth of itself or better."""


def find_headroom(passes: Callable[[float], bool], *, at_once: bool) -> tuple[float, float | None]:
    """The largest multiple that passed, and the smallest that did not (None: none was found).

    Args:
        passes: Tries a multiple.
        at_once: Whether 1 passes; then larger ones are tried, else smaller ones. 0.0 is returned when none passes.
    """
    good, bad = (1.0, None) if at_once else (0.0, 1.0)
    for _ in range(MOST_DOUBLINGS):
        tried = good * 2 if at_once else (bad or 1.0) / 2
        if passes(tried):
            good = tried
            if not at_once:
                break
        else:
            bad = tried
            if at_once:
                break
    if good and bad is not None:
        for _ in range(HALVINGS):
            tried = (good + bad) / 2
            if passes(tried):
                good = tried
            else:
                bad = tried
    return good, bad


def in_words(good: float, bad: float | None, *, proven: bool = True) -> str:
    """The finding as a sentence. `proven`: the run at `bad` was missed; otherwise it was invalid, and shows nothing."""
    if not good:
        return "none, and no smaller multiple that was tried passed either."
    if bad is None:
        return f"{good:g} times as many people still meet every objective; more were not tried."
    end = f"{bad:g} times do not." if proven else f"at {bad:g} times the load itself was the bottleneck."
    return f"{good:g} times as many people still meet every objective; {end}"
