"""Notifications: in order, out of a bounded queue, and never a wait for whoever sends them."""

from __future__ import annotations

import time

import pytest
import trio
import trio.lowlevel
import trio.testing

from fanout.core.submission import decide
from fanout.moderation.hooks.background import SETTLED_SECONDS
from fanout.moderation.hooks.hooks import LAST_NOTICES_SECONDS
from fanout.moderation.hooks.notices import QUEUE_LENGTH, TURN_SECONDS
from fanout.plugins import Admit, Decision, Opinion, Refuse, RoomView, Step, VerdictKind, Visitor, admit, hold, refuse
from tests.moderation.hooks.samples import ROOM, Filter, asked, failures, hooks_of, running


class Ear:
    name = "ear"

    def __init__(self, pause: float = 0.0) -> None:
        self.pause, self.heard = pause, list[object]()

    async def room_opened(self, room):
        await trio.sleep(self.pause)
        self.heard.append(room.name)

    async def submission_received(self, submission):
        self.heard.append(submission.text)


async def test_a_plugin_hears_of_things_in_their_order(autojump_clock):
    ear = Ear(0.1)
    async with running(ear) as hooks:
        for number in range(3):
            hooks.notify("room_opened", RoomView(f"r{number}"))
            hooks.notify("submission_received", asked(str(number)))
        assert ear.heard == []
        await trio.sleep(1)
    assert ear.heard == ["r0", "0", "r1", "1", "r2", "2"]


async def test_whoever_hears_much_leaves_the_others_their_turn():
    most = 0

    class Busy:
        name = "busy"

        def __init__(self) -> None:
            self.heard = 0

        async def submission_received(self, submission):
            until = time.perf_counter() + TURN_SECONDS / 5
            while time.perf_counter() < until:
                pass
            self.heard += 1

    busy = Busy()
    async with running(busy) as hooks:
        for number in range(100):
            hooks.notify("submission_received", asked(str(number)))
        while busy.heard < 100:
            before = busy.heard
            await trio.lowlevel.checkpoint()
            most = max(most, busy.heard - before)
    assert 1 < most <= 12, "several in one turn, and no more than fit into it; two turns may pass between two looks"


async def test_what_was_queued_before_the_end_is_still_heard(autojump_clock):
    ear = Ear(0.1)
    async with running(ear) as hooks:
        for number in range(3):
            hooks.notify("room_opened", RoomView(f"r{number}"))
    assert ear.heard == ["r0", "r1", "r2"]
    assert failures(hooks, "room_opened") == {}


async def test_who_hears_the_last_slowly_does_not_hold_up_the_end(autojump_clock):
    ear = Ear(0.9)
    async with running(ear) as hooks:
        for number in range(20):
            hooks.notify("room_opened", RoomView(f"r{number}"))
        begun = trio.current_time()
    assert trio.current_time() - begun == pytest.approx(LAST_NOTICES_SECONDS)
    assert len(ear.heard) == 5
    hooks.notify("room_opened", ROOM)
    assert failures(hooks, "room_opened") == {"stopped": 15}, "one was under way"


async def test_a_plugin_hears_only_of_its_rooms():
    ear = Ear()
    async with running(ear, rooms=["stage"]) as hooks:
        for room in ("lobby", "stage"):
            hooks.notify("room_opened", RoomView(room))
            hooks.notify("submission_received", asked(f"in {room}", room=room))
    assert ear.heard == ["stage", "in stage"]


async def test_what_does_not_fit_in_the_queue_is_dropped_and_counted(autojump_clock):
    ear = Ear()
    hooks = hooks_of(ear)
    for _ in range(QUEUE_LENGTH + 7):
        hooks.notify("room_opened", ROOM)
    assert failures(hooks, "room_opened") == {"dropped": 7}


async def test_one_that_is_slow_delays_no_other_and_no_sender(autojump_clock):
    slow, quick = Ear(3600), Ear()
    slow.name = "slow"  # type: ignore[misc]
    async with running(slow, quick) as hooks:
        begun = trio.current_time()
        hooks.notify("room_opened", ROOM)
        await trio.testing.wait_all_tasks_blocked()
        assert (quick.heard, trio.current_time()) == (["stage"], begun)


def test_nobody_is_told_what_nobody_listens_for():
    hooks = hooks_of(Filter(None))
    assert not hooks.hears("room_opened")
    hooks.notify("room_opened", ROOM)
    with pytest.raises(KeyError):
        hooks.notify("rooms_opened", ROOM)


class Gate:
    def __init__(self, name, answer):
        self.name, self.answer = name, answer

    async def admit_visitor(self, visitor):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([None, None], None),
        ([None, admit("Ann"), refuse("No.")], Admit("Ann")),
        ([refuse("No.", retry_after_s=3), admit()], Refuse("No.", 3)),
    ],
)
async def test_the_first_answer_to_who_may_enter_is_taken(answers, expected):
    hooks = hooks_of(*(Gate(f"gate-{number}", answer) for number, answer in enumerate(answers)))
    assert hooks.admits
    assert await hooks.admit_visitor(Visitor()) == expected


@pytest.mark.parametrize("answer", [ValueError(), True, "Ann", admit(""), admit("x" * 81), refuse(None)])  # type: ignore[arg-type]
async def test_a_gate_that_fails_lets_nobody_in_unchecked_unless_it_says_so(answer):
    refusal = await hooks_of(Gate("gate", answer)).admit_visitor(Visitor())
    assert isinstance(refusal, Refuse)
    assert refusal.retry_after_s == 5
    assert await hooks_of(Gate("gate", answer), on_failure="accept").admit_visitor(Visitor()) is None


async def test_a_shadow_is_compared_with_what_humans_decide():
    hooks = hooks_of(Filter(hold("odd"), "shade"), shadow=True)
    opinion = Opinion("shade", VerdictKind.HOLD, shadow=True)
    failed = Opinion("shade", VerdictKind.HOLD, shadow=True, failure="timeout")
    assert hooks.hears("submission_decided")

    def decided(step: Step, *opinions: Opinion) -> None:
        first = Decision("abcdefghijkl", Step.HOLD, "", 1, opinions=opinions)
        held = decide(asked(), first)
        hooks.notify("submission_decided", held, first)
        second = Decision("abcdefghijkl", step, "Mia, moderator", 2)
        hooks.notify("submission_decided", decide(held, second), second)

    for step in (Step.APPROVE, Step.APPROVE, Step.REJECT):
        decided(step, opinion)
    decided(Step.REJECT, failed)
    assert hooks.statistics()[0].agreement == {("hold", "approved"): 2, ("hold", "rejected"): 1}


class Blocker:
    name = "blocker"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.done = seconds, trio.Event()

    async def review_submission(self, submission, room):
        time.sleep(self.seconds)  # noqa: ASYNC251  # this is what it is here for

    async def room_opened(self, room):
        await trio.lowlevel.checkpoint()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._child)
        self.done.set()

    async def _child(self) -> None:
        time.sleep(self.seconds)  # noqa: ASYNC251


async def test_whoever_keeps_the_loop_to_itself_is_named(capsys):
    with trio.fail_after(10):
        blocker = Blocker(0.15)
        async with running(blocker) as hooks:
            hooks.notify("room_opened", ROOM)
            await blocker.done.wait()
            assert failures(hooks, "room_opened") == {"blocked": 1}
            assert (await hooks.review(asked(), ROOM)).opinions == ()
    lines = [line for line in capsys.readouterr().out.splitlines() if "plugin_blocked" in line]
    assert ["hook=room_opened" in line or "hook=review_submission" in line for line in lines] == [True, True]
    assert all("plugin=blocker" in line for line in lines)


async def test_one_that_blocks_and_does_not_end_is_named_meanwhile_with_the_line(capsys):
    async with running(Blocker(1.6)) as hooks:
        await hooks.review(asked(), ROOM)
    said = capsys.readouterr().out
    assert "plugin_blocks " in said
    assert "test_notifications.py:" in said


async def test_a_background_task_that_crashes_is_begun_anew_and_then_left_alone(autojump_clock):
    class Crashes:
        name = "crashes"
        runs = 0

        async def run(self, app):
            self.runs += 1
            await trio.sleep(1)
            raise ValueError(app)

    plugin = Crashes()
    async with running(plugin) as hooks:
        await trio.sleep(2000)
        assert plugin.runs == 6
        assert failures(hooks, "run") == {"error": 6}


async def test_a_background_task_that_ran_for_long_is_begun_anew_as_often_as_ever(autojump_clock):
    class Crashes:
        name = "crashes"
        runs = 0

        async def run(self, app):
            self.runs += 1
            await trio.sleep(SETTLED_SECONDS)
            raise ValueError

    plugin = Crashes()
    async with running(plugin):
        await trio.sleep(20 * (SETTLED_SECONDS + 1))
        assert plugin.runs == 20
