"""Plug-ins that are slow, raise, leak, shield themselves or answer nonsense: the submission goes on, every time."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.lowlevel
import trio.testing

from fanout.moderation.hooks.crew import STOP_GRACE_SECONDS
from fanout.plugins import Verdict, VerdictKind, accept, hold, reject
from tests.moderation.hooks.samples import ROOM, Filter, Waiting, asked, failures, hooks_of, running


class Boom(BaseException):
    """No Exception, to be nasty."""


def raises(error: BaseException):
    def answer(_):
        raise error

    return answer


@pytest.mark.parametrize("error", [ValueError("secret words"), SystemExit(3), Boom(), GeneratorExit(), StopIteration()])
async def test_one_that_raises_holds_the_submission(error, capsys):
    async def work():
        await trio.lowlevel.checkpoint()
        raise error

    async with running(Filter(raises(error)), Waiting(work)) as hooks:
        review = await hooks.review(asked(), ROOM)
    assert [(each.kind, each.failure) for each in review.opinions] == [("hold", "error"), ("hold", "error")]
    said = capsys.readouterr().out
    assert "hooks/" in said, "the log says where"
    assert "secret words" not in said, "and quotes nothing that may be a visitor's"


@pytest.mark.parametrize(("on_failure", "reason"), [("hold", ""), ("accept", ""), ("reject", "This could not be")])
async def test_on_failure_is_what_stands_for_its_answer(on_failure, reason):
    after = Filter(None, "after")
    review = await hooks_of(Filter(raises(KeyError())), after, on_failure=on_failure).review(asked(), ROOM)
    assert review.opinions[0].kind == on_failure
    assert review.opinions[0].reason.startswith(reason)
    assert review.opinions[0].failure == "error"
    assert len(after.saw) == (0 if on_failure == "reject" else 1)


@pytest.mark.parametrize(
    "answer",
    [
        True, "reject", 7, reject, [accept()],
        reject(""), reject(None), hold(None), hold("x" * 501), hold("\ud800"), hold(rule="r" * 101),  # type: ignore[arg-type]
        reject("No.", retry_after_s=-1), reject("No.", retry_after_s=float("nan")), reject("No.", retry_after_s="1"),  # type: ignore[arg-type]
        Verdict(VerdictKind.REPLACE), Verdict(VerdictKind.REPLACE, text=" "), Verdict(VerdictKind.REPLACE, text=b"x"),  # type: ignore[arg-type]
        Verdict(VerdictKind.REPLACE, text="x" * 2001), Verdict(VerdictKind.REPLACE, text="a\u202eb"),
        Verdict("burn"), hold(similar_to=5),  # type: ignore[arg-type]
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_counts_as_a_failure(answer):
    hooks = hooks_of(Filter(lambda _: answer))
    (opinion,) = (await hooks.review(asked(), ROOM)).opinions
    assert (opinion.kind, opinion.failure) == (VerdictKind.HOLD, "wrong_answer")
    assert failures(hooks) == {"wrong_answer": 1}


async def test_a_slow_one_costs_its_deadline_and_is_cancelled(autojump_clock):
    slow = Waiting(partial(trio.sleep, 3600))
    async with running(slow, Filter(accept()), deadline=0.2) as hooks:
        begun = trio.current_time()
        review = await hooks.review(asked(), ROOM)
        assert trio.current_time() - begun == pytest.approx(0.2)
        assert [(each.kind, each.failure) for each in review.opinions] == [("hold", "timeout"), ("accept", "")]
        await trio.testing.wait_all_tasks_blocked()
        assert slow.ended == 1


async def test_one_that_ignores_being_cancelled_is_left_behind_and_keeps_its_place(autojump_clock):
    async def deaf():
        with trio.CancelScope(shield=True):
            await trio.sleep(100)

    plugin = Waiting(deaf)
    async with running(plugin, deadline=0.2, concurrency=2) as hooks:
        for expected in ("timeout", "timeout", "busy"):
            begun = trio.current_time()
            review = await hooks.review(asked(), ROOM)
            assert review.opinions[0].failure == expected
            assert trio.current_time() - begun == pytest.approx(0.2)
        assert plugin.begun == 2, "no more than its cap, however many have been left behind"
        assert hooks.statistics()[0].hooks[0].under_way == 2
        await trio.sleep(100)
        assert hooks.statistics()[0].hooks[0].under_way == 0
        await hooks.review(asked(), ROOM)
        assert plugin.begun == 3


async def test_waiting_for_a_turn_counts_into_the_deadline(autojump_clock):
    async with running(Waiting(partial(trio.sleep, 0.3)), deadline=0.5, concurrency=1) as hooks:
        kinds = []

        async def ask():
            kinds.append(((await hooks.review(asked(), ROOM)).opinions or [None])[0])

        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
        assert trio.current_time() - begun == pytest.approx(0.5)
    assert sorted(each.failure if each else "" for each in kinds) == ["", "busy", "timeout"]


async def test_one_that_leaks_a_nursery_harms_only_itself(autojump_clock):
    async def leak():
        nursery = trio.open_nursery()
        inner = await nursery.__aenter__()
        inner.start_soon(trio.sleep_forever)
        return accept()

    async with running(Waiting(leak), Filter(accept())) as hooks:
        for _ in range(3):
            review = await hooks.review(asked(), ROOM)
            assert [each.kind for each in review.opinions] == ["hold", "accept"]
        assert failures(hooks)["error"] == 3


async def test_after_five_failures_in_a_row_it_is_left_alone_then_tried_again(autojump_clock):
    plugin = Waiting(partial(trio.sleep, 9))
    async with running(plugin, deadline=0.1) as hooks:

        async def kind() -> str:
            opinions = (await hooks.review(asked(), ROOM)).opinions
            return opinions[0].failure if opinions else "fine"

        assert [await kind() for _ in range(7)] == ["timeout"] * 5 + ["breaker"] * 2
        begun = trio.current_time()
        assert await kind() == "breaker"
        assert trio.current_time() == begun, "which costs nobody any time"
        assert plugin.begun == 5
        await trio.sleep(5)
        assert [await kind() for _ in range(2)] == ["timeout", "breaker"]
        await trio.sleep(9)
        assert await kind() == "breaker", "the second pause is longer"
        await trio.sleep(1)
        plugin.work = trio.lowlevel.checkpoint
        assert [await kind() for _ in range(2)] == ["fine"] * 2


async def test_cancelling_a_review_takes_the_call_along_and_spoils_nothing(autojump_clock):
    plugin = Waiting(partial(trio.sleep, 9))
    async with running(plugin, deadline=20, concurrency=1) as hooks:
        for _ in range(10):
            with trio.move_on_after(1) as scope:
                await hooks.review(asked(), ROOM)
            assert scope.cancelled_caught
        await trio.testing.wait_all_tasks_blocked()
        assert plugin.begun == plugin.ended == 10
        plugin.work = trio.lowlevel.checkpoint
        assert failures(hooks) == {}, "that was not the plug-in's fault"
        assert (await hooks.review(asked(), ROOM)).opinions == ()


async def test_a_cancelled_probe_leaves_the_next_one_its_chance(autojump_clock):
    plugin = Waiting(partial(trio.sleep, 9))
    async with running(plugin, deadline=0.1) as hooks:
        for _ in range(5):
            await hooks.review(asked(), ROOM)
        await trio.sleep(5)
        with trio.move_on_after(0.05):
            await hooks.review(asked(), ROOM)
        plugin.work = trio.lowlevel.checkpoint
        assert (await hooks.review(asked(), ROOM)).opinions == ()


async def test_before_and_after_its_time_what_would_have_to_wait_is_held(autojump_clock):
    hooks = hooks_of(Waiting(trio.lowlevel.checkpoint), Filter(None))
    assert (await hooks.review(asked(), ROOM)).opinions[0].failure == "stopped"
    async with running(Waiting(trio.lowlevel.checkpoint)) as hooks:
        assert (await hooks.review(asked(), ROOM)).opinions == ()
    assert (await hooks.review(asked(), ROOM)).opinions[0].failure == "stopped"


async def test_one_that_does_not_stop_is_named_and_holds_up_the_end_for_seconds_only(autojump_clock, capsys):
    async def deaf():
        with trio.CancelScope(shield=True):
            await trio.sleep(1000)

    async with running(Waiting(deaf, "deaf"), deadline=0.1) as hooks:
        await hooks.review(asked(), ROOM)
        begun = trio.current_time()
    assert trio.current_time() - begun == pytest.approx(STOP_GRACE_SECONDS)
    said = capsys.readouterr().out
    assert "plugin_does_not_stop" in said
    assert "deaf" in said
