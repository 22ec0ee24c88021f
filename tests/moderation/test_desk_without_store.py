"""When the desk's records can't be written: a clear error, nothing half done, and on it goes when they can be again."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from fanout.core.submission import Source, State, Step
from fanout.errors import StoreUnavailable
from fanout.moderation.intake import NewSubmission
from fanout.moderation.ports import Query
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, open_house


class FailingStore(MemoryStore):
    """One whose disk is full now and then, for all calls or for some."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()

    def check(self, call: str) -> None:
        if call in self.failing:
            raise StoreUnavailable("The disk is full.")

    async def receive(self, arrivals):
        self.check("receive")
        return await super().receive(arrivals)

    async def decide(self, decisions, *, audited=True):
        self.check("decide")
        return await super().decide(decisions, audited=audited)

    async def page(self, query):
        self.check("page")
        return await super().page(query)


async def test_what_can_not_be_kept_is_refused_whole_and_taken_when_it_can_be_again():
    store = FailingStore()
    async with open_house(store) as house:
        store.failing = {"receive"}
        with pytest.raises(StoreUnavailable):
            await house.ask()
        with pytest.raises(StoreUnavailable):
            await house.hand_in("one", "two")
        assert (house.told, await store.page(Query())) == ([], [])
        store.failing = set()
        assert (await house.ask()).state is State.HELD


@pytest.mark.parametrize("alone", [True, False])
async def test_what_was_kept_is_acknowledged_and_gets_its_first_step_later(alone, autojump_clock):
    store = FailingStore()
    async with open_house(store) as house:
        await trio.testing.wait_all_tasks_blocked()
        store.failing = {"decide"}
        asked = await house.ask()
        if not alone:
            await house.hand_in("sms")
        assert asked.state is State.RECEIVED
        await trio.sleep(30)
        with pytest.raises(StoreUnavailable):
            await house.do(asked.id, Step.APPROVE)
        store.failing = set()
        await trio.sleep(2)
        assert {one.state for one in await store.page(Query())} == {State.HELD}
        assert house.heard(asked.id) == ["received", "held"]


async def test_a_decision_that_could_not_be_kept_leaves_nothing_behind():
    store = FailingStore()
    async with open_house(store) as house:
        asked = await house.approved()
        told = len(house.told)
        store.failing = {"decide"}
        for step in (Step.CUE, Step.AIR, Step.HOLD):
            with pytest.raises(StoreUnavailable):
                await house.do(asked.id, step)
        with pytest.raises(StoreUnavailable):
            await house.desk.withdraw("visitor:v1", asked.id)
        store.failing = set()
        assert (await store.find(asked.id), len(house.told), house.on_air()) == (asked, told, [])
        assert (await house.do(asked.id, Step.AIR)).state is State.AIRED


async def test_those_whose_question_was_merged_hear_of_it_when_they_can_be_found_again(autojump_clock):
    store = FailingStore()
    async with open_house(store) as house:
        leader, other = (await house.ask()).id, (await house.ask()).id
        await house.desk.merge(ANN, [other], leader)
        store.failing = {"page"}
        await house.do(leader, Step.APPROVE)
        await house.do(leader, Step.AIR)
        await trio.sleep(5)
        assert house.heard(other)[-1] == "merged"
        store.failing = set()
        await trio.sleep(2)
        assert house.heard(other)[-1] == "aired"


async def test_whoever_hands_in_and_goes_away_halfway_leaves_nothing_unreviewed():
    class SlowStore(MemoryStore):
        async def receive(self, arrivals):
            receipts = await super().receive(arrivals)
            going.cancel()  # after the commit, before whoever waits hears of it
            await trio.lowlevel.checkpoint()
            return receipts

    async with open_house(SlowStore()) as house:
        await trio.testing.wait_all_tasks_blocked()
        items = [NewSubmission("hall", str(number)) for number in range(1200)]
        with trio.CancelScope() as going:
            await house.moderation.intake.receive("hall", Source.SMS, items)
        kept = await house.store.page(Query(limit=5000))
        assert 0 < len(kept) < 1200
        await house.until(kept[-1].id, State.HELD)
        assert not await house.store.unreviewed(0, 10)
