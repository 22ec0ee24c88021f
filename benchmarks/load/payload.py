"""What the benchmarks publish: a text that says which message it is and when it was due.

The same text travels through every server, bare or wrapped in whatever the server adds, and is found again by one
pattern. A listener can then be checked for order and loss, and a delivery timed, without knowing the server's format.
"""

from __future__ import annotations

import re
from typing import Final

SMALLEST: Final = 9 + 1 + 19 + 2
"""Bytes of a text without padding."""

MARK: Final = re.compile(rb"<(\d{9}) (\d{19})\.*>")
"""Group 1: the number, dense from 1. Group 2: when it was due, `time.monotonic_ns()`, one clock for all processes."""

POSITION: Final = re.compile(rb'"position":"([^"]+)"')
"""Where a server that can resume says the message stands."""


def text(number: int, due_ns: int, size: int) -> bytes:
    """Return the text of message `number`, exactly `size` bytes of ASCII that JSON need not escape."""
    return b"<%09d %019d%s>" % (number, due_ns, b"." * (size - SMALLEST))
