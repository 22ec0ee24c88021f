"""From a projection to what it takes, and to a scenario that can be rehearsed: at every size, up to a million."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.errors import ConfigurationError
from fanout.rehearsal.calibration import calibrate
from fanout.rehearsal.doubts import doubts, moderators_for
from fanout.rehearsal.needs import Machine, in_words, needs
from fanout.rehearsal.planned import desk_of, scenario_of
from fanout.rehearsal.projection import Projection, read_projection
from fanout.rehearsal.scenario import read_scenario
from fanout.rehearsal.schedule import make_schedule
from tests.server_process import fanout

TWO_CORES = Machine(cores=2, memory=24 << 30, seats=19_400, sends=84_000.0)
MAYOR = """
title = "The mayor answers"
people = 400
minutes = 60
questions = 60
aired = 10
"""


@st.composite
def projections(draw: st.DrawFn) -> Projection:
    minutes = draw(st.floats(2, 300))
    questions, sms = draw(st.integers(0, 5000)), draw(st.integers(0, 2_000_000))
    return Projection(
        title=draw(st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=30)),
        people=draw(st.integers(1, 1_000_000)),
        minutes=minutes,
        arrive_within=minutes * draw(st.floats(0.01, 0.9)),
        rooms=draw(st.integers(1, 30)),
        reloads=draw(st.sampled_from((0.0, 0.5, 2.0))),
        questions=questions,
        sms=sms,
        sms_people=draw(st.integers(1, sms)) if sms else 0,
        aired=draw(st.integers(0, 60)) if questions + sms else 0,
        chat=draw(st.sampled_from((0.0, 5.0, 60.0))),
        break_in_the_middle=draw(st.booleans()),
    )


@settings(deadline=None, max_examples=80)
@given(projections())
def test_every_projection_makes_a_scenario_with_its_totals(projection: Projection):
    scenario = read_scenario(scenario_of(projection))
    totals = scenario.totals
    assert scenario.title == projection.title
    assert all(each.why for each in scenario.objectives)
    assert scenario.summary.startswith(f"{projection.people:,} people at the same time")
    assert (totals.visitors, totals.web_questions, totals.sms_messages, totals.aired) == (
        projection.people, projection.questions, projection.sms, projection.aired,
    )  # fmt: skip
    assert make_schedule(scenario).seconds == pytest.approx(projection.minutes * 60, rel=1e-4)
    assert bool(totals.announcements) is not (projection.aired > 0 or projection.chat > 0)


@settings(deadline=None, max_examples=80)
@given(projections())
def test_what_it_takes_grows_with_the_people_and_can_be_said(projection: Projection):
    found = needs(projection, TWO_CORES)
    twice = needs(msgspec.structs.replace(projection, people=2 * projection.people), TWO_CORES)
    assert twice.memory > found.memory
    assert twice.bits_per_second > found.bits_per_second
    assert twice.workers >= found.workers
    assert twice.machines >= found.machines >= 1
    assert all(line.endswith(".") for line in in_words(projection, TWO_CORES, found))


def test_a_million_on_paper():
    projection = Projection(title="A million", people=1_000_000, minutes=60, questions=1000, aired=30, moderators=2)
    found = needs(projection, TWO_CORES)
    assert found.sends_per_core == pytest.approx(37_800)
    assert found.sending_cores == 53, "a million within half a second, at 37,800 a core"
    assert found.workers == 54, "nineteen thousand descriptors each"
    assert found.machines == 27
    assert any("does not connect several machines" in line for line in in_words(projection, TWO_CORES, found))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"people": 10, "minutes": 30, "arrive_within": 3.0, "questions": 5}, "Disk: 0.01 GiB"),
        ({"people": 10, "minutes": 30, "arrive_within": 3.0}, "10 people at the same time, 1 deliveries a second"),
        ({"people": 10_000_000, "minutes": 60}, "One line is with everybody after 132 s"),
        ({"people": 1_000_000, "minutes": 60, "chat": 1000.0}, "workers at most"),
        ({"people": 10, "minutes": 60, "sms": 10**9, "sms_people": 1}, "the gateway is not done with them"),
    ],
)
def test_a_plan_for_ten_and_for_ten_million_can_be_read(more: dict[str, Any], said: str):
    projection = Projection(title="x", **more)
    text = "\n".join(in_words(projection, TWO_CORES, needs(projection, TWO_CORES)))
    assert said in text
    assert "e+" not in text
    assert " 0 Mbit/s" not in text


def test_a_crowd_that_fits_in_one_process_gets_one():
    found = needs(read_projection(MAYOR), TWO_CORES)
    assert (found.workers, found.machines, found.sending_cores) == (0, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("people = 400", "people = 0", "people"),
        ("people = 400", "people = -3", "people"),
        ("people = 400", "people = 'many'", "people"),
        ("minutes = 60", "minutes = inf", "minutes"),
        ("minutes = 60", "minutes = nan", "minutes"),
        ("minutes = 60", "minutes = 1e-9", "minutes"),
        ("people = 400", "poeple = 400", "projection"),
        ("minutes = 60", "minutes = 5", "arrive_within"),
        ("questions = 60", "", "aired"),
        ("questions = 60", "sms = 5", "sms_people"),
        ("aired = 10", "aired = 61", "aired"),
        ("aired = 10", "aired = 31", "aired"),
        ("aired = 10", "aired = 10\napproves = 0.1", "aired"),
        ("aired = 10", "aired = 10\nseconds_each = 600", "moderators"),
        ("aired = 10", "aired = 10\nseconds_each = 0.5", "seconds_each"),
        ("people = 400", "people = 9_000_000\nreloads = 2", "reloads"),
        ("aired = 10", "aired = 10\nchat = 10_000", "chat"),
        ("aired = 10", "aired = 10\norigins = [{where = 'x', share = 0.5}]", "origins"),
        ("aired = 10", "aired = 10\norigins = [{where = 'x', part = 0.5}]", "origins[0]"),
        ("aired = 10", "aired = 10\norigins = [{where = 'x', share = 1, asks = false}]", "origins"),
        ("aired = 10", "aired = 10\norigins = [{where = 'x', share = 1, event_streams = 1}]", "origins"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, key: str):
    with pytest.raises(ConfigurationError) as raised:
        read_projection(MAYOR.replace(old, new))
    assert raised.value.key == key, raised.value.detail


def test_a_mistake_in_the_programme_says_what_would_do():
    with pytest.raises(ConfigurationError, match=r"20 of 20 questions, of which 50 % are approved: at most 10\."):
        read_projection(MAYOR.replace("questions = 60", "questions = 20").replace("aired = 10", "aired = 20"))
    assert read_projection(MAYOR.replace("questions = 60", "advance_questions = 60")), "they are read in the event then"


def test_where_people_are_is_how_they_listen():
    projection = read_projection(f"""{MAYOR}
[[origins]]
where = "telephones"
share = 0.5
stalls = 0.2
[[origins]]
where = "offices"
share = 0.2
event_streams = 0.25
[[origins]]
where = "the newspaper's window"
share = 0.3
asks = false
""")
    scenario = read_scenario(scenario_of(projection))
    assert scenario.event_streams == 0.05
    assert [(fault.kind, fault.share) for fault in scenario.faults] == [("cut", 1), ("stall", 0.1)]
    assert {
        "50 % from telephones. Of those, 20 % have lines that stall.",
        "20 % from offices. Of those, 25 % listen over event streams, where WebSockets do not pass.",
        "30 % from the newspaper's window. They only read.",
        "Over event streams nobody asks in a rehearsal: what comes from there comes from the others.",
    } < set(scenario.assumptions)
    assert any("the script of a window" in each for each in scenario.assumptions)
    everywhere = read_scenario(scenario_of(read_projection(MAYOR)))
    assert everywhere.event_streams == 0
    assert not any("WebSockets" in each for each in everywhere.assumptions)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("aired = 10", []),
        (
            "seconds_each = 120",
            [
                "too few: of 60 questions from the web they read 29. It takes 3 at least",
                "The animator waits 2 minutes",
            ],
        ),
        ("moderators = 3\nseconds_each = 120", []),
        ("seconds_each = 70", ["from the web 95 of 100 wait up to 13 minutes, and 11 are left at the end. It takes 2"]),
        ("aired = 25", ["25 are to be aired of about 30 that are approved"]),
        ("approves = 1\nanswer_lines = 100\naired = 40", ["A line every 0.74 s"]),
        ("sms = 1_000_000\nsms_people = 1_000_000", ["web they read 0; of 1,000,000 SMS", "Most SMS"]),
    ],
)
def test_what_is_doubtful_is_a_warning_and_stands_in_the_scenario(tmp_path: Path, more: str, said: list[str]):
    written = MAYOR.replace("aired = 10", more) if "aired" in more else MAYOR + more
    projection = read_projection(written)
    found = doubts(projection, desk_of(projection))
    assert len(found) == len(said), found
    assert all(part in doubt for part, doubt in zip(said, found, strict=True)), found
    scenario = read_scenario(scenario_of(projection))
    assert [each for each in scenario.assumptions if each.startswith("In doubt")] == [f"In doubt: {x}" for x in found]


def test_with_one_more_than_can_just_keep_up_nobody_waits_long():
    for seconds in (20, 45, 130):
        projection = read_projection(f"{MAYOR}approves = 1\nmoderators = 5\nseconds_each = {seconds}")
        enough = msgspec.structs.replace(projection, moderators=moderators_for(projection) + 1)
        assert doubts(enough, desk_of(enough)) == []


def test_whoever_sends_sms_that_are_read_has_an_objective_on_how_long_they_wait():
    few = read_projection(MAYOR.replace("questions = 60", "sms = 90\nsms_people = 60"))
    measures = {each.measure: each.at_most for each in read_scenario(scenario_of(few)).objectives}
    assert (measures["sms_p99_ms"], measures["sms_wait_p95_s"]) == (1000, 300)
    many = msgspec.structs.replace(few, sms=100_000)
    measures = {each.measure: each.at_most for each in read_scenario(scenario_of(many)).objectives}
    assert measures["sms_p99_ms"] == 1000
    assert "sms_wait_p95_s" not in measures, "of so many, nobody reads each"


def test_this_machine_can_be_measured():
    machine = calibrate()
    assert machine.sends > 1000
    assert machine.cores >= 1


def test_the_projection_in_the_documentation_becomes_a_scenario_on_the_command_line(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "rehearsal.md").read_text()
    (written,) = re.findall(r'```toml title="projection.toml"\n(.*?)```', page, re.DOTALL)
    (tmp_path / "projection.toml").write_text(written)
    done = fanout("plan", "projection.toml", "-o", "ours.toml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    made = tomllib.loads((tmp_path / "ours.toml").read_text())
    assert made["totals"]["visitors"] == 400
    assert [fault["kind"] for fault in made["faults"]] == ["cut", "stall"]
    assert fanout("plan", "nowhere.toml", folder=tmp_path).returncode == 2


def test_a_scenario_that_somebody_may_have_changed_is_not_written_over(tmp_path: Path):
    (tmp_path / "mayor.toml").write_text(MAYOR + "seconds_each = 120")
    (tmp_path / "ours.toml").write_text("by hand")
    done = fanout("plan", "mayor.toml", "-o", "ours.toml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), "and nothing is measured before"
    assert "-o: ours.toml is there" in done.stderr
    assert "--overwrite" in done.stderr
    assert (tmp_path / "ours.toml").read_text() == "by hand"
    done = fanout("plan", "mayor.toml", "-o", "ours.toml", "--overwrite", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\nAssumed: 1 moderator(s), 120 seconds a question; 50 % are approved.\n" in done.stdout
    assert "\nWarning: 1 moderator(s) at 120 s each are too few" in done.stdout
    assert "In doubt: 1 moderator(s)" in (tmp_path / "ours.toml").read_text()
    for place in (".", "nowhere/ours.toml"):
        assert fanout("plan", "mayor.toml", "-o", place, folder=tmp_path).returncode == 2
