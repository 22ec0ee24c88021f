"""Latencies as HDR histograms (hdrhistogram.org): the layout of the buckets, and the log that its other tools read.

Nanoseconds, two digits: every bucket is less than 1 % wide. A log's lines are intervals, each with the tag of its
series; whoever adds up the intervals of a tag has the whole of it.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

DIGITS: Final = 2
"""Decimal digits that are kept of a value."""

HALF: Final = 128
"""Buckets in each doubling: the power of two from which on two digits are kept."""

FINEST_BITS, HIGHEST_BITS = 16, 36
"""What a crowd keeps apart: from 66 µs, below which a wake-up of the process lies, to 69 s."""

TOPS_NS: Final = (
    (1 << FINEST_BITS) - 1,
    *(((sub + 1) << shift) - 1
      for shift in range(FINEST_BITS - 7, HIGHEST_BITS - 7) for sub in range(HALF, 2 * HALF)),
)  # fmt: skip
"""The highest value of each bucket of that range."""

BOUNDS_SECONDS: Final = tuple(top / 1e9 for top in TOPS_NS)
"""The same in seconds: upper bounds for a `Histogram`. A quantile is at most 1 % too high, from 66 µs on."""

HIGHEST_WRITTEN: Final = (1 << 44) - 1
"""What may stand in a log at most, five hours: the same for each histogram, for tools add them up."""

V2_COOKIE, COMPRESSED_COOKIE = 0x1C849313, 0x1C849314
"""How the two envelopes of version 2 of the encoding begin."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What one series has seen from `begin` for `seconds`, both since the log's own beginning. `values`: how often each
    number of nanoseconds was seen."""

    tag: str
    begin: float
    seconds: float
    values: Mapping[int, int]


def values_of(counts: Sequence[int], factor: float = 1.0) -> dict[int, int]:
    """What a histogram over `BOUNDS_SECONDS` has counted, by the highest value of each bucket times `factor`; what lies
    beyond the last bound counts as that."""
    found: Counter[int] = Counter()
    for number, times in enumerate(counts):
        if times:
            found[round(TOPS_NS[min(number, len(TOPS_NS) - 1)] * factor)] += times
    return dict(found)


def write_log(path: Path, began: datetime, remarks: Iterable[str], intervals: Iterable[Interval]) -> None:
    """Write a log of version 1.3, intervals in the order of their times; those that are empty are left out."""
    lines = [f"#{remark}" for remark in remarks]
    lines += [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {began.timestamp():.3f} (seconds since epoch), {began.isoformat(timespec='seconds')}]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for each in sorted(intervals, key=lambda interval: interval.begin):
        if each.values:
            tag = re.sub(r"[^\w./-]+", "-", each.tag).strip("-")
            most_ms = max(each.values) / 1e6
            lines.append(f"Tag={tag},{each.begin:.3f},{each.seconds:.3f},{most_ms:.3f},{encoded(each.values)}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def encoded(values: Mapping[int, int]) -> str:
    """A histogram of these values in the compressed encoding, version 2, as base64."""
    counts: Counter[int] = Counter()
    for value, times in values.items():
        kept = min(value, HIGHEST_WRITTEN)
        shift = max(0, kept.bit_length() - 8)
        counts[shift * HALF + (kept >> shift)] += times
    payload, after = bytearray(), 0
    for index, times in sorted(counts.items()):
        if index > after:
            payload += _zigzag(after - index)  # so many buckets are empty
        payload += _zigzag(times)
        after = index + 1
    whole = struct.pack(">iiiiqqd", V2_COOKIE, len(payload), 0, DIGITS, 1, HIGHEST_WRITTEN, 1.0) + payload
    packed = zlib.compress(whole)
    return base64.b64encode(struct.pack(">ii", COMPRESSED_COOKIE, len(packed)) + packed).decode()


def _zigzag(number: int) -> bytes:
    """A count, or less than zero for a run of empty buckets: seven bits a byte, the lowest first."""
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
