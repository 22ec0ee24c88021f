"""The largest multiple of a scenario that still meets its objectives, found by trying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fanout.rehearsal.verdict import Outcome

MOST_DOUBLINGS: Final = 5
"""Thirty-two times as many people is another event."""

HALVINGS: Final = 2
"""Steps of the bisection: the answer is then known to an eighth of itself or better."""


def find_headroom(passes: Callable[[float], bool | None], *, at_once: bool) -> tuple[float, float | None]:
    """The largest multiple that passed, and the smallest that did not (None: none was found).

    Args:
        passes: Tries a multiple; None: there is nothing to try it on any more, and the search ends.
        at_once: Whether 1 passes; then larger ones are tried, else smaller ones. 0.0 is returned when none passes.
    """
    good, bad = (1.0, None) if at_once else (0.0, 1.0)
    for _ in range(MOST_DOUBLINGS):
        tried = good * 2 if at_once else (bad or 1.0) / 2
        if (passed := passes(tried)) is None:
            return good, bad
        if passed:
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
            if (passed := passes(tried)) is None:
                return good, bad
            if passed:
                good = tried
            else:
                bad = tried
    return good, bad


def in_words(good: float, bad: float | None, why: Outcome = Outcome.MISSED) -> str:
    """The finding as a sentence. `why`: what became of the run at `bad`; one that was invalid shows nothing."""
    if not good:
        return "none, and no smaller multiple that was tried passed either."
    if bad is None:
        return f"{good:g} times as many people still meet every objective; more were not tried."
    end = {
        Outcome.INVALID: f"at {bad:g} times the load itself was the bottleneck.",
        Outcome.UNREACHABLE: f"at {bad:g} times the server was gone before the end.",
    }.get(why, f"{bad:g} times do not.")
    return f"{good:g} times as many people still meet every objective; {end}"
