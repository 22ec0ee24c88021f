"""The arithmetic of an evening: parts add up to the whole to the last one, whatever weights, scale and processes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.errors import ConfigurationError
from fanout.rehearsal.planned import scenario_of
from fanout.rehearsal.projection import read_projection
from fanout.rehearsal.scenario import find_scenario, read_scenario, shipped
from fanout.rehearsal.schedule import (
    Span,
    apportion,
    asks_the_same,
    assumptions,
    make_schedule,
    moments,
    seats,
    sender,
    share_of,
)

WEIGHTS = st.lists(st.floats(0, 1_000_000), min_size=1, max_size=12)


@given(st.integers(0, 2_000_000), WEIGHTS)
def test_parts_add_up_and_none_is_off_by_one_or_more(total: int, weights: list[float]):
    parts = apportion(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert not whole or abs(part - total * weight / whole) < 1.001


@given(st.integers(0, 100_000), st.integers(1, 60))
def test_shares_of_processes_add_up_and_are_even(total: int, processes: int):
    shares = [share_of(total, number, processes) for number in range(processes)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@settings(deadline=None)
@given(st.integers(1, 3000), st.data())
def test_every_sender_sends_and_the_same_text_is_sent_so_often(messages: int, data: st.DataObject):
    people = data.draw(st.integers(1, messages))
    same = data.draw(st.integers(0, people))
    senders = Counter(sender(number, messages, people) for number in range(messages))
    assert set(senders) == set(range(people))
    asked = [number for number in range(messages) if asks_the_same(number, messages, people, same)]
    assert len(asked) == same
    assert len({sender(number, messages, people) for number in asked}) == same, "each of somebody else"


@given(st.floats(0, 1000), st.floats(0.1, 1000), st.integers(0, 500))
def test_moments_lie_inside_their_span_in_order_and_evenly(begin: float, length: float, count: int):
    span = Span("x", begin, begin + length)
    found = moments(span, count)
    assert len(found) == count
    assert all(span.begin <= at <= span.end for at in found)
    assert all(a < b for a, b in pairwise(found))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(shipped()), st.floats(0.001, 2), st.floats(0.1, 600))
def test_a_schedule_keeps_its_totals_at_every_scale_and_speed(name: str, scale: float, compress: float):
    scenario = read_scenario(find_scenario(name)[1])
    schedule = make_schedule(scenario, scale=scale, compress=compress)
    totals, planned = schedule.totals, scenario.totals
    assert sum(span.arrivals for span in schedule.spans) == totals.visitors
    assert sum(span.reloads for span in schedule.spans) == max(0, totals.connections - totals.visitors)
    assert sum(span.sms for span in schedule.spans) == totals.sms_messages
    assert sum(span.aired for span in schedule.spans) == planned.aired, "the programme is not scaled"
    assert abs(totals.visitors - planned.visitors * scale) <= 1
    assert totals.sms_same <= totals.sms_people <= totals.sms_messages
    minutes = sum(phase.minutes for phase in scenario.phases)
    assert abs(schedule.seconds * compress - minutes * 60) < 1e-6 * minutes * 60 + 1e-6
    assert all(a.end == b.begin for a, b in pairwise(schedule.spans))
    assert all(0 <= at <= schedule.seconds for at, _ in schedule.faults)


def test_a_small_scale_has_as_many_questions_as_the_programme_needs():
    """Else the scenario of `fanout plan`, tried at the scale that it advises, is missed for want of questions."""
    scenario = read_scenario(find_scenario("town-hall-2002")[1])
    schedule = make_schedule(scenario, scale=0.1)
    assert schedule.totals.visitors == 100
    assert schedule.totals.web_questions == 60, "half are approved, 20 are aired, and half as many again may wait"
    assert "60 questions from the web, not 20: 20 are to be aired." in assumptions(scenario, schedule)
    assert make_schedule(scenario, scale=1).totals.web_questions == scenario.totals.web_questions
    assert make_schedule(scenario, scale=3).totals.web_questions == 600


@pytest.mark.parametrize(("asked", "total"), [("sms = 90\nsms_people = 60", "sms_messages"),
                                              ("advance_questions = 90", "advance_questions")])  # fmt: skip
def test_so_has_one_whose_questions_come_by_sms_or_before(asked: str, total: str):
    projection = f"title = 'x'\npeople = 400\nminutes = 60\naired = 20\n{asked}"
    scenario = read_scenario(scenario_of(read_projection(projection)))
    schedule = make_schedule(scenario, scale=0.1)
    assert (schedule.totals.visitors, getattr(schedule.totals, total)) == (40, 60)
    assert any(each.endswith(", not 9: 20 are to be aired.") for each in assumptions(scenario, schedule))
    assert getattr(make_schedule(scenario).totals, total) == 90


def test_the_evening_of_2004_at_full_size_adds_up():
    scenario = read_scenario(find_scenario("prime-minister-2004")[1])
    schedule = make_schedule(scenario, compress=5)
    assert sum(span.arrivals + span.reloads for span in schedule.spans) == 30_000
    assert sum(span.sms for span in schedule.spans) == 1_324_085
    assert sum(span.aired for span in schedule.spans) * schedule.totals.answer_lines == 500
    assert schedule.seconds == 720
    rooms = Counter(seats(scenario, schedule.totals.visitors))
    assert len(rooms) == 20
    assert set(rooms.values()) == {1000}
    assert schedule.phase_at(0) == "doors open"
    assert schedule.phase_at(10_000) == "last words"


def test_a_scale_that_makes_more_than_can_be_played_is_refused():
    evening = read_scenario(find_scenario("prime-minister-2004")[1])
    assert make_schedule(evening, scale=15).totals.sms_messages == 19_861_275
    with pytest.raises(ConfigurationError, match=r"--scale: that makes 21,185,360 sms_messages; at most 20,000,000"):
        make_schedule(evening, scale=16)
