"""The verdict: what is met, missed and can't be judged; and the search for the headroom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.rehearsal.headroom import find_headroom, in_words
from fanout.rehearsal.load.evidence import Evidence
from fanout.rehearsal.scenario import Objective
from fanout.rehearsal.verdict import Outcome, judge, judge_one, number, sentence

FAST = Objective("delivery_p99_ms", at_most=500)
WHOLE = Objective("lost", at_most=0)
FULL = Objective("aired", at_least=50)


def test_an_objective_is_met_up_to_its_bound_and_the_margin_is_the_share_that_is_left():
    assert (judge_one(FAST, 500).met, judge_one(FAST, 500).margin) == (True, 0)
    assert (judge_one(FAST, 125).met, judge_one(FAST, 125).margin) == (True, 0.75)
    assert (judge_one(FAST, 750).met, judge_one(FAST, 750).margin) == (False, -0.5)
    assert (judge_one(FULL, 50).met, judge_one(FULL, 40).met, judge_one(FULL, 40).margin) == (True, False, -0.2)
    assert (judge_one(WHOLE, 0).met, judge_one(WHOLE, 1).met, judge_one(WHOLE, 1).margin) == (True, False, None)


def test_what_was_not_measured_is_missed():
    judged = judge_one(FAST, None)
    assert not judged.met
    assert "nothing was measured" in sentence(judged)


@pytest.mark.parametrize(
    ("lost", "p99", "slow", "short", "outcome"),
    [
        (0, 100, [], [], Outcome.MET),
        (0, 600, [], [], Outcome.MISSED),
        (1, 100, [], [], Outcome.MISSED),
        (0, 600, ["busy"], [], Outcome.INVALID),
        (0, 100, ["busy"], [], Outcome.MET),
        (1, 600, ["busy"], ["less"], Outcome.MISSED),
        (0, 100, [], ["less"], Outcome.INVALID),
    ],
)
def test_a_wrong_count_is_missed_whatever_and_a_time_only_when_the_generator_kept_up(
    lost: int, p99: float, slow: list[str], short: list[str], outcome: Outcome
):
    verdict = judge([WHOLE, FAST], {"lost": lost, "delivery_p99_ms": p99}, {}, slow=slow, short=short)
    assert verdict.outcome is outcome
    assert {Outcome.MET: 0, Outcome.MISSED: 1, Outcome.INVALID: 3}[outcome] == outcome.exit_code
    assert verdict.problems == (*slow, *short)
    gone = judge([WHOLE, FAST], {"lost": lost, "delivery_p99_ms": p99}, {}, slow=slow, short=short, gone=True)
    assert (gone.outcome.exit_code, gone.judged) == (4, verdict.judged)


@pytest.mark.parametrize(
    ("aired", "slow", "short", "outcome"),
    [
        (50, [], [], Outcome.MET),
        (49, [], [], Outcome.MISSED),
        (49, [], ["the staff ended"], Outcome.INVALID),
        (49, ["the staff was 3 s late"], [], Outcome.INVALID),
    ],
)
def test_too_little_is_missed_unless_less_was_tried_or_the_load_was_late(
    aired: int, slow: list[str], short: list[str], outcome: Outcome
):
    assert judge([FULL], {"aired": aired}, {}, slow=slow, short=short).outcome is outcome


def test_a_server_that_leaves_somebody_without_an_answer_is_not_excused_by_it():
    assert judge([FULL], {"aired": 49}, {}, slow=[], short=[], unanswered=["no answer"]).outcome is Outcome.MISSED
    assert judge([FULL], {"aired": 50}, {}, slow=[], short=[], unanswered=["no answer"]).outcome is Outcome.INVALID


def test_an_objective_of_a_phase_is_judged_by_that_phase():
    of_phase = Objective("delivery_p99_ms", at_most=500, phase="break")
    verdict = judge([of_phase], {"delivery_p99_ms": 1}, {"break": {"delivery_p99_ms": 900}}, slow=[], short=[])
    assert verdict.outcome is Outcome.MISSED


def test_a_sentence_has_found_bound_unit_and_margin():
    assert sentence(judge_one(FAST, 125)) == "delivery_p99_ms: 125 ms; at most 500 ms, margin +75 %"
    assert (number(0), number(1234.5), number(0.12345), number(3.0)) == ("0", "1,234", "0.123", "3")
    assert (number(999.7), number(999.2)) == ("1,000", "999")


@given(st.floats(0.05, 31))
def test_the_headroom_lies_between_what_passed_and_what_did_not(limit: float):
    tried: list[float] = []

    def passes(multiple: float) -> bool:
        tried.append(multiple)
        return multiple <= limit

    good, bad = find_headroom(passes, at_once=limit >= 1)
    assert good <= limit
    assert bad is None or bad > limit
    assert good > 0
    assert (bad or good) <= 2.01 * good
    assert len(tried) <= 8
    assert in_words(good, bad)
    assert ("bottleneck" in in_words(good, bad, Outcome.INVALID)) is (bad is not None)


@given(st.floats(0.05, 31), st.integers(0, 6))
def test_a_search_that_has_to_end_says_what_it_knows(limit: float, trials: int):
    left = iter(range(trials))
    good, bad = find_headroom(lambda tried: None if next(left, None) is None else tried <= limit, at_once=limit >= 1)
    assert good <= limit
    assert bad is None or bad > limit


def test_no_headroom_is_said_as_such():
    good, _ = find_headroom(lambda _: False, at_once=False)
    assert in_words(good, 1.0).startswith("none")


def test_evidence_of_several_processes_adds_up():
    one, other, whole = Evidence(), Evidence(), Evidence()
    for seconds in (0.01, 0.02, 0.5):
        one.observe("sms", seconds)
    other.observe("sms", 2.0, times=97)
    other.count("sms acknowledged", 97)
    for each in (one, other):
        whole.add(each.taken())
    assert whole.counts["sms acknowledged"] == 97
    assert whole.latencies["sms"].count == 100
    quantile = whole.quantile("sms", 0.5)
    assert quantile is not None
    assert 2.0 <= quantile <= 2.1
    assert not one.counts
    assert whole.quantile("join", 0.5) is None
