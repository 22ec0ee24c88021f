"""Whether a transcript that somebody has is the one that the log gives: the first difference, in words."""

from __future__ import annotations

from typing import Final

SHOWN_CHARACTERS: Final = 60
"""How much of a line is shown where two differ."""


def first_difference(rebuilt: bytes, found: bytes) -> str | None:
    """Where `found` first differs from `rebuilt`, by line, with what stands in each; None when they are the same."""
    if rebuilt == found:
        return None
    expected_lines, found_lines = rebuilt.split(b"\n"), found.split(b"\n")
    for number, (expected, given) in enumerate(zip(expected_lines, found_lines, strict=False), 1):
        if expected != given:
            column = next(
                (index for index, (a, b) in enumerate(zip(expected, given, strict=False)) if a != b),
                min(len(expected), len(given)),
            )
            return f"line {number} is {_shown(given, column)}, and the log gives {_shown(expected, column)}"
    if len(found_lines) > len(expected_lines):
        return f"line {len(expected_lines) + 1} and what follows it are not in the log"
    return f"it ends before line {len(found_lines) + 1}"


def _shown(line: bytes, column: int) -> str:
    begin = max(0, column - SHOWN_CHARACTERS // 3)
    text = line[begin : begin + SHOWN_CHARACTERS].decode(errors="replace")
    cut = ("…" if begin else "", "…" if begin + SHOWN_CHARACTERS < len(line) else "")
    return ascii(text).join(cut)
