"""Ranks: between any two there is another, however often one asks in the same place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.rank import rank_between


@given(st.lists(st.integers(0, 10_000), max_size=200))
def test_whatever_is_put_where_the_order_holds(places: list[int]) -> None:
    ranks: list[str] = []
    for place in places:
        index = place % (len(ranks) + 1)
        before = ranks[index - 1] if index else None
        ranks.insert(index, rank_between(before, ranks[index] if index < len(ranks) else None))
    assert ranks == sorted(set(ranks))


def test_cueing_one_after_the_other_keeps_ranks_short() -> None:
    rank = None
    for _ in range(1000):
        rank = rank_between(rank, None)
    assert rank is not None
    assert len(rank) < 32


@pytest.mark.parametrize(
    ("before", "after"), [("b", "a"), ("a", "a"), ("A", None), (None, "a0"), ("é", None), ("0", "1")]
)
def test_what_is_no_rank_or_in_the_wrong_order_is_refused(before: str | None, after: str | None) -> None:
    with pytest.raises(ValueError, match=r"rank|room"):
        rank_between(before, after)


def test_there_is_nothing_below_an_empty_rank() -> None:
    with pytest.raises(ValueError, match="room"):
        rank_between(None, "")
