"""Places on the run sheet as strings: between any two there is room for another, so moving one touches no other.

A rank is a fraction in base 36, its digits after an unwritten point; as strings they compare as the fractions do. None
ends in the digit 0, below which there would be no room.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def rank_between(before: str | None, after: str | None) -> str:
    """A rank above `before` and below `after`; None is the sheet's beginning, or its end.

    Raises:
        ValueError: `before` is not below `after`, or one of them is not a rank.
    """
    low = before or ""
    for rank in (low, after):
        if rank is not None and (rank.strip(_DIGITS) or rank.endswith("0")):
            raise ValueError(f"{rank!r} is not a rank")
    if after is not None and low >= after:
        raise ValueError(f"there is no room between {before!r} and {after!r}")
    if after is None and low:
        return _above(low)
    return _middle(low, after)


def _above(low: str) -> str:
    """The next short one: cueing one after the other makes ranks longer by one digit only every 35."""
    for place, digit in enumerate(low):
        if digit != "z":
            return low[:place] + _DIGITS[_DIGITS.index(digit) + 1]
    return low + "1"


def _middle(low: str, high: str | None) -> str:
    shared = 0
    while high is not None and shared < len(high) and (low[shared : shared + 1] or "0") == high[shared]:
        shared += 1
    if high is not None and shared:
        return high[:shared] + _middle(low[shared:], high[shared:])
    first = _DIGITS.index(low[0]) if low else 0
    last = _DIGITS.index(high[0]) if high else len(_DIGITS)
    if last - first > 1:
        return _DIGITS[(first + last) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return _DIGITS[first] + _middle(low[1:], None)
