"""Filters in order: what each sees, what becomes of what they say, and who is asked where."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel

from fanout.moderation.hooks import Hooks
from fanout.moderation.hooks.calls import never_awaits
from fanout.plugins import Opinion, RoomView, VerdictKind, accept, hold, reject, replace
from tests.moderation.hooks.samples import ROOM, Filter, Waiting, asked, hooks_of, running


async def test_without_filters_nothing_is_said_and_nothing_changed():
    hooks = Hooks()
    review = await hooks.review(asked("Good evening"), ROOM)
    assert (review.text, review.opinions, review.retry_after_s) == ("Good evening", (), None)
    assert not hooks.filters
    assert not hooks.admits


async def test_each_filter_is_asked_in_order_and_what_it_says_is_written_down():
    late, early = Filter(hold("names", rule="names/3"), "late"), Filter(accept(), "early")
    silent = Filter(None, "silent")
    early.order = 1  # type: ignore[attr-defined]
    review = await hooks_of(late, silent, early).review(asked(), ROOM)
    assert review.opinions == (
        Opinion("early", VerdictKind.ACCEPT),
        Opinion("late", VerdictKind.HOLD, "names", "names/3"),
    )
    assert silent.saw == ["When is dinner?"]


async def test_a_rejection_ends_the_round():
    after = Filter(accept(), "after")
    review = await hooks_of(Filter(hold("odd"), "first"), Filter(reject("No."), "second"), after).review(asked(), ROOM)
    assert [opinion.kind for opinion in review.opinions] == ["hold", "reject"]
    assert review.opinions[-1].reason == "No."
    assert after.saw == []


async def test_the_next_filter_sees_the_text_that_the_one_before_put_in_its_place():
    after = Filter(None, "after")
    review = await hooks_of(Filter(lambda submission: replace(submission.text.upper())), after).review(asked(), ROOM)
    assert after.saw == ["WHEN IS DINNER?"]
    assert review.text == "WHEN IS DINNER?"
    assert review.opinions == (Opinion("sample", VerdictKind.REPLACE),)


async def test_a_rejection_that_only_means_too_early_says_when():
    review = await hooks_of(Filter(reject("Slowly, please.", retry_after_s=12.5))).review(asked(), ROOM)
    assert review.retry_after_s == 12.5
    assert (await hooks_of(Filter(reject("No."))).review(asked(), ROOM)).retry_after_s is None


async def test_a_plugin_is_asked_only_in_its_rooms():
    filter = Filter(reject("No."))
    hooks = hooks_of(filter, rooms=["lobby"])
    assert (await hooks.review(asked(), ROOM)).opinions == ()
    assert (await hooks.review(asked(room="lobby"), RoomView("lobby"))).opinions != ()
    assert len(filter.saw) == 1


@pytest.mark.parametrize("verdict", [reject("No.", retry_after_s=3), hold("odd"), replace("other"), None])
async def test_in_shadow_mode_a_verdict_is_written_down_and_changes_nothing(verdict):
    after = Filter(None, "after")
    hooks = hooks_of(Filter(verdict, "shade"), shadow=True)
    real = hooks_of(after)
    review = await Hooks([*hooks.plugins, *real.plugins]).review(asked(), ROOM)
    assert (review.text, review.retry_after_s) == ("When is dinner?", None)
    assert after.saw == ["When is dinner?"]
    (opinion,) = review.opinions
    assert opinion.shadow
    assert opinion.kind == (verdict.kind if verdict else VerdictKind.ACCEPT), "no opinion is one that lets it pass"


async def test_filters_that_await_are_asked_like_the_others(autojump_clock):
    async def work():
        await trio.sleep(0.5)
        return hold("after all")

    async with running(Waiting(work), Filter(accept())) as hooks:
        review = await hooks.review(asked(), ROOM)
    assert [opinion.kind for opinion in review.opinions] == ["hold", "accept"]


def test_whether_a_filter_can_wait_is_seen_before_it_is_called():
    class Samples:
        async def computes(self):
            return [each.upper() for each in "abc"]

        async def makes_a_coroutine(self):
            async def inner():
                await trio.sleep(1)

            return inner

        async def awaits(self):
            await trio.lowlevel.checkpoint()

        async def enters(self):
            async with trio.open_nursery():
                pass

        async def iterates(self, things=()):
            async for _ in things:
                pass

        async def comprehends(self, things=()):
            return [each async for each in things]

        async def awaits_within_a_comprehension(self, things=()):
            return [await each for each in things]

    samples = Samples()
    assert never_awaits(samples.computes)
    assert never_awaits(samples.makes_a_coroutine)
    for name in ("awaits", "enters", "iterates", "comprehends", "awaits_within_a_comprehension"):
        assert not never_awaits(getattr(samples, name)), name


async def test_a_filter_that_never_awaits_needs_nothing_running_and_no_task():
    before = trio.lowlevel.current_statistics().tasks_living
    tasks = []
    hooks = hooks_of(Filter(lambda _: tasks.append(trio.lowlevel.current_statistics().tasks_living)))
    await hooks.review(asked(), ROOM)
    assert tasks == [before]
