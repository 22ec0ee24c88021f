"""Scenario files: those that are shipped are whole, their totals are what is known, and a mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fanout.errors import ConfigurationError
from fanout.rehearsal.measuring import MEASURES
from fanout.rehearsal.scenario import find_scenario, read_scenario, shipped
from fanout.rehearsal.schedule import assumptions, make_schedule

GOOD = """
title = "A test"
asks_in = "hall"
[[rooms]]
name = "hall"
mode = "moderated"
listeners = 1
[totals]
visitors = 10
web_questions = 5
[[phases]]
name = "all"
minutes = 1
arrivals = 1
web_questions = 1
[[objectives]]
measure = "lost"
at_most = 0
"""


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_says_its_source_what_it_assumes_and_judges_what_was_promised(name: str):
    scenario = read_scenario(find_scenario(name)[1])
    assert scenario.source
    assert scenario.assumptions
    assert {"lost", "repeated", "disordered", "gaps", "behind", "absent"} <= {
        one.measure for one in scenario.objectives
    }
    assert any(MEASURES[one.measure].timed for one in scenario.objectives)
    said = assumptions(scenario, make_schedule(scenario, scale=0.5, compress=5))
    assert set(scenario.assumptions) < set(said)
    assert any("Scale 0.5" in each for each in said)
    assert any("5 times faster" in each for each in said)


def test_the_seven_are_there():
    assert shipped() == [
        "citizens-2007", "doors-open", "full-disk", "prime-minister-2004", "reconnect-storm", "slow-phones",
        "town-hall-2002",
    ]  # fmt: skip


def test_the_evening_of_2004_has_its_known_figures():
    scenario = read_scenario(find_scenario("prime-minister-2004")[1])
    totals = scenario.totals
    assert (totals.visitors, totals.connections, totals.advance_questions) == (20_000, 30_000, 16_000)
    assert (totals.sms_messages, totals.sms_people, totals.sms_same) == (1_324_085, 1_008_029, 60_000)
    assert (totals.aired, totals.answer_lines) == (50, 10)
    assert sum(rooms.count for rooms in scenario.rooms if rooms.follows == "stage") == 20
    assert sum(team.count for team in scenario.moderators) == 2


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("visitors = 10", "visitors = 0", "totals.visitors", "Expected `int` >= 1"),
        ("visitors = 10", "visitors = 10\nconnections = 1_000_000_000", "totals.connections", "`int` <= 20000000"),
        ("visitors = 10", "vistors = 10", "totals", "Known here: visitors, connections"),
        ("minutes = 1", "minutes = 0", "phases[0].minutes", "Expected `float` > 0"),
        ("minutes = 1", "minutes = 'x", "scenario", "not TOML"),
        ('name = "all"', 'name = "all"\nnoise = 3', "phases[0]", "Known here: name, minutes"),
        ("arrivals = 1", "arrivals = 0", "totals.visitors", "no phase has a weight for it: arrivals = 1"),
        ("\nweb_questions = 1\n", "\n", "totals.web_questions", "no phase has a weight"),
        ("visitors = 10", "visitors = 10\nconnections = 9", "totals.connections", "each visitor makes one"),
        ("visitors = 10", "visitors = 10\nconnections = 19", "totals.connections", "reloads = 1"),
        ("visitors = 10", "visitors = 10\nsms_people = 3", "totals.sms_people", "from sms_same to sms_messages"),
        ("visitors = 10", "visitors = 10\nchat_messages = 1", "totals.chat_messages", "no phase has a weight"),
        ("visitors = 10", "visitors = 10\naired = 1", "totals.aired", "no phase has a weight"),
        ('asks_in = "hall"', 'asks_in = "hal"', "asks_in", "one of hall; not 'hal'"),
        ('asks_in = "hall"', "", "asks_in", "one of hall; not None"),
        ('mode = "moderated"', 'mode = "stage"', "asks_in", "its mode must be moderated"),
        ('mode = "moderated"', 'mode = "loud"', "rooms[0].mode", "Invalid enum value 'loud'"),
        ("listeners = 1", "listeners = 0", "rooms", "nobody listens anywhere"),
        ("listeners = 1", 'follows = "x"\nlisteners = 1', "rooms[0].follows", "one of hall; not 'x'"),
        ('name = "hall"', 'name = "a room"', "rooms[0].name", ""),
        ('measure = "lost"', 'measure = "los"', "objectives[0].measure", "one of absent, "),
        ("at_most = 0", "", "objectives[0]", "either at_most or at_least"),
        ("at_most = 0", "at_most = 0\nat_least = 0", "objectives[0]", "either at_most or at_least"),
        ("at_most = 0", "at_most = nan", "objectives[0].at_most", "a number from 0 to 1,000,000,000,000; not nan"),
        ("at_most = 0", "at_least = -inf", "objectives[0].at_least", "not -inf"),
        ("at_most = 0", "at_most = 2e12", "objectives[0].at_most", "not 2e+12"),
        ("at_most = 0", 'at_most = 0\nphase = "all"', "objectives[0].phase", "measured over the whole evening only"),
        ("[[objectives]]", '[[faults]]\nkind = "cut"\nphase = "x"\n[[objectives]]', "faults[0].phase", "one of all"),
    ],
)
def test_a_mistake_is_named_with_what_is_accepted(old: str, new: str, key: str, said: str):
    assert read_scenario(GOOD)
    assert old in GOOD
    with pytest.raises(ConfigurationError) as raised:
        read_scenario(GOOD.replace(old, new, 1))
    assert raised.value.key == key, raised.value.detail
    assert said in raised.value.detail


@pytest.mark.parametrize(
    ("mode", "asks_in", "said"),
    [
        ("stage", "", "a flood needs a room that it pours into: one of hall"),
        ("stage", 'asks_in = "hall"', "hall is a stage"),
    ],
)
def test_a_flood_that_could_not_happen_is_refused(mode: str, asks_in: str, said: str):
    text = GOOD.replace('asks_in = "hall"', asks_in).replace("web_questions", "# ").replace("moderated", mode)
    assert read_scenario(text), "without the flood, it is good"
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_scenario(f'{text}\n[[faults]]\nkind = "flood"\nphase = "all"')
    assert raised.value.key == "asks_in"


def test_the_scenario_in_the_documentation_is_a_good_one():
    page = (Path(__file__).parents[2] / "docs" / "rehearsal.md").read_text()
    (written,) = re.findall(r'```toml title="ours.toml"\n(.*?)```', page, re.DOTALL)
    assert read_scenario(written).totals.visitors == 400
