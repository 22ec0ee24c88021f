"""A recording's file, checked line by line, and how it is played: in which scenario, at which scale."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.core.submission import Source, Step
from fanout.errors import ConfigurationError
from fanout.rehearsal.measures import added
from fanout.rehearsal.recording.acts import (
    Act,
    Ask,
    Decide,
    End,
    Head,
    Line,
    Recording,
    Say,
    Shape,
    TakeBack,
    open_recording,
    written,
)
from fanout.rehearsal.recording.playing import count, played, replay_in
from fanout.rehearsal.scenario import read_scenario
from fanout.rehearsal.schedule import make_schedule
from tests.server_process import SECRET

NOON = 1_773_316_800_000

GOOD = [
    Head(1, NOON, ("stage", "talk"), ("talk",)),
    Say(0, 0, "message", "publisher", Shape(5)),
    Ask(5, 0, Source.WEB, 3, 6, Shape(20), 77, submission=4),
    Ask(6, 1, Source.WEB, 4, 6, Shape(20), 78),
    Ask(7, 0, Source.SMS, 5, 6, Shape(20), 79),
    Decide(9, 4, Step.APPROVE, "moderator"),
    Decide(10, 4, Step.AIR, "moderator", message=8),
    Line(20, 4, "scribe", Shape(50)),
    TakeBack(30, 0, 8),
    End(30, NOON + 30, 8, 6),
]


def file_of(folder: Path, lines: list[bytes]) -> Path:
    path = folder / "again.recording"
    path.write_bytes(b"".join(lines))
    return path


def test_a_recording_says_what_is_wrong_with_it(tmp_path: Path):
    good = [written(line) for line in GOOD]
    assert len(list(open_recording(file_of(tmp_path, good)).acts())) == 9
    for lines, said in (
        (good[:-1], "it breaks off after line 9"),
        ([*good[:4], *good[5:]], "it has 7 acts, and ends with the count 8"),
        ([good[0], good[2], good[1], *good[3:]], "line 3 is earlier"),
        ([good[0], b'["say",0,7,"message","",[5,0,0,0,0],0,0,0]\n', *good[2:]], "there is no room 7"),
        ([good[0], b'["say",-1,0,"message","",[5,0,0,0,0],0,0,0]\n', *good[2:]], "line 2: Expected `int` >= 0"),
        ([good[0], b'["sing",1]\n', *good[2:]], "line 2: Invalid value 'sing'"),
        ([good[0], b"\xff\n", *good[2:]], "line 2: "),
        ([b'{"fanout_recording":9,"began":0,"rooms":[]}\n'], "a recording of form 9; this fanout reads form 1"),
        ([b"{}\n"], "is no recording"),
        ([], "is no recording"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            list(open_recording(file_of(tmp_path, lines)).acts())
        assert said in raised.value.detail
    with pytest.raises(ConfigurationError, match="can't be read"):
        open_recording(tmp_path / "nowhere")


# --- as it will be played ---------------------------------------------------------------------------------------------

SCENARIO = """
title = "Again"
asks_in = "stage"
[replay]
file = "again.recording"
phase = "all"
[[rooms]]
name = "stage"
mode = "moderated"
listeners = 1
[[rooms]]
name = "talk"
mode = "open"
[totals]
visitors = 10
[[phases]]
name = "doors"
minutes = 1
arrivals = 1
[[phases]]
name = "all"
minutes = 1
[[objectives]]
measure = "lost"
at_most = 0
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('name = "talk"', 'name = "chat"', "rooms", "the recording speaks in 'talk'"),
        ('mode = "open"', 'mode = "stage"', "rooms", "everybody speaks in 'talk'"),
        ('phase = "all"', 'phase = "none"', "replay.phase", "one of doors, all"),
        ('phase = "all"', "", "replay", "Known here: file, phase"),
        ("again.rec", "nowhere.rec", "replay.file", "can't be read"),
        ('name = "all"\nminutes = 1', 'name = "all"\nminutes = 0.0001', "phases", "the recording lasts 1.000 minutes"),
        ("visitors = 10", "visitors = 10\nweb_questions = 2", "totals", "the rest is in the recording"),
        (
            "[totals]",
            "[[moderators]]\ncount = 1\ntakes = ['web']\nseconds = 2\n[totals]",
            "moderators",
            "does so again",
        ),
    ],
)
def test_a_scenario_that_can_t_be_replayed_is_named(tmp_path: Path, old: str, new: str, key: str, said: str):
    lines = [*GOOD[:-1], End(60_000, NOON + 60_000, 8, 6)]
    file_of(tmp_path, [written(line) for line in lines])
    scenario = read_scenario(SCENARIO)
    assert replay_in(scenario, make_schedule(scenario), tmp_path) is not None

    def replayed(text: str) -> None:
        changed = read_scenario(text)
        replay_in(changed, make_schedule(changed), tmp_path)

    with pytest.raises(ConfigurationError) as raised:
        replayed(SCENARIO.replace(old, new, 1))
    assert raised.value.key == key, raised.value.detail
    assert said in raised.value.detail


def test_a_replay_says_what_it_is_of_which_span_and_at_which_speed(tmp_path: Path):
    file_of(tmp_path, [written(line) for line in [*GOOD[:-1], End(30, NOON + 90_000_030, 8, 6)]])
    scenario = read_scenario(SCENARIO)
    replay = replay_in(scenario, make_schedule(scenario, compress=4), tmp_path)
    assert replay is not None
    assert replay.begin == 15
    assert replay.sentence(4) == (
        "A replay of again.recording: 2026-03-12 12:00:00 to 2026-03-13 13:00:00 UTC, 8 acts in 0.0 s (silences "
        "shortened by 25.0 hours), 4 times as fast, in 0.0 s."
    )
    filled = replay.filled(make_schedule(scenario)).totals
    assert (filled.web_questions, filled.chat_messages, filled.sms_messages, filled.sms_people) == (1, 1, 1, 1)


ASKS = st.builds(
    Ask, st.just(0), st.integers(0, 1), st.sampled_from([Source.WEB, Source.SMS, Source.API]), st.integers(0, 50),
    st.just(5), st.just(Shape(9)), st.integers(0, 2**48), st.sampled_from([0, 0, 0, 5]),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(ASKS, max_size=60), st.sampled_from([0.1, 0.5, 1, 1.5, 2, 3]))
def test_at_every_scale_somebody_is_there_always_or_never_and_the_programme_stays(asks: list[Ask], scale: float):
    recording = _InMemory(Path("x"), Head(1, 0, ("a", "b"), ("b",)), [*asks, End(0, 0, len(asks), 51)])
    acts = [(act, copy) for act, copy in played(recording, scale) if isinstance(act, Ask)]
    planned = count(recording, scale)
    assert planned.acts == len(acts)
    assert planned.web + planned.sms + planned.api + planned.chat == len(acts)
    assert [act for act, copy in acts if copy == 0] == asks or scale < 1
    by_person: dict[int, set[int]] = {}
    for ask in asks:
        if not ask.submission:
            times = sum(act is ask for act, _ in acts)
            by_person.setdefault(ask.person, set()).add(times) if ask.person else None
            assert int(scale) <= times <= int(scale) + 1
        else:
            assert any(act is ask for act, _ in acts), "what is decided on is always there"
    assert all(len(times) == 1 for times in by_person.values())
    if scale == 1:
        senders = {(ask.room, ask.person) for ask in asks if ask.source is Source.SMS and ask.room == 0 and ask.person}
        unknown = sum(ask.source is Source.SMS and ask.room == 0 and not ask.person for ask in asks)
        assert planned.people == len(senders) + unknown


class _InMemory(Recording):
    def __init__(self, path: Path, head: Head, acts: list[Act | End]) -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "_acts", acts)

    def acts(self):
        return iter(self._acts)


def test_half_the_scale_is_about_half_of_many_people():
    asks = [Ask(0, 0, Source.SMS, person, 5, Shape(9), 1) for person in range(1, 2001)]
    recording = _InMemory(Path("x"), Head(1, 0, ("a",)), [*asks, End(0, 0, 2000, 2001)])
    assert 950 < count(recording, 0.5).sms < 1050
    assert count(recording, 2.5).sms == 4000 + count(recording, 0.5).sms


def test_what_could_not_be_tried_in_time_is_said(tmp_path: Path):
    orders = {
        "kind": "replay", "url": "http://127.0.0.1:1", "run": "x", "tokens": {}, "secret": [SECRET, ""], "seconds": 0.2,
        "settle": 0.2, "recording": str(file_of(tmp_path, [written(line) for line in GOOD])), "replay_begin": 60,
        "compress": 1, "scale": 1, "acts": 8,
    }  # fmt: skip
    said = f"{json.dumps(orders)}\n{time.monotonic()}\n"
    command = [sys.executable, "-m", "fanout.rehearsal.load"]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout.splitlines()[-1])["faults"] == ["only 0 of the 8 acts of the recording were tried"]


def test_the_tallies_of_several_rooms_are_one():
    one = {"messages": 3, "people": 2, "by_source": {"web": {"messages": 3, "people": 2}}, "by_state": {"held": 3}}
    other = {
        "messages": 9, "people": 5, "by_state": {"held": 8, "aired": 1},
        "by_source": {"web": {"messages": 1, "people": 1}, "sms": {"messages": 8, "people": 4}},
    }  # fmt: skip
    assert added([one, other]) == {
        "messages": 12, "people": 7, "by_state": {"held": 11, "aired": 1},
        "by_source": {"web": {"messages": 4, "people": 3}, "sms": {"messages": 8, "people": 4}},
    }  # fmt: skip
