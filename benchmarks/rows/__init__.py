"""The rows of the table, each in a file that opens with its question, what is timed and what is not."""

from __future__ import annotations

from typing import Final

from benchmarks.rows import (
    approve_to_listener,
    as_many_as_fit,
    back_to_back,
    connects,
    cut_and_resume,
    idle_memory,
    many_rooms,
    one_at_a_time,
    one_listener,
    open_chat,
    past_the_limit,
    queue_pages,
    reconnect_storm,
    second_core,
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
        many_rooms,
        second_core,
        reconnect_storm,
        past_the_limit,
        as_many_as_fit,
    )
}
"""By name, in the order of the table."""
