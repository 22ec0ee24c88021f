"""HDR histograms as others read them: what we write is read back with the field's own library, and says the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from fanout.client.crowd.hdr import (
    BOUNDS_SECONDS,
    HIGHEST_BITS,
    HIGHEST_WRITTEN,
    Interval,
    encoded,
    values_of,
    write_log,
)
from fanout.core.histogram import Histogram
from tests.client.hdr_reading import read_log

TIMES_NS = st.integers(1, (1 << HIGHEST_BITS) - 1)


@given(st.lists(st.tuples(TIMES_NS, st.integers(1, 1 << 40)), min_size=1, max_size=60))
def test_every_bucket_is_that_of_the_library(observed: list[tuple[int, int]]):
    ours, theirs = Histogram(BOUNDS_SECONDS), HdrHistogram(1, (1 << HIGHEST_BITS) - 1, 2)
    for value, times in observed:
        ours.observe(value / 1e9, times)
        theirs.record_value(max(value, (1 << 16) - 1), times)
    read = HdrHistogram.decode(encoded(values_of(ours.counts)))
    assert [(each.value_iterated_to, each.count_added_in_this_iter_step) for each in read.get_recorded_iterator()] == [
        (each.value_iterated_to, each.count_added_in_this_iter_step) for each in theirs.get_recorded_iterator()
    ]
    assert read.get_total_count() == ours.count
    assert read.get_max_value() / 1e9 == pytest.approx(ours.quantile(1.0))


def test_what_lasts_longer_than_the_last_bound_is_kept_at_it():
    ours = Histogram(BOUNDS_SECONDS)
    ours.observe(3600.0, 7)
    read = HdrHistogram.decode(encoded(values_of(ours.counts)))
    assert (read.get_total_count(), read.get_max_value()) == (7, (1 << HIGHEST_BITS) - 1)


def test_times_in_a_longer_unit_can_be_added_to_others():
    ours = Histogram(BOUNDS_SECONDS)
    ours.observe(30.0)
    read = HdrHistogram.decode(encoded(values_of(ours.counts, factor=60)))
    assert read.get_max_value() / 1e9 == pytest.approx(1800, rel=0.02)
    read.add(HdrHistogram.decode(encoded(values_of(ours.counts))))
    assert HdrHistogram.decode(encoded({10**15: 1})).get_max_value() == HIGHEST_WRITTEN, "five hours at most"


def test_a_log_has_a_line_for_each_interval_in_which_something_was_seen(tmp_path: Path):
    began = datetime(2026, 3, 12, 20, tzinfo=UTC)
    write_log(tmp_path / "x.hlog", began, ["of a test"], [
        Interval("POST publish (server away)", 30.0, 30.0, {2_000_000: 5}),
        Interval("join", 0.0, 30.0, {1_000_000: 3}),
        Interval("join", 30.0, 30.0, {}),
    ])  # fmt: skip
    text = (tmp_path / "x.hlog").read_text()
    assert text.startswith("#of a test\n#[Histogram log format version 1.3]\n#[StartTime: 1773345600.000 (seconds")
    assert "\nTag=POST-publish-server-away,30.000,30.000,2.000,HIST" in text
    read = read_log(tmp_path / "x.hlog")
    assert {tag: histogram.get_total_count() for tag, histogram in read.items()} == {
        "join": 3, "POST-publish-server-away": 5,
    }  # fmt: skip
