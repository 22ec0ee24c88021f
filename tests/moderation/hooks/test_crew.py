"""Tasks that carry out one call after another: none of them is left anything by the call before."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial

import pytest
import trio
import trio.lowlevel
import trio.testing

from fanout.moderation.hooks.crew import MOST_IDLE
from fanout.plugins import RoomView, accept
from tests.moderation.hooks.samples import ROOM, Waiting, asked, failures, running

NOTE: ContextVar[str] = ContextVar("note", default="")


class Tasks:
    """Work that writes down in which task it was done."""

    def __init__(self) -> None:
        self.seen: list[trio.lowlevel.Task] = []
        self.then = trio.lowlevel.checkpoint

    async def __call__(self):
        self.seen.append(trio.lowlevel.current_task())
        return await self.then()


async def living() -> int:
    await trio.testing.wait_all_tasks_blocked()
    return trio.lowlevel.current_statistics().tasks_living


async def test_a_task_whose_call_ended_well_takes_the_next(autojump_clock):
    tasks = Tasks()
    async with running(Waiting(tasks), deadline=0.1) as hooks:
        await hooks.review(asked(), ROOM)
        there = await living()
        await hooks.review(asked(), ROOM)
        tasks.then = partial(trio.sleep, 9)
        await hooks.review(asked(), ROOM)
        assert failures(hooks) == {"timeout": 1}
        tasks.then = trio.lowlevel.checkpoint
        await trio.testing.wait_all_tasks_blocked()
        await hooks.review(asked(), ROOM)
        assert await living() == there
    assert len(set(tasks.seen)) == 1, "one that was cancelled and obeyed is as good as new"


async def raises():
    raise ValueError


async def leaves_a_scope_open():
    trio.CancelScope(deadline=trio.current_time() + 1).__enter__()


async def leaves_a_nursery_open_without_its_scope():
    nursery = await trio.open_nursery().__aenter__()
    nursery.cancel_scope.__exit__(None, None, None)


async def leaves_a_child():
    nursery = await trio.open_nursery().__aenter__()
    nursery.start_soon(trio.sleep_forever)


@pytest.mark.parametrize("harm", [raises, leaves_a_scope_open, leaves_a_nursery_open_without_its_scope, leaves_a_child])
async def test_a_task_that_something_was_left_in_is_not_used_again(autojump_clock, harm):
    tasks = Tasks()
    async with running(Waiting(tasks)) as hooks:
        before = await living()
        tasks.then = harm
        await hooks.review(asked(), ROOM)
        assert failures(hooks) == {"error": 1}
        assert await living() == before, "and nothing of it lives on"
        tasks.then = partial(trio.sleep, 0.9)
        for _ in range(2):
            assert (await hooks.review(asked(), ROOM)).opinions == ()
    harmed, *after = tasks.seen
    assert harmed not in after


async def test_what_one_call_sets_in_its_context_the_next_does_not_see():
    seen = []

    async def work():
        seen.append(NOTE.get())
        NOTE.set("secret")
        await trio.lowlevel.checkpoint()

    async with running(Waiting(work)) as hooks:
        await hooks.review(asked(), ROOM)
        NOTE.set("the caller's")
        await hooks.review(asked(), ROOM)
    assert seen == ["", "the caller's"]


async def test_after_a_burst_and_after_the_end_few_tasks_and_none_are_left(autojump_clock):
    async def work():
        await trio.sleep(0.1)
        return accept()

    bare = await living()
    async with running(Waiting(work), concurrency=MOST_IDLE * 2) as hooks:
        quiet = await living()
        async with trio.open_nursery() as nursery:
            for _ in range(MOST_IDLE * 2):
                nursery.start_soon(hooks.review, asked(), RoomView("stage"))
        assert await living() == quiet + 2 * MOST_IDLE, "each is a task and the nursery's around it"
    assert await living() == bare
