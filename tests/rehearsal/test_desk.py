"""The moderators' desk on paper: the same queue as the one that is played, at any size, in no time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fanout.rehearsal.desk import reckon
from fanout.rehearsal.scenario import Moderators, Scenario, read_scenario

EVENING = """
title = "An hour"
asks_in = "hall"
[[rooms]]
name = "hall"
mode = "moderated"
listeners = 1
[totals]
visitors = 100
web_questions = 60
aired = 4
answer_lines = 1
[[phases]]
name = "all"
minutes = 60
arrivals = 1
web_questions = 1
sms = 1
aired = 1
[[moderators]]
count = 1
takes = ["web", "sms"]
seconds = 30
spread = 0
approves = 1
[[objectives]]
measure = "lost"
at_most = 0
"""


def evening(*, moderators: int = 1, seconds: float = 30, **totals: int) -> Scenario:
    plain = read_scenario(EVENING)
    team = replace(plain.moderators[0], count=moderators, seconds=seconds)
    return replace(plain, totals=replace(plain.totals, **totals), moderators=(team,))


def test_who_has_time_decides_at_once():
    desk = reckon(evening())
    assert desk is not None
    web = desk.waits["web"]
    assert (web.come, web.decided, web.half_s, web.p95_s) == (60, 59, 30, 30), "the last is in hand when it ends"
    assert (desk.aired, desk.starved_s) == (4, 0)
    assert list(desk.waits) == ["web"]


def test_a_queue_that_grows_is_reckoned_to_its_end():
    """A question a minute, and each takes two: what is left waits on, as if those before it were decided first."""
    desk = reckon(evening(seconds=120))
    assert desk is not None
    web = desk.waits["web"]
    assert (web.come, web.decided) == (60, 29)
    assert web.p95_s == pytest.approx(57 * 120 + 30 - (56 * 60 + 30), abs=120), "the 57th, after 56 others"


def test_questions_from_the_web_wait_behind_sms_that_come_first():
    both = reckon(evening(sms_messages=1000, sms_people=1000))
    assert both is not None
    assert both.waits["web"].half_s > 1800
    assert both.waits["web"].decided + both.waits["sms"].decided == 119
    apart = evening(sms_messages=1000, sms_people=1000)
    teams = (Moderators(1, ("web",), 30, 0, 1), Moderators(1, ("sms",), 30, 0, 1))
    desk = reckon(replace(apart, moderators=teams))
    assert desk is not None
    assert desk.waits["web"].p95_s == 30


def test_an_animator_without_anything_approved_waits():
    desk = reckon(evening(seconds=1200))
    assert desk is not None
    assert desk.aired == 2, "one is approved each twenty minutes, and the third with the end"
    assert desk.starved_s == pytest.approx(780 + 1080 + 1350 + 450, abs=200)


def test_there_is_no_desk_without_moderators():
    assert reckon(replace(evening(), moderators=(), totals=replace(evening().totals, aired=0))) is None


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 3000), st.integers(0, 50_000), st.integers(0, 500), st.integers(1, 20), st.floats(1, 300))
def test_nobody_is_forgotten_and_one_more_moderator_decides_no_fewer(
    web: int, sms: int, before: int, moderators: int, seconds: float
):
    few, more = (
        reckon(evening(moderators=count, seconds=seconds, web_questions=web, sms_messages=sms, sms_people=sms,
                       advance_questions=before, aired=0))
        for count in (moderators, moderators + 1)
    )  # fmt: skip
    assert few is not None
    assert more is not None
    assert {source: waits.come for source, waits in few.waits.items()} == {
        source: count for source, count in (("web", web), ("sms", sms), ("api", before)) if count
    }
    for waits in few.waits.values():
        assert 0 <= waits.decided <= waits.come
        assert 0 <= waits.half_s <= waits.p95_s
    assert sum(one.decided for one in few.waits.values()) <= sum(one.decided for one in more.waits.values())
    assert "api" not in few.waits or few.waits["api"].decided == 0, "nobody takes those"
