"""Visitors of a rehearsal: what the load itself makes impossible is not held against the server."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from fanout.client.comeback import CUT, Ending
from fanout.client.crowd.reading import Heard
from fanout.client.crowd.tally import Tally
from fanout.rehearsal.load.audience import Hall
from fanout.rehearsal.load.evidence import Clock
from fanout.rehearsal.measures import Record, missing
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import Span, make_schedule


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Hall:
    """Two visitors who have arrived, and whom nobody has let in yet."""
    span = Span("the evening", 0.0, 10.0, arrivals=2, web_questions=2, chat_messages=0)
    orders: dict[str, Any] = {
        "url": "http://127.0.0.1:1", "number": 0, "rooms": ["hall", "hall"], "asks_in": "hall", "open": [],
        "spans": [{name: getattr(span, name) for name in span.__slots__}], "faults": [], "event_streams": 0.0,
        "identities": ["one", "two"],
    }  # fmt: skip
    hall = Hall(orders, Clock(time.monotonic() - 10), Tally())
    monkeypatch.setattr(hall, "say", lambda *_: None)
    return hall


def let_in(hall: Hall, number: int) -> None:
    hall.listeners[number].live = True


def answer(hall: Hall, ref: int) -> None:
    hall.answered(Heard(type="submission", room="hall", ref=str(ref), state="held"), time.monotonic())


def test_a_question_waits_until_somebody_is_there_to_put_it(hall: Hall) -> None:
    for number in range(2):
        hall.do((5.0, "web_questions", number, {}))
    hall.put_what_was_postponed()
    assert hall.evidence.counts["web_questions"] == 0
    let_in(hall, 0)
    hall.put_what_was_postponed()
    assert hall.evidence.counts["web_questions"] == 1, "one each"
    let_in(hall, 1)
    hall.put_what_was_postponed()
    assert hall.evidence.counts["web_questions"] == 2, "both, though they were due at the same moment"
    for ref in range(2):
        assert hall.owes_an_answer
        answer(hall, ref)
    assert hall.evidence.counts["acknowledged: web"] == 2
    assert not hall.owes_an_answer


def test_whoever_is_never_let_in_or_does_not_come_back_has_waited_until_the_end(hall: Hall) -> None:
    let_in(hall, 0)
    hall.welcomed(hall.listeners[0], 0.1)
    hall.line_ended(hall.listeners[0], Ending(CUT, "cut"))
    hall.listeners[0].live = False
    hall.note_who_still_waits()
    waited = hall.evidence.quantile("join", 1.0)
    assert waited is not None
    assert 2 < waited < 8, "since they came"
    assert hall.evidence.quantile("back", 1.0) is not None


def test_whoever_is_refused_and_tries_again_has_waited_since_they_came(hall: Hall) -> None:
    visitor = hall.listeners[0]
    hall.line_ended(visitor, Ending(CUT, "refused"))
    let_in(hall, 0)
    hall.welcomed(visitor, 0.01)
    waited = hall.evidence.quantile("join", 1.0)
    assert waited is not None
    assert waited > 2, "and not since they tried for the second time"
    hall.welcomed(visitor, 0.01)
    assert hall.evidence.quantile("join", 0.5) == pytest.approx(0.01, rel=0.05), "a reload, which is taken at once"
    visitor.live = False
    hall.line_ended(visitor, Ending(CUT, "refused as they reload"))
    assert hall._outside[visitor] == pytest.approx(time.monotonic(), abs=60)


def test_whoever_has_not_had_the_last_line_is_behind(hall: Hall) -> None:
    let_in(hall, 0)
    track = hall.listeners[0].tracks["hall"]
    record = Record(make_schedule(read_scenario(find_scenario("town-hall-2002")[1])))
    for epoch, seq, absent in [("e", 4, 1), ("e", 5, 0), ("e", 6, 0), ("before", 9, 5)]:
        track.epoch, track.seq = epoch, seq
        assert hall.is_behind({"hall": ("e", 5)}) is (absent > 0)
        assert not hall.is_behind({})
        record.stands = [json.loads(json.dumps(hall.stand()))]
        assert max(0, record.behind({"hall": ("e", 5)})) == absent


def test_nobody_reloads_who_has_just_asked_and_a_phone_is_not_put_away_then(hall: Hall) -> None:
    let_in(hall, 0)
    hall.do((9.0, "web_questions", 0, {}))
    hall.do((9.0, "reloads", 0, {}))
    hall.do((9.0, "stall", 0, {"kind": "stall", "share": 1.0}))
    assert hall.evidence.counts["not possible: reloads"] == 1
    hall.do((9.0, "web_questions", 1, {}))
    assert hall.evidence.counts["web_questions"] == 2, "who is awake can speak"
    for ref in range(2):
        answer(hall, ref)
    hall.do((9.0, "stall", 0, {"kind": "stall", "share": 1.0}))
    hall.do((9.0, "web_questions", 2, {}))
    assert hall.evidence.counts["web_questions"] == 2, "who does not read does not write"


@pytest.mark.parametrize(("asked_at", "unanswered"), [(9.5, 0), (1.0, 100)], ids=["just now", "long ago"])
def test_who_asks_as_their_line_is_cut_can_get_no_answer(hall: Hall, asked_at: float, unanswered: float) -> None:
    let_in(hall, 0)
    hall.do((asked_at, "web_questions", 0, {}))
    hall.do((10.0, "cut", 0, {"kind": "cut", "share": 1.0}))
    record = Record(make_schedule(read_scenario(find_scenario("town-hall-2002")[1])))
    record.whole.evidence.add(hall.evidence.taken())
    assert missing(record)["unanswered_share"] == (unanswered or None)
