"""What simulated people write, and the mark in a line's text that says when it was meant to be said."""

from __future__ import annotations

import random
from typing import Final

_SYLLABLES: Final = ("ba", "lo", "mi", "ter", "sa", "quo", "ne", "vi", "rou", "dé", "pla", "cou", "ri", "ma", "tion")


def question(number: int, salt: int = 0) -> str:
    """A question of nine invented words, the same each time, and another for each number."""
    chance = random.Random(number * 1_000_003 + salt)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(9)]
    return " ".join(words).capitalize() + " ?"


def line(number: int, due_ns: int, length: int = 0) -> str:
    """A line that carries its intended time, in nanoseconds of this machine's monotonic clock."""
    return f"Line {number} of what is said tonight".ljust(max(0, length - 24), ".") + f" [at {due_ns}]"
