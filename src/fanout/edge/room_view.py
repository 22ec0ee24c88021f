"""A room as this edge sees it: its own ring of recent entries, rendered once for everybody, and who listens to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from fanout.core.cursor import Extent, Overflow, Start, skip, start
from fanout.core.limits import CATCH_UP_BYTES
from fanout.core.message import Entry, Gap, GapReason, Message, Retraction
from fanout.core.position import Position
from fanout.core.ring import Ring
from fanout.core.room import RoomSettings
from fanout.core.typed_lines import TypingNews
from fanout.errors import FanoutError
from fanout.feed.port import Feed
from fanout.wire.rendered import Format, render

if TYPE_CHECKING:
    from fanout.edge.audience import Audience

MAX_BATCH_ENTRIES = 512
"""Entries in one send at most; `CATCH_UP_BYTES` usually ends a batch earlier."""


class Rendered:
    """One entry and its bytes in each format that anybody asked for; `heard_at` is when the edge got it
    (perf_counter)."""

    __slots__ = ("_frames", "entry", "heard_at")

    def __init__(self, entry: Entry, heard_at: float) -> None:
        self.entry = entry
        self.heard_at = heard_at
        self._frames: list[bytes | None] = [None] * len(Format)

    def frame(self, format: Format) -> bytes:
        """The same bytes for every listener of this format: server frames are not masked (RFC 6455 §5.1), and nothing
        is negotiated that would make them differ from one connection to the next."""
        frame = self._frames[format]
        if frame is None:
            frame = self._frames[format] = render(self.entry, format)
        return frame


class Batch:
    """What a listener at some cursor gets next: frames, and the cursor after each of them. `data` is all of them
    joined.

    Args:
        heard_at: When the edge got each entry; a gap, which comes before them, is none.
        after: The cursor that it begins at.
        gap: The reason of the gap that comes first, if one does.
    """

    __slots__ = ("after", "cursors", "data", "frames", "gap", "heard_at", "through")

    def __init__(
        self, frames: list[bytes], cursors: list[int], heard_at: list[float], after: int, gap: GapReason | None = None
    ) -> None:
        self.frames, self.cursors, self.heard_at, self.after, self.gap = frames, cursors, heard_at, after, gap
        self.data = frames[0] if len(frames) == 1 else b"".join(frames)
        self.through = cursors[-1]

    def through_to(self, cursor: int) -> int:
        """How many of the entries are numbered up to `cursor`."""
        if self.after >= cursor:
            return 0
        return max(0, bisect_right(self.cursors, cursor) - (self.gap is not None))

    def after_partial_send(self, sent: int) -> tuple[int, memoryview]:
        """The cursor and the rest of the frame that a send which stopped after `sent` bytes ended in.

        So a listener that could not take everything owes the socket one frame at most, and the ring the rest: a ping or
        a goodbye need not wait for the whole batch. With nothing sent the cursor is that before the first frame (or the
        gap), and nothing is owed.
        """
        before = self.after
        end = 0
        for frame, cursor in zip(self.frames, self.cursors, strict=True):
            if sent <= end:
                break
            end += len(frame)
            if sent < end:
                return cursor, memoryview(frame)[len(frame) - (end - sent) :]
            before = cursor
        return before, memoryview(b"")


class WelcomeForAll(NamedTuple):
    """The welcome of everybody who comes live while `head` and `settings` stay: the bytes before and behind their
    id."""

    head: int
    settings: RoomSettings
    before: bytes
    behind: bytes


GoOn = Callable[[FanoutError | None], None]
"""Told that what was waited for is there, or why it can't be had."""


class NotYet(Exception):
    """What this takes has not been heard yet; `call_back` says when, or why it will not be."""

    def __init__(self, call_back: Callable[[GoOn], None]) -> None:
        super().__init__()
        self.call_back = call_back


class RoomView:
    """One followed room: entries come in by `heard`, batches go out by `batch`.

    Args:
        on_news: Told of each audience that may be behind.
        on_restart: Called when the room goes on as another stream, before it does, and when it is no more.
    """

    def __init__(
        self, name: str, feed: Feed, on_news: Callable[[Audience], None], on_restart: Callable[[RoomView], None]
    ) -> None:
        self.name = name
        self.presence = feed.presence(name)
        self.typing = TypingNews()
        self.audiences: list[Audience | None] = [None] * len(Format)
        """Who listens without TLS, by format; made with the first of them."""
        self.secure_audiences: list[Audience | None] = [None] * len(Format)
        """Who listens over TLS, by format."""
        self.welcomes: list[WelcomeForAll | None] = [None] * len(Format)
        self.retractions = 0
        self.refusal: FanoutError | None = None
        """Why this room can't be followed."""
        self.ready = False
        """Whether it is known how the room stands; only then is there anything below."""
        self.empty_since: int | None = None
        """The hub's second in which it was first seen without a listener."""
        self.epoch = ""
        self.log_oldest = 1
        self.ring: Ring[Rendered] = Ring(1)
        self.settings: Callable[[], RoomSettings]
        self._on_news = on_news
        self._on_restart = on_restart
        self._waiting: list[GoOn] = []
        self.stop = feed.follow(name, self)

    def when_ready(self, go_on: GoOn) -> None:
        """Call `go_on` once it is known how the room stands, or with why it can't be followed."""
        if self.ready or self.refusal is not None:
            go_on(self.refusal)
        else:
            self._waiting.append(go_on)

    def begin(self, settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
        """Take in the room as it stands: at first, and when its stream goes on elsewhere."""
        another = self.ready and (extent.epoch != self.epoch or extent.head < self.ring.head)
        if another:
            self._on_restart(self)
        self.settings = settings
        self.epoch = extent.epoch
        self.log_oldest = extent.oldest
        self.retractions += 1  # whoever reads from the log meanwhile reads again
        self.ring = Ring(settings().capacity, extent.recent - 1)
        now = perf_counter()
        for entry in entries:
            self.ring.append(Rendered(entry, now))
        if self.ready:
            self._tell_audiences()
        self.ready = True
        self._go_on(None)

    def refused(self, error: FanoutError) -> None:
        """It can't be followed, or no longer: then those who listen come back, and are told why."""
        self.refusal = error
        if self.ready:
            self._on_restart(self)
        self._go_on(error)

    def _go_on(self, error: FanoutError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on(error)

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.ring.head)

    def all_audiences(self) -> list[Audience]:
        """Everybody who listens, in their groups."""
        return [audience for audience in (*self.audiences, *self.secure_audiences) if audience is not None]

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take in what was published, in order, and tell every audience."""
        capacity = self.settings().capacity
        if capacity != self.ring.capacity:
            self.ring = self.ring.resized(capacity)
        now = perf_counter()
        for entry in entries:
            if isinstance(entry, Retraction):
                self._take_back(entry.target, now)
            self.ring.append(Rendered(entry, now))
        self._tell_audiences()

    def _tell_audiences(self) -> None:
        for audience in self.all_audiences():
            if audience.line.count:
                self._on_news(audience)

    def _take_back(self, target: str, now: float) -> None:
        self.retractions += 1
        for rendered in self.ring:
            entry = rendered.entry
            if isinstance(entry, Message) and entry.id == target:
                self.ring.replace(entry.position.seq, Rendered(entry.redacted(), now))

    def start(self, after: Position | None, last: int | None) -> Start:
        """Where a new listener begins."""
        extent = Extent(self.epoch, self.ring.head, self.ring.oldest, min(self.log_oldest, self.ring.oldest))
        return start(self.name, extent, after=after, last=last)

    def in_ring(self, cursor: int) -> bool:
        """Whether all that follows the cursor is in the ring."""
        return not self.ring.overtaken(cursor)

    def batch(self, cursor: int, format: Format) -> Batch | None:
        """What follows `cursor`, bounded; None when the listener was overtaken and this room does not skip."""
        if not self.ring.overtaken(cursor):
            return self.pack(self.ring.after(cursor, MAX_BATCH_ENTRIES), format)
        if self.settings().overflow is Overflow.CLOSE:
            return None
        gap = skip(self.name, self.epoch, cursor, oldest=self.ring.oldest, head=self.ring.head)
        return self.pack(self.ring.after(gap.last.seq, MAX_BATCH_ENTRIES), format, gap)

    def expired(self, cursor: int, first: int) -> Gap:
        """The gap before number `first`, the oldest after `cursor` that the log still has."""
        self.log_oldest = max(self.log_oldest, first)
        return Gap(self.name, Position(self.epoch, cursor + 1), Position(self.epoch, first - 1), GapReason.EXPIRED)

    def pack(self, rendered: Sequence[Rendered], format: Format, gap: Gap | None = None) -> Batch:
        """As many of these as one send may carry, at least one; the gap before them, if there is one."""
        frames: list[bytes] = []
        cursors: list[int] = []
        heard_at: list[float] = []
        if gap is not None:
            frames.append(render(gap, format))
            cursors.append(gap.last.seq)
        size = 0
        for item in rendered:
            frame = item.frame(format)
            size += len(frame)
            if heard_at and size > CATCH_UP_BYTES:
                break
            frames.append(frame)
            cursors.append(item.entry.position.seq)
            heard_at.append(item.heard_at)
        if gap is not None:
            return Batch(frames, cursors, heard_at, gap.first.seq - 1, gap.reason)
        return Batch(frames, cursors, heard_at, cursors[0] - 1)
