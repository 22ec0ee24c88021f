"""The ring, on its own: the edges that the stream machine passes quickly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.ring import Ring


@given(capacity=st.integers(1, 9), count=st.integers(0, 40), head=st.integers(0, 50), data=st.data())
def test_a_ring_is_the_last_items_of_a_list(capacity, count, head, data):
    ring: Ring[int] = Ring(capacity, head)
    for number in range(head + 1, head + count + 1):
        assert ring.append(number) == number
    everything = list(range(head + 1, head + count + 1))
    assert list(ring) == everything[-capacity:]
    assert len(ring) == min(count, capacity)
    cursor = data.draw(st.integers(ring.oldest - 1, ring.head + 3))
    limit = data.draw(st.integers(0, 12))
    assert ring.after(cursor, limit) == [number for number in everything if number > cursor][:limit]


def test_an_empty_ring_begins_after_its_head():
    ring: Ring[str] = Ring(3, head=7)
    assert (ring.head, ring.oldest, len(ring), list(ring)) == (7, 8, 0, [])
    assert not ring.overtaken(7)
    assert ring.overtaken(6)


def test_reading_what_has_left_the_ring_is_an_error_and_not_an_empty_answer():
    ring: Ring[int] = Ring(2)
    for number in (1, 2, 3):
        ring.append(number)
    assert ring.overtaken(0)
    with pytest.raises(LookupError, match="1 has left the ring"):
        ring.after(0, 10)


def test_replacing_what_has_left_changes_nothing():
    ring: Ring[str] = Ring(2)
    for item in "abc":
        ring.append(item)
    ring.replace(1, "x")
    ring.replace(4, "x")
    assert list(ring) == ["b", "c"]
    ring.replace(2, "x")
    assert list(ring) == ["x", "c"]


@given(old=st.integers(1, 9), new=st.integers(1, 9), count=st.integers(0, 20))
def test_a_resized_ring_keeps_the_newest_and_their_numbers(old, new, count):
    ring: Ring[int] = Ring(old)
    for number in range(1, count + 1):
        ring.append(number)
    resized = ring.resized(new)
    assert list(resized) == list(ring)[-new:]
    assert resized.head == count
    assert resized.capacity == new
    resized.append(count + 1)
    assert list(resized) == [*list(ring), count + 1][-new:]


def test_a_ring_that_holds_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)
