"""Goals are judged by ratios within a round, and doubtful figures say so."""

from __future__ import annotations

import pytest

from benchmarks.load.control import LoadFailed
from benchmarks.peers.catalogue import Peer
from benchmarks.report.results import RowResult, Spread
from benchmarks.report.table import cell, goals_table, number, row_table
from benchmarks.rows.row import Goal, Measured, Row, Size

LABELS = {"fanout": "fanout", "a": "A", "b": "B", "floor-c": "floor"}


def never(peer: Peer, size: Size) -> Measured:
    raise LoadFailed("this row is only judged")


def result(goal: Goal, **rounds: list[float]) -> RowResult:
    """A row with one goal about `rate`, and what each server reached in each round."""
    row = Row("row", "a question", tuple(rounds), Size(1, 1), Size(1, 1), never, {"rate": "rate"}, (goal,))
    made = RowResult(row, row.full)
    for peer, values in rounds.items():
        for value in values:
            made.add(peer.replace("_", "-"), Measured({"rate": value}))
    return made


def test_the_best_peer_of_the_same_round_is_what_counts() -> None:
    """The machine was twice as fast in the second round: the ratios do not notice."""
    goal = Goal("fast", "rate", 1.0, "least", "peers")
    (judged,) = result(goal, fanout=[11.0, 20.0, 11.0], a=[10.0, 20.0, 10.0], b=[5.0, 12.0, 9.0]).judge()
    assert (judged.met, judged.best) == (True, "a")
    assert judged.found == Spread(1.1, 1.0, 1.1)


def test_a_goal_that_is_missed_is_not_met() -> None:
    goal = Goal("fast", "rate", 1.0, "least", "peers")
    (judged,) = result(goal, fanout=[9.0], a=[10.0], b=[1.0]).judge()
    assert not judged.met


def test_less_is_better_where_the_goal_says_at_most() -> None:
    goal = Goal("cheap", "rate", 1.0, "most", "peers")
    (judged,) = result(goal, fanout=[9.0], a=[10.0], b=[12.0]).judge()
    assert (judged.met, judged.best) == (True, "a")


def test_the_floor_is_not_a_peer() -> None:
    beside_peers = Goal("fast", "rate", 1.0, "least", "peers")
    beside_floor = Goal("near", "rate", 0.9, "least", "floor-c")
    values = {"fanout": [9.5], "a": [9.0], "floor_c": [10.0]}
    assert result(beside_peers, **values).judge()[0].met
    assert result(beside_floor, **values).judge()[0].found == Spread(0.95, 0.95, 0.95)


def test_a_peer_measured_once_is_compared_in_every_round() -> None:
    goal = Goal("fast", "rate", 1.0, "least", "peers")
    (judged,) = result(goal, fanout=[10.0, 20.0], a=[10.0]).judge()
    assert judged.found == Spread(1.5, 1.0, 2.0)


def test_a_goal_without_anything_to_compare_with_is_not_measured() -> None:
    goal = Goal("fast", "rate", 1.0, "least", "peers")
    alone = result(goal, fanout=[10.0])
    assert not alone.judge()[0].met
    assert "not measured" in goals_table([alone], LABELS)


def test_figures_of_a_server_that_loses_messages_do_not_meet_a_goal() -> None:
    goal = Goal("fast", "rate", 1.0)
    faulty = result(goal)
    faulty.add("fanout", Measured({"rate": 0.5}, faults={"missing": 3}))
    assert not faulty.judge()[0].met
    assert "invalid: listeners found 3 missing" in row_table(faulty, LABELS)


def test_a_saturated_client_is_said() -> None:
    made = result(Goal("fast", "rate", 1.0))
    made.add("fanout", Measured({"rate": 0.5}, client_share=0.99))
    assert "invalid: the client used 99% of its core" in row_table(made, LABELS)


def test_a_round_that_failed_is_left_out_of_the_median() -> None:
    made = result(Goal("fast", "rate", 1.0), fanout=[1.0])
    made.add("fanout", None)
    made.add("fanout", Measured({"rate": 3.0}))
    assert made.spread("fanout", "rate") == Spread(2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.123, "0.12"), (12.34, "12.3"), (345.6, "346"), (98765.0, "98,800"), (0.0, "0.00"), (1_234_567.0, "1,230,000")],
)
def test_numbers_have_the_digits_they_deserve(value: float, words: str) -> None:
    assert number(value) == words


def test_a_cell_shows_the_spread_only_where_there_is_one() -> None:
    assert cell(Spread(1.0, 1.0, 1.0)) == "1.00"
    assert cell(Spread(2.0, 1.0, 3.0)) == "2.00 (1.00-3.00)"
    assert cell(None) == ""
