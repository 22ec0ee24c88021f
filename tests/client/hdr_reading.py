"""Reads a log of HDR histograms with the field's own library."""

from __future__ import annotations

from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader


def read_log(path: Path) -> dict[str, HdrHistogram]:
    """Each tag's intervals, added up."""
    found: dict[str, HdrHistogram] = {}
    reader = HistogramLogReader(str(path), HdrHistogram(1, (1 << 36) - 1, 2))
    while (interval := reader.get_next_interval_histogram()) is not None:
        tag = interval.get_tag()
        if tag in found:
            found[tag].add(interval)
        else:
            found[tag] = interval
    reader.close()
    return found
