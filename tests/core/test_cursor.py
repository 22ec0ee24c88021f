"""Where a listener starts, and where one goes on that was overtaken."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.cursor import Extent, Recovery, Start, skip, start
from fanout.core.limits import MAX_LAST
from fanout.core.message import Gap, GapReason
from fanout.core.position import Position

# A stream of 100, of which the ring has 81 to 100 and the log 11 to 100.
EXTENT = Extent("now", head=100, recent=81, oldest=11)


def at(seq: int) -> Position:
    return Position("now", seq)


def test_without_a_wish_one_listens_from_now_on():
    assert start("r", EXTENT) == Start(100, Recovery.LIVE)


def test_the_last_few_come_first_when_asked_for():
    assert start("r", EXTENT, last=5) == Start(95, Recovery.LIVE)
    assert start("r", EXTENT, last=50) == Start(50, Recovery.LIVE), "also from the log"


def test_asking_for_more_than_there_is_gets_what_there_is():
    assert start("r", EXTENT, last=10**9) == Start(10, Recovery.LIVE)
    assert start("r", Extent("now", 5000, 4000, 1), last=10**9) == Start(5000 - MAX_LAST, Recovery.LIVE)


def test_a_position_of_this_stream_is_resumed():
    assert start("r", EXTENT, after=at(99)) == Start(99, Recovery.RESUMED)
    assert start("r", EXTENT, after=at(100)) == Start(100, Recovery.RESUMED)
    assert start("r", EXTENT, after=at(10)) == Start(10, Recovery.RESUMED), "the oldest that misses nothing"


def test_a_position_wins_over_a_number():
    assert start("r", EXTENT, after=at(99), last=3).cursor == 99


def test_what_has_expired_is_named_and_the_rest_follows():
    gap = Gap("r", at(6), at(10), GapReason.EXPIRED)
    assert start("r", EXTENT, after=at(5)) == Start(10, Recovery.GAP, gap)


def test_a_position_of_another_stream_gets_what_the_ring_has_of_this_one():
    gap = Gap("r", at(1), at(80), GapReason.EPOCH)
    assert start("r", EXTENT, after=Position("then", 99)) == Start(80, Recovery.GAP, gap)


def test_a_position_from_the_future_is_of_another_stream():
    assert start("r", EXTENT, after=at(101)) == start("r", EXTENT, after=Position("then", 99))


def test_a_stream_that_lost_everything_says_so_even_though_nothing_of_it_is_missing():
    begin = start("r", Extent("now", 0, 1, 1), after=Position("then", 3))
    assert begin == Start(0, Recovery.GAP, Gap("r", at(1), at(0), GapReason.EPOCH))
    assert begin.gap is not None
    assert begin.gap.missed == 0


@given(st.integers(0, 500), st.integers(1, 100), st.integers(1, 100))
def test_who_is_overtaken_goes_on_in_the_middle_of_the_ring(cursor, behind, held):
    oldest = cursor + 1 + behind
    head = oldest + held - 1
    gap = skip("r", "now", cursor, oldest=oldest, head=head)
    assert gap.first == at(cursor + 1)
    assert oldest - 1 <= gap.last.seq < head
    assert abs((gap.last.seq - (oldest - 1)) - (head - gap.last.seq)) <= 1
    assert gap.reason is GapReason.SLOW
