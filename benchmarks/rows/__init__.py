"""The rows of the table, each in a file that opens with its question, what is timed and what is not."""

from __future__ import annotations

from typing import Final

from benchmarks.rows import (
    approve_to_listener,
    back_to_back,
    connects,
    cut_and_resume,
    idle_memory,
    one_at_a_time,
    one_listener,
    open_chat,
    queue_pages,
    stalled_readers,
    submissions,
)
from benchmarks.rows.row import Row

ROWS: Final[dict[str, Row]] = {
    module.ROW.name: module.ROW
    for module in (
        one_at_a_time,
        back_to_back,
        open_chat,
        idle_memory,
        connects,
        stalled_readers,
        cut_and_resume,
        one_listener,
        submissions,
        queue_pages,
        approve_to_listener,
    )
}
"""By name, in the order of the table."""
