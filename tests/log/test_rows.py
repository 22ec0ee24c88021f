"""The statements of the log: how many rows they take, and that none of them walks through a table."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.log.rows import (
    MOST_ROWS,
    REDACT,
    SELECT,
    SELECT_MESSAGE,
    SELECT_RETRACTION,
    in_powers_of_two,
    insert,
    select_keys,
)
from fanout.log.schema import open_for_writing


@given(st.integers(0, 3 * MOST_ROWS))
def test_the_pieces_are_powers_of_two_and_make_up_the_whole(count: int) -> None:
    """In order, nothing twice, and few different sizes."""
    pieces = list(in_powers_of_two(range(count)))
    assert [row for piece in pieces for row in piece] == [*range(count)]
    assert all(len(piece) <= MOST_ROWS and len(piece).bit_count() == 1 for piece in pieces)


@pytest.mark.parametrize(
    "statement",
    [
        SELECT + "WHERE e.room = ? AND e.seq > ? ORDER BY e.seq LIMIT ?",
        SELECT + "WHERE e.number BETWEEN ? AND ? ORDER BY e.number",
        SELECT_MESSAGE,
        SELECT_RETRACTION,
        REDACT,
        select_keys(1),
        select_keys(64),
        insert(2),
    ],
)
def test_no_statement_walks_through_a_table(statement: str, tmp_path: Path) -> None:
    """Each finds its rows by all that it is given: in a room of a million entries as fast as in one of ten."""
    connection = open_for_writing(tmp_path / "log.sqlite3")
    values = ["1"] * statement.count("?")
    plan = [step[3] for step in connection.execute("EXPLAIN QUERY PLAN " + statement, values)]
    connection.close()
    assert [step for step in plan if re.search(r"SCAN (e|entries|k|keys|r|rooms)\b", step)] == []
    assert [step for step in plan if re.search(r"SEARCH (e|entries) .*\(room=\?\)$", step)] == []


def test_the_insert_fits_into_sqlite(tmp_path: Path) -> None:
    """The largest one, with every value that a row has."""
    connection = open_for_writing(tmp_path / "log.sqlite3")
    connection.execute("INSERT INTO rooms VALUES (1, 'a', 'e', '{}')")
    rows = [(n, 1, n, 0, None, None, None, None, None, 0, None) for n in range(1, MOST_ROWS + 1)]
    connection.execute(insert(MOST_ROWS), [value for row in rows for value in row])
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == (MOST_ROWS,)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(insert(1), rows[0])
    connection.close()
