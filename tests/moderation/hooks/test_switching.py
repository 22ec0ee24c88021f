"""A plug-in that a person has switched off is as if it had never been loaded, from that moment on."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from fanout.errors import RecordNotFound
from fanout.plugins import Visitor, accept, refuse, reject
from tests.moderation.hooks.samples import ROOM, Filter, Waiting, asked, failures, hooks_of, running


@pytest.mark.parametrize("on_failure", ["hold", "accept", "reject"])
async def test_one_that_is_off_is_not_asked_and_nothing_stands_for_its_answer(on_failure):
    filter = Filter(reject("No."))
    hooks = hooks_of(filter, on_failure=on_failure)
    hooks.switch("sample", on=False)
    assert (await hooks.review(asked(), ROOM)).opinions == ()
    assert filter.saw == []
    assert not hooks.filters
    assert not hooks.statistics()[0].enabled
    hooks.switch("sample", on=True)
    assert [opinion.kind for opinion in (await hooks.review(asked(), ROOM)).opinions] == ["reject"]


async def test_the_others_are_asked_in_their_order():
    hooks = hooks_of(Filter(accept(), "first"), Filter(reject("No."), "second"), Filter(accept(), "third"))
    hooks.switch("second", on=False)
    assert [opinion.plugin for opinion in (await hooks.review(asked(), ROOM)).opinions] == ["first", "third"]
    hooks.switch("second", on=True)
    assert [opinion.plugin for opinion in (await hooks.review(asked(), ROOM)).opinions] == ["first", "second"]


async def test_what_it_says_of_what_is_under_way_is_not_heard(autojump_clock):
    async def think():
        await trio.sleep(0.5)
        return reject("No.")

    async with running(Waiting(think)) as hooks, trio.open_nursery() as nursery:
        reviews = []

        async def review():
            reviews.append(await hooks.review(asked(), ROOM))

        nursery.start_soon(review)
        await trio.testing.wait_all_tasks_blocked()
        hooks.switch("waiting", on=False)
    assert reviews[0].opinions == ()


async def test_a_gate_that_is_off_lets_everybody_in():
    class Gate:
        name = "gate"

        async def admit_visitor(self, visitor):
            return refuse("No.")

    hooks = hooks_of(Gate())
    assert await hooks.admit_visitor(Visitor()) == refuse("No.")
    hooks.switch("gate", on=False)
    assert await hooks.admit_visitor(Visitor()) is None


async def test_it_hears_nothing_not_even_what_was_queued(autojump_clock):
    class Slow:
        name = "slow"
        heard = 0

        async def room_opened(self, room):
            self.heard += 1
            await trio.sleep(0.5)

    slow = Slow()
    async with running(slow) as hooks:
        for _ in range(3):
            hooks.notify("room_opened", ROOM)
        await trio.sleep(0.1)
        hooks.switch("slow", on=False)
        hooks.notify("room_opened", ROOM)
        await trio.sleep(5)
        assert slow.heard == 1
        assert hooks.hears("room_opened"), "it may be switched on again"
        hooks.switch("slow", on=True)
        hooks.notify("room_opened", ROOM)
        await trio.sleep(5)
        assert slow.heard == 2
    assert failures(hooks, "room_opened") == {}


class Busy:
    name = "busy"
    begun = ended = 0

    async def run(self, app):
        self.begun += 1
        try:
            await trio.sleep_forever()
        finally:
            self.ended += 1


async def test_its_background_task_ends_and_begins_anew(autojump_clock):
    busy = Busy()
    async with running(busy) as hooks:
        for on, begun, ended in ((True, 1, 0), (False, 1, 1), (False, 1, 1), (True, 2, 1)):
            hooks.switch("busy", on=on)
            await trio.sleep(1)
            assert (busy.begun, busy.ended) == (begun, ended)
        hooks.switch("busy", on=False)
        hooks.switch("busy", on=True)
        await trio.sleep(1)
        assert (busy.begun, busy.ended) == (3, 2), "off and on at once is a new beginning"


async def test_one_that_is_off_from_the_start_does_not_begin(autojump_clock):
    busy = Busy()
    hooks = hooks_of(busy)
    hooks.switch("busy", on=False)
    async with trio.open_nursery() as nursery:
        await nursery.start(hooks.run, None)
        await trio.sleep(1)
        assert busy.begun == 0
        nursery.cancel_scope.cancel()


async def test_switching_it_on_closes_its_breaker():
    mended = False

    def answer(submission):
        return accept() if mended else "nonsense"

    hooks = hooks_of(Filter(answer))
    for _ in range(6):
        await hooks.review(asked(), ROOM)
    assert (await hooks.review(asked(), ROOM)).opinions[0].failure == "breaker"
    mended = True
    hooks.switch("sample", on=True)
    assert (await hooks.review(asked(), ROOM)).opinions[0].failure == "breaker", "it was on"
    hooks.switch("sample", on=False)
    hooks.switch("sample", on=True)
    assert (await hooks.review(asked(), ROOM)).opinions[0].failure == ""


def test_only_what_is_loaded_can_be_switched():
    with pytest.raises(RecordNotFound, match="there are: sample") as caught:
        hooks_of(Filter(None)).switch("smaple", on=False)
    assert caught.value.code == "plugin_not_found"
