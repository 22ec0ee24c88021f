"""Whatever connections do, a reader gets each position once, in order, and nothing is missing in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.client.resume import Discontinuity, Item, Resume
from fanout.client.target import Wish
from fanout.core.cursor import Extent, Recovery, start
from fanout.core.message import Author, Gap, GapReason, Message
from fanout.core.position import Position
from fanout.errors import InvalidInput

ROOM = "stage"


def message(epoch: str, seq: int) -> Message:
    return Message(ROOM, Position(epoch, seq), f"{epoch}{seq}", "message", Author(), f"{epoch}{seq}", 0)


class Source:
    """A server's stream that can be published to, trimmed, lost and begun anew; it starts listeners by core's rules."""

    def __init__(self) -> None:
        self.epoch, self.head, self.oldest, self.streams = "s0", 0, 1, 0

    def connect(self, resume: Resume) -> list[Item]:
        """What a listener is owed after a fresh connection; tells it the welcome."""
        (wish,) = resume.wishes()
        extent = Extent(self.epoch, self.head, self.oldest, self.oldest)
        begin = start(ROOM, extent, after=wish.after, last=wish.last)
        resume.welcomed(ROOM, Position(self.epoch, begin.cursor), begin.recovery)
        gap: list[Item] = [begin.gap] if begin.gap else []
        return gap + self.entries(begin.cursor)

    def entries(self, after: int) -> list[Item]:
        return [message(self.epoch, seq) for seq in range(after + 1, self.head + 1)]


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("deliver"), st.integers(1, 5)),
        st.tuples(st.just("drop"), st.integers(1, 2)),
        st.tuples(st.just("repeat"), st.integers(1, 3)),
        st.tuples(st.just("swap"), st.just(0)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("expire"), st.integers(1, 3)),
        st.tuples(st.just("new stream"), st.just(0)),
    ),
    max_size=40,
)


@given(DEEDS, st.one_of(st.none(), st.integers(0, 3)))
def test_any_interleaving_of_faults_hands_on_each_position_once_and_names_what_is_missing(
    deeds: list[tuple[str, int]], last: int | None
) -> None:
    source, resume = Source(), Resume([Wish(ROOM, None, last)])
    handed: list[Item] = []
    sent: list[Item] = []
    pending = source.connect(resume)
    cursor = source.head

    def deliver(count: int) -> None:
        nonlocal pending, cursor, sent
        for _ in range(count):
            if not pending:
                return
            item = pending.pop(0)
            try:
                handed.extend(resume.accept(item))
                sent.append(item)
            except Discontinuity:
                pending, cursor, sent = source.connect(resume), source.head, []

    for deed, amount in [*deeds, ("cut", 0), ("publish", 1), ("deliver", 1000), ("deliver", 1000)]:
        match deed:
            case "publish":
                source.head += amount
                pending += source.entries(cursor)
                cursor = source.head
            case "deliver":
                deliver(amount)
            case "drop":
                del pending[:amount]
            case "repeat":
                pending = [item for item in sent if not isinstance(item, Gap)][-amount:] + pending
            case "swap":
                pending[:2] = reversed(pending[:2])
            case "cut":
                pending, cursor, sent = source.connect(resume), source.head, []
            case "expire":
                source.oldest = min(source.oldest + amount, source.head + 1)
            case "new stream":
                source.streams += 1
                source.epoch, source.head, source.oldest = f"s{source.streams}", 0, 1
                pending, cursor, sent = source.connect(resume), 0, []

    assert_whole(handed)
    if handed:
        newest = handed[-1]
        end = newest.last if isinstance(newest, Gap) else newest.position
        assert end == Position(source.epoch, source.head), "the end was reached"


def assert_whole(handed: list[Item]) -> None:
    """Each item begins where the one before ended, or is a gap that says that the stream is another."""
    stands: Position | None = None
    for item in handed:
        first, last = (item.first, item.last) if isinstance(item, Gap) else (item.position, item.position)
        if stands is not None and not (isinstance(item, Gap) and item.reason is GapReason.EPOCH):
            assert first == Position(stands.epoch, stands.seq + 1)
        stands = last


def test_a_gap_that_overlaps_what_was_had_is_cut_to_what_is_new() -> None:
    resume = Resume([Wish(ROOM, Position("s0", 5))])
    gap = Gap(ROOM, Position("s0", 3), Position("s0", 9), GapReason.SLOW)
    assert resume.accept(gap) == (Gap(ROOM, Position("s0", 6), Position("s0", 9), GapReason.SLOW),)
    assert resume.accept(gap) == ()
    assert resume.duplicates == 1


def test_a_hole_is_reported_once_and_named_when_it_comes_again() -> None:
    resume = Resume([Wish(ROOM, Position("s0", 5))])
    with pytest.raises(Discontinuity):
        resume.accept(message("s0", 8))
    assert resume.wishes() == (Wish(ROOM, Position("s0", 5)),)
    assert resume.accept(message("s0", 8)) == (
        Gap(ROOM, Position("s0", 6), Position("s0", 7), GapReason.EXPIRED),
        message("s0", 8),
    )


def test_a_log_restored_from_an_older_copy_is_followed_from_there() -> None:
    """The same epoch goes on from an earlier number: only a gap right after the welcome can say that."""
    resume = Resume([Wish(ROOM, Position("s0", 8))])
    resume.accept(message("s0", 9))
    gap = Gap(ROOM, Position("s0", 1), Position("s0", 3), GapReason.EPOCH)
    assert resume.accept(gap) == ()
    resume.wishes()
    assert resume.accept(gap) == (gap,)
    assert resume.accept(message("s0", 4)) == (message("s0", 4),)
    assert resume.accept(gap) == ()


def test_rooms_are_added_once_and_forgotten_when_removed() -> None:
    resume = Resume([Wish(ROOM, Position("s0", 5))])
    with pytest.raises(InvalidInput, match="already"):
        resume.add(Wish(ROOM))
    resume.remove(ROOM)
    resume.remove(ROOM)
    assert resume.accept(message("s0", 6)) == ()
    assert resume.wishes() == ()


def test_a_welcome_is_where_a_listener_stands_who_asked_for_nothing() -> None:
    resume = Resume([Wish(ROOM)])
    resume.welcomed(ROOM, Position("s0", 7), Recovery.LIVE)
    assert resume.wishes() == (Wish(ROOM, Position("s0", 7)),)
