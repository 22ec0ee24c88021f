"""Ring, cursors, retractions, epochs and overflow against a model: whatever happens, in whatever order, every listener
gets every position in order and once, or a gap that names precisely what it misses."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fanout.core.cursor import Extent, Overflow, Recovery, Start, skip, start
from fanout.core.message import Author, Entry, Gap, GapReason, Message, Retraction
from fanout.core.position import Position
from fanout.core.ring import Ring
from tests.core.model import Expectation, publish


@dataclass
class Listener:
    """What a listener is in core: a cursor, and whether it still reads what was there before it came."""

    cursor: int
    gap: Gap | None
    replaying: bool
    expected: Expectation


class Stream(RuleBasedStateMachine):
    """One room over several lives of its process. `stream` is both the model and the log that survives."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[Entry] = []
        self.epoch, self.lives, self.expired = "aaa000", 0, 0
        self.ring: Ring[Entry] = Ring(4)
        self.held = 0
        self.overflow = Overflow.CLOSE
        self.listeners: list[Listener] = []
        self.positions = [Position("zzzzzz", 3)]

    # --- the room ----------------------------------------------------------------------------------------------------

    @rule()
    def publish_one(self) -> None:
        self.publish(1)

    @rule(count=st.integers(1, 20))
    def publish(self, count: int) -> None:
        for _ in range(count):
            seq = len(self.stream) + 1
            self._enter(Message("stage", Position(self.epoch, seq), f"m{seq}", "message", Author("Ann"), f"t{seq}", 0))

    @precondition(lambda self: self.stream)
    @rule(data=st.data())
    def retract(self, data: st.DataObject) -> None:
        target = data.draw(st.integers(1, len(self.stream)), "target")
        self._enter(Retraction("stage", Position(self.epoch, len(self.stream) + 1), f"m{target}", 0))

    def _enter(self, entry: Entry) -> None:
        if isinstance(entry, Retraction):
            for held in list(self.ring):
                if isinstance(held, Message) and held.id == entry.target:
                    self.ring.replace(held.position.seq, held.redacted())
        assert self.ring.append(entry) == entry.position.seq
        publish(self.stream, entry)
        self.held = min(self.held + 1, self.ring.capacity)

    @rule(capacity=st.integers(1, 12))
    def resize(self, capacity: int) -> None:
        self.ring = self.ring.resized(capacity)
        self.held = min(self.held, capacity)

    @rule(overflow=st.sampled_from(Overflow))
    def change_policy(self, overflow: Overflow) -> None:
        self.overflow = overflow

    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """The log forgets its oldest entries, though none that the ring still holds."""
        self.expired = data.draw(st.integers(self.expired, self.ring.oldest - 1), "expired")

    @rule(lost=st.booleans())
    def restart(self, lost: bool) -> None:
        """The process ends and comes back, with the log or without it. Whoever listened will want to resume."""
        while self.listeners:
            self._leave(self.listeners[0])
        if lost:
            self.lives += 1
            self.stream, self.epoch, self.expired = [], f"aaa{self.lives:03}", 0
        kept = self.stream[max(self.expired, len(self.stream) - self.ring.capacity) :]
        self.ring = Ring(self.ring.capacity, len(self.stream) - len(kept))
        for entry in kept:
            self.ring.append(entry)
        self.held = len(kept)

    # --- its listeners -----------------------------------------------------------------------------------------------

    @rule(last=st.none() | st.integers(0, 30))
    def join(self, last: int | None) -> None:
        begin = start("stage", self._extent(), last=last)
        assert begin.recovery is Recovery.LIVE
        assert begin.gap is None
        assert len(self.stream) - begin.cursor == min(last or 0, len(self.stream) - self.expired)
        self._listen(begin, begin.cursor)

    @rule(data=st.data())
    def resume_where_somebody_left(self, data: st.DataObject) -> None:
        self._resume(data.draw(st.sampled_from(self.positions), "position"))

    @rule(seq=st.integers(0, 40))
    def resume_anywhere(self, seq: int) -> None:
        self._resume(Position(self.epoch, seq))

    def _resume(self, position: Position) -> None:
        begin = start("stage", self._extent(), after=position)
        known = position.epoch == self.epoch and position.seq <= len(self.stream)
        whole = known and position.seq >= self.expired
        assert begin.recovery is (Recovery.RESUMED if whole else Recovery.GAP)
        assert (begin.gap is None) is whole
        if begin.gap is not None:
            assert begin.gap.reason is (GapReason.EXPIRED if known else GapReason.EPOCH)
            assert begin.gap.last.seq == (self.expired if known else len(self.stream) - self.held), "no more than that"
            assert begin.cursor == begin.gap.last.seq
        self._listen(begin, position.seq if known else 0)

    def _listen(self, begin: Start, seen: int) -> None:
        replaying = begin.cursor < len(self.stream)
        self.listeners.append(Listener(begin.cursor, begin.gap, replaying, Expectation(self.epoch, seen)))

    @precondition(lambda self: self.listeners)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self._leave(data.draw(st.sampled_from(self.listeners), "listener"))

    def _leave(self, listener: Listener) -> None:
        self.listeners = [other for other in self.listeners if other is not listener]
        self.positions.append(Position.parse(f"{self.epoch}:{listener.expected.seen}"))

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """Everybody takes some, each as much as it likes."""
        for listener in list(self.listeners):
            for item in self._next(listener, data.draw(st.integers(0, 8), "limit")):
                listener.expected.receives(item, self.stream)
                assert not (isinstance(item, Message) and item.retracted and (item.text or item.author.name))
            assert listener.cursor == listener.expected.seen

    def _next(self, listener: Listener, limit: int) -> list[Entry | Gap]:
        """As every listener does: the gap of its start, then the ring; before it, the log or the overflow policy."""
        if listener.gap is not None:
            gap, listener.gap = listener.gap, None
            return [gap]
        if not self.ring.overtaken(listener.cursor):
            found = self.ring.after(listener.cursor, limit)
            assert len(found) == min(limit, len(self.stream) - listener.cursor), "nothing is kept back"
            listener.replaying = listener.replaying and not found
        elif listener.replaying:
            begin = max(listener.cursor, self.expired)
            found = self.stream[begin : begin + limit]
            if begin > listener.cursor:
                last = Position(self.epoch, begin)
                gap = Gap("stage", Position(self.epoch, listener.cursor + 1), last, GapReason.EXPIRED)
                listener.cursor = begin
                return [gap]
        elif self.overflow is Overflow.SKIP:
            gap = skip("stage", self.epoch, listener.cursor, oldest=self.ring.oldest, head=self.ring.head)
            assert not self.ring.overtaken(gap.last.seq), "after the gap there is something to read"
            assert gap.last.seq < self.ring.head, "and not nothing"
            listener.cursor = gap.last.seq
            return [gap]
        else:
            self._leave(listener)  # closed, and told to resume after what it has seen
            return []
        listener.cursor += len(found)
        return list(found)

    def _extent(self) -> Extent:
        return Extent(self.epoch, self.ring.head, self.ring.oldest, min(self.expired + 1, self.ring.oldest))

    # --- always ------------------------------------------------------------------------------------------------------

    @invariant()
    def the_ring_is_the_end_of_the_stream(self) -> None:
        assert self.ring.head == len(self.stream)
        assert len(self.ring) == self.held
        assert list(self.ring) == self.stream[len(self.stream) - len(self.ring) :]

    @invariant()
    def what_was_taken_back_is_nowhere(self) -> None:
        taken_back = {entry.target for entry in self.stream if isinstance(entry, Retraction)}
        shown = [entry for entry in self.ring if isinstance(entry, Message) and entry.id in taken_back]
        assert all(entry.retracted and entry.text == "" and entry.author.name == "" for entry in shown)


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
