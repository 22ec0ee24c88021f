"""Where a listener starts in a room, and where it goes on after it was overtaken. Replay and live are one cursor.

A cursor is the sequence number of the last entry that its listener has had. Starting only chooses that number; from
then on everything after it is delivered in order, whether it was there before the listener came or is published a
moment later. So there is no seam between replay and live, and no lock to guard it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fanout.core.limits import MAX_LAST
from fanout.core.message import Gap, GapReason
from fanout.core.position import Position


class Recovery(StrEnum):
    """What a listener is told about its start."""

    LIVE = "live"
    """No position was asked for."""
    RESUMED = "resumed"
    """Everything after the given position follows."""
    GAP = "gap"
    """Something is missing: a gap says what, then what there is follows."""


class Overflow(StrEnum):
    """What happens to a listener that falls out of its room's ring."""

    CLOSE = "close"
    """It is closed and told where to resume: for rooms that lose nothing."""
    SKIP = "skip"
    """It gets a gap and goes on nearer to the present: for rooms where being current matters more."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a room's stream reaches: `head` is its newest number, `recent` the oldest in the ring, `oldest` the
    oldest anywhere."""

    epoch: str
    head: int
    recent: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Start:
    """The cursor to begin with, what to call it, and the gap that comes before anything else."""

    cursor: int
    recovery: Recovery
    gap: Gap | None = None


def start(room: str, extent: Extent, *, after: Position | None = None, last: int | None = None) -> Start:
    """Choose where a listener begins. `after` wins over `last`; neither means from now on.

    A position of another epoch, or one that this stream has not reached (a log restored from an older copy), can't be
    resumed: what the ring still holds of the present stream follows a gap.
    """
    if after is None:
        wanted = extent.head - min(last or 0, MAX_LAST)
        return Start(max(wanted, extent.oldest - 1), Recovery.LIVE)
    if after.epoch != extent.epoch or after.seq > extent.head:
        return _with_gap(room, extent.epoch, 0, extent.recent - 1, GapReason.EPOCH)
    if after.seq < extent.oldest - 1:
        return _with_gap(room, extent.epoch, after.seq, extent.oldest - 1, GapReason.EXPIRED)
    return Start(after.seq, Recovery.RESUMED)


def skip(room: str, epoch: str, cursor: int, *, oldest: int, head: int) -> Gap:
    """The gap for a listener that was overtaken in a room that skips; it goes on in the middle of the ring.

    Not at the oldest entry: the next publication would overtake it again. Not at the newest: a listener that is a
    little too slow would lose more than it must.
    """
    last = oldest - 1 + (head - oldest + 1) // 2
    return Gap(room, Position(epoch, cursor + 1), Position(epoch, last), GapReason.SLOW)


def _with_gap(room: str, epoch: str, cursor: int, last: int, reason: GapReason) -> Start:
    gap = Gap(room, Position(epoch, cursor + 1), Position(epoch, last), reason)
    return Start(last, Recovery.GAP, gap)
