"""The staff of a rehearsal, before a desk that answers when the test says so: who is kept waiting is late, and still
does what was planned; who is too slow by nature is not waited for."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from fanout.rehearsal.load import staff
from fanout.rehearsal.load.evidence import Clock
from fanout.rehearsal.schedule import Span

EVENING = Span("the evening", 0.0, 0.6, aired=3)


@dataclass
class Desk:
    """Holds questions; gives its first answer to one action only when the evening's time is over."""

    slow: str
    states: dict[str, str]
    over: Any = None
    air: tuple[int, int] = (200, 1)
    """What putting something on the air is answered with, and at which try."""
    kept: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if method == "GET":
            state = "held" if "state=held" in path else "approved"
            now = "2026-03-01T20:00:00Z"
            return 200, {"submissions": [
                {"id": each, "source": "web", "at": now, "name": "", "number": 10} for each, has in self.states.items()
                if has == state and "after=10" not in path
            ]}  # fmt: skip
        if method == "POST":
            if body["action"] == self.slow and not self.kept:
                self.kept.append(path)
                assert self.over.wait(10)
            if body["action"] == "air" and self.air[0] in (403, 404):
                return self.air[0], {"code": "refused"}
            self.states[path.split("/")[3]] = {"approve": "approved", "air": "aired"}[body["action"]]
            return self.air[0] if body["action"] == "air" else 200, {}
        return 200, {}


def play(desk: Desk, monkeypatch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str], seconds_each: float) -> Counter:
    """Everything that the staff counted."""

    class Caller:
        put_off = False

        def __init__(self, *_: object) -> None:
            self.call, self.tried = desk.call, desk.air[1]

    class Staff(staff.Staff):
        def __init__(self, orders: dict[str, Any], clock: Clock) -> None:
            super().__init__(orders, clock)
            desk.over = self.over

    monkeypatch.setattr(staff, "Caller", Caller)
    monkeypatch.setattr(staff, "Staff", Staff)
    team = {"count": 1, "takes": ["web"], "seconds": seconds_each, "spread": 0.1, "approves": 1.0}
    orders = {
        "url": "http://127.0.0.1:1", "spans": [{name: getattr(EVENING, name) for name in EVENING.__slots__}],
        "asks_in": "hall", "tokens": dict.fromkeys(("moderator", "animator", "scribe"), ""), "moderators": [team],
        "compress": 1.0, "answer_lines": 2, "bytes": 0, "before": 0, "seconds": EVENING.end, "settle": 10.0,
    }  # fmt: skip
    staff.play(orders, Clock(time.monotonic()))
    counts: Counter[str] = Counter()
    for line in said.readouterr().out.splitlines():
        counts.update(json.loads(line)["counts"])
        assert json.loads(line).get("faults", []) == []
    return counts


@pytest.mark.parametrize(
    ("slow", "state"), [("air", "approved"), ("approve", "held")], ids=["the animator", "the moderator"]
)
def test_who_waited_for_the_server_plays_the_programme_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], slow: str, state: str
) -> None:
    desk = Desk(slow, {f"q{number}": state for number in range(4)})
    counts = play(desk, monkeypatch, capsys, 0.001)
    assert desk.kept, "until the evening's time was over"
    assert (counts["aired"], counts["lines"]) == (3, 6)
    assert (counts["starved_ms"] > 0) is (slow == "approve"), "an animator who is not heard does not starve"


@pytest.mark.parametrize(("answer", "aired"), [((403, 2), 0), ((409, 1), 0), ((409, 2), 3)])
def test_only_what_was_heard_at_another_try_has_been_aired(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, int],
    aired: int,
) -> None:
    desk = Desk("nothing", {f"q{number}": "approved" for number in range(4)}, air=answer)
    counts = play(desk, monkeypatch, capsys, 1)
    assert counts["aired"] == aired
    assert any(what.startswith("staff refused: ") for what in counts) is (aired == 0)


def test_a_moderator_who_is_too_slow_leaves_when_the_evening_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk("nothing", {f"q{number}": "held" for number in range(4)})
    begin = time.monotonic()
    counts = play(desk, monkeypatch, capsys, 30)
    assert (counts["aired"], counts["decided"]) == (0, 0)
    assert time.monotonic() - begin < 5, "and nobody waits for what can't come"
