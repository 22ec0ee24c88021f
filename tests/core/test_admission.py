"""Who is let in, and token buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.admission import Admission, TokenBucket


def test_a_burst_is_allowed_then_the_rate_counts():
    bucket = TokenBucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert bucket.seconds_until_next() == pytest.approx(0.5)
    assert not bucket.take(0.4)
    assert bucket.take(0.6)


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.1, 50), st.integers(1, 20))
def test_no_pattern_of_asking_gets_more_than_burst_and_rate(pauses, rate, burst):
    bucket, now, taken = TokenBucket(rate, burst, now=0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
        assert taken <= burst + rate * now + 1e-6


def test_the_total_is_a_limit_and_the_refused_are_told_when_to_come_back():
    admission = Admission(2, 10, full_retry_seconds=30)
    assert admission.admit("a", 0.5) is None
    assert admission.admit("b", 0.5) is None
    early, late = admission.admit("c", 0.0), admission.admit("c", 0.999)
    assert early is not None
    assert late is not None
    assert early.code == "full"
    assert 0 < early.after_ms < late.after_ms <= 30_000
    admission.release("a")
    assert admission.admit("c", 0.5) is None


def test_one_address_has_a_share_and_takes_nothing_from_others():
    admission = Admission(100, 2)
    assert [admission.admit("a", 0) for _ in range(2)] == [None, None]
    refusal = admission.admit("a", 0)
    assert refusal is not None
    assert refusal.code == "address_full"
    assert admission.admit("b", 0) is None
    assert admission.admitted == 3


def test_connections_without_an_address_have_no_share():
    admission = Admission(100, 1)
    assert [admission.admit("", 0) for _ in range(5)] == [None] * 5


@given(st.lists(st.sampled_from(["a", "b", ""]), max_size=60))
def test_when_everybody_has_gone_nothing_is_remembered(addresses):
    admission = Admission(20, 8)
    admitted = [address for address in addresses if admission.admit(address, 0) is None]
    assert admission.admitted == len(admitted)
    for address in admitted:
        admission.release(address)
    assert admission.admitted == 0
    assert admission._by_address == {}, "or memory would grow with every address ever seen"
