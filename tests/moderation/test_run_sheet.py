"""The run sheet: cued, ordered, pinned, skipped, and all of it in the store."""

from __future__ import annotations

import pytest
import trio

from fanout.core.submission import State, Step
from fanout.errors import InvalidInput
from fanout.moderation import run_sheet
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, EVE, House, open_house


async def cued(house: House, *texts: str) -> list[str]:
    ids = [(await house.approved(text)).id for text in texts]
    for submission_id in ids:
        await house.do(submission_id, Step.CUE, EVE)
    return ids


async def order(house: House) -> str:
    return "".join(entry.text for entry in await house.desk.run_sheet(EVE, "hall"))


async def test_what_is_cued_comes_last_and_is_moved_ahead_of_any_other_or_to_the_end():
    async with open_house() as house:
        a, b, c, d = await cued(house, "a", "b", "c", "d")
        assert await order(house) == "abcd"
        await house.do(d, Step.MOVE, EVE, ahead_of=a)
        await house.do(b, Step.MOVE, EVE)
        assert await order(house) == "dacb"
        await house.do(c, Step.MOVE, EVE, ahead_of=a)
        assert await order(house) == "dcab"
        [e] = [(await house.approved("e")).id]
        await house.do(e, Step.CUE, EVE, ahead_of=b)
        assert await order(house) == "dcaeb"


async def test_the_pinned_come_first_and_go_back_to_their_places():
    async with open_house() as house:
        _, _, c = await cued(house, "a", "b", "c")
        await house.do(c, Step.PIN, EVE)
        assert await order(house) == "cab"
        await house.do(c, Step.UNPIN, EVE)
        assert await order(house) == "abc"


async def test_what_is_skipped_is_approved_still_and_an_undo_brings_back_its_place():
    async with open_house() as house:
        _a, b, c = await cued(house, "a", "b", "c")
        assert (await house.do(c, Step.SKIP, ANN)).state is State.APPROVED
        [d] = await cued(house, "d")
        await house.do(c, Step.UNDO, ANN)
        assert (await house.store.find(c)).rank == (await house.store.find(d)).rank, "two in one place"
        assert await order(house) == "abcd"
        await house.do(b, Step.MOVE, EVE, ahead_of=d)
        assert sorted(await order(house)) == list("abcd")
        await house.do(d, Step.AIR, EVE)
        assert "d" not in await order(house)


async def test_two_who_cue_at_once_get_two_places():
    class SlowStore(MemoryStore):
        async def run_sheet(self, room):
            found = await super().run_sheet(room)
            await trio.lowlevel.checkpoint()
            return found

    async with open_house(SlowStore()) as house:
        ids = [(await house.approved(text)).id for text in "abcdef"]
        async with trio.open_nursery() as nursery:
            for submission_id in ids:
                nursery.start_soon(house.do, submission_id, Step.CUE, EVE)
        ranks = [entry.rank for entry in await house.desk.run_sheet(EVE, "hall")]
        assert len(set(ranks)) == 6


async def test_a_place_ahead_of_what_is_not_there_is_refused_and_so_is_a_sheet_without_end(monkeypatch):
    async with open_house() as house:
        [a] = await cued(house, "a")
        other = (await house.approved("b")).id
        for step, one, ahead_of in ((Step.CUE, other, "x" * 12), (Step.MOVE, a, a)):
            with pytest.raises(InvalidInput) as caught:
                await house.do(one, step, EVE, ahead_of=ahead_of)
            assert caught.value.code == "not_on_run_sheet"
        monkeypatch.setattr(run_sheet, "MAX_CUED", 1)
        with pytest.raises(InvalidInput) as caught:
            await house.do(other, Step.CUE, EVE)
        assert caught.value.code == "run_sheet_full"


async def test_the_sheet_is_there_again_when_the_house_is_opened_again():
    store = MemoryStore()
    async with open_house(store) as house:
        a, _, c = await cued(house, "a", "b", "c")
        await house.do(c, Step.PIN, EVE)
        await house.do(a, Step.MOVE, EVE)
        before = await order(house)
    async with open_house(store) as house:
        assert await order(house) == before == "cba"
