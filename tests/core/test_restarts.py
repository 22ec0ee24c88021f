"""When what has died is started again, and the limits that several edges share."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.admission import Ledger
from fanout.core.restarts import FAILING_AFTER, LONGEST_DELAY_SECONDS, SHORT_LIFE_SECONDS, Restarts


def test_what_keeps_dying_is_started_later_and_later() -> None:
    restarts = Restarts()
    assert [restarts.died(1.0) for _ in range(9)] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert [restarts.died(1.0) for _ in range(2000)] == [LONGEST_DELAY_SECONDS] * 2000  # and no number overflows


def test_a_long_life_is_a_new_beginning() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.died(1.0)
    assert restarts.failing
    assert restarts.died(SHORT_LIFE_SECONDS) == 0.0
    assert not restarts.failing
    assert [restarts.died(1.0) for _ in range(3)] == [0.0, 0.5, 1.0]


def test_it_is_called_failing_after_some_short_lives() -> None:
    restarts = Restarts()
    told = []
    for _ in range(4):
        restarts.died(0.1)
        told.append(restarts.failing)
    assert told == [number >= FAILING_AFTER for number in range(1, 5)]


ADDRESSES = st.sampled_from(["", "192.0.2.1", "192.0.2.2", "2001:db8::1"])


@given(st.lists(st.tuples(ADDRESSES, st.integers(-3, 5))), st.none() | st.integers(1, 6), st.none() | st.integers(1, 4))
def test_the_ledger_is_full_when_the_sums_are(
    moved: list[tuple[str, int]], most: int | None, share: int | None
) -> None:
    ledger, sums = Ledger(most, share), Counter[str]()
    for address, change in moved:
        change = max(change, -sums[address])
        ledger.count(address, change)
        sums[address] += change
        assert ledger.full is (most is not None and sums.total() >= most)
        full = {known for known, count in sums.items() if share is not None and known and count >= share}
        assert set(ledger.full_addresses()) == full
        assert all(ledger.is_full(known) is (known in full) for known in sums)
