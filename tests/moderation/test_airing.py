"""Aired exactly once: whatever fails or dies between the store's commit and the log's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from fanout.core.message import Message
from fanout.core.submission import Decision, Source, State, Step
from fanout.engine.engine import open_engine_on
from fanout.errors import LogUnavailable, TransitionRefused
from fanout.log.memory import MemoryLog
from fanout.log.opening import open_engine
from fanout.moderation.airing import SETTLE_SECONDS, Airing
from fanout.moderation.ports import Arrival, Kind
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, EVE, House, open_house


class FullLog(MemoryLog):
    """A log whose disk is full now and then."""

    full = False
    forgetful = False
    """It does what it is asked to, and then says that it could not."""

    async def append(self, publication):
        await trio.lowlevel.checkpoint()
        if self.full:
            raise LogUnavailable("The disk is full.")
        appended = await super().append(publication)
        if self.forgetful:
            raise LogUnavailable("The disk may be full.")
        return appended


@asynccontextmanager
async def durable_house(data: Path, store: MemoryStore) -> AsyncIterator[House]:
    """Opened again on the same, it is what a process finds after another one died."""
    async with open_engine(data) as engine, open_house(store, engine) as house:
        yield house


async def decided_to_air(store: MemoryStore, submission_id: str, message: str) -> None:
    """The commit after which the process dies."""
    await store.decide([Decision(submission_id, Step.AIR, "Ann (moderator)", 5, message=message)])


async def test_what_was_decided_and_not_published_is_published_at_the_next_start_in_its_order(tmp_path):
    store = MemoryStore()
    async with durable_house(tmp_path, store) as house:
        one, two = await house.approved("one"), await house.approved("two")
    await decided_to_air(store, two.id, "two000000000")
    await decided_to_air(store, one.id, "one000000000")
    async with durable_house(tmp_path, store) as house:
        messages = [(message.text, message.id) for message in house.engine.room("hall").recent]
        assert messages == [("two", "two000000000"), ("one", "one000000000")]
    async with durable_house(tmp_path, store) as house:
        assert len(house.on_air()) == 2


async def test_what_was_published_and_never_acknowledged_is_not_published_again(tmp_path):
    store = MemoryStore()
    async with durable_house(tmp_path, store) as house:
        asked = await house.approved("once")
        aired = await house.do(asked.id, Step.AIR)
        await house.do((await house.approved("answered")).id, Step.AIR)
        await house.do(asked.id, Step.ANSWER, text="Yes.")
    # A process that dies leaves no note of how far it has come.
    [note] = await store.documents(Kind.AIRING)
    await store.put([replace(note, body=None)])
    async with durable_house(tmp_path, store) as house:
        assert house.on_air() == ["once", "answered", "Yes."]
        assert house.engine.room("hall").recent[0].id == aired.message


async def test_what_was_retracted_before_the_process_died_stays_off_the_air(tmp_path):
    store = MemoryStore()
    async with durable_house(tmp_path, store) as house:
        in_log = await house.do((await house.approved("in the log only")).id, Step.AIR)
        await house.engine.room("hall").retract(in_log.message)  # and dies before the store knows
        never = (await house.approved("never")).id
    await decided_to_air(store, never, "never0000000")
    await store.decide([Decision(never, Step.RETRACT, "Ann (moderator)", 6)])
    async with durable_house(tmp_path, store) as house:
        assert [entry.text for entry in house.engine.room("hall").recent if isinstance(entry, Message)] == [""]
        await house.do(in_log.id, Step.RETRACT)
        assert (await house.store.find(in_log.id)).state is State.REJECTED


async def test_while_the_log_is_full_the_animator_is_told_and_it_is_aired_when_there_is_room(autojump_clock):
    log = FullLog()
    async with open_engine_on(log) as engine, open_house(engine=engine) as house:
        first, second = await house.approved("first"), await house.approved("second")
        log.full = True
        for asked in (first, second):
            with pytest.raises(LogUnavailable, match="It is decided, and on air as soon as"):
                await house.do(asked.id, Step.AIR)
            with pytest.raises(TransitionRefused):
                await house.do(asked.id, Step.AIR, EVE)
        await trio.sleep(20)
        assert house.on_air() == []
        log.full = False
        await trio.sleep(6)
        assert house.on_air() == ["first", "second"]
        await trio.sleep(60)
        assert house.on_air() == ["first", "second"]


async def test_what_the_log_has_after_all_is_not_published_again(autojump_clock):
    log = FullLog()
    async with open_engine_on(log) as engine, open_house(engine=engine) as house:
        asked = await house.approved("once")
        log.forgetful = True
        with pytest.raises(LogUnavailable):
            await house.do(asked.id, Step.AIR)
        log.forgetful = False
        await trio.sleep(60)
        assert house.on_air() == ["once"]
        assert (await house.do(asked.id, Step.RETRACT)).state is State.REJECTED
        assert house.on_air() == ["", ""], "taken back, not forgotten"


async def test_what_is_on_its_way_into_an_open_room_can_be_taken_back_by_the_id_that_its_author_has():
    log = FullLog()
    async with open_engine_on(log) as engine, open_house(engine=engine) as house:
        said = await house.ask("Nonsense.", room="chat")
        assert said.state is State.AIRED
        assert house.on_air("chat") == [], "acknowledged, and the log has it in a moment"
        assert said.message is not None
        await house.desk.retract(ANN, "chat", said.message)
        assert house.on_air("chat") == ["", ""]
        assert (await house.store.find(said.id)).state is State.REJECTED


async def test_what_is_decided_and_waits_for_the_log_can_be_taken_back_for_good(autojump_clock):
    log = FullLog()
    async with open_engine_on(log) as engine, open_house(engine=engine) as house:
        asked = await house.approved("better not")
        log.full = True
        with pytest.raises(LogUnavailable):
            await house.do(asked.id, Step.AIR)
        assert (await house.do(asked.id, Step.RETRACT)).state is State.REJECTED
        log.full = False
        await trio.sleep(60)
        assert house.on_air() == []


async def test_an_animator_who_goes_away_halfway_changes_nothing():
    async with open_house() as house:
        asked = await house.approved("halfway")
        with trio.CancelScope() as scope:
            scope.cancel()
            await house.do(asked.id, Step.AIR)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.do, asked.id, Step.AIR)
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        stands = await house.store.find(asked.id)
        assert house.on_air() == (["halfway"] if stands.state is State.AIRED else [])


async def test_many_at_once_are_each_on_air_once_in_few_publications():
    async with open_house() as house:
        asked = [(await house.approved(str(number))).id for number in range(250)]
        before = house.engine.statistics().append_seconds.count
        async with trio.open_nursery() as nursery:
            for submission_id in asked:
                nursery.start_soon(house.do, submission_id, Step.AIR)
        on_air = [message.data["submission"] for message in house.engine.room("hall").recent]
        assert sorted(on_air) == sorted(asked)
        assert house.engine.statistics().append_seconds.count - before < 50


async def test_one_that_no_log_would_take_does_not_keep_the_others_back():
    store = MemoryStore()
    async with open_house(store) as house:
        [bad] = await store.receive([Arrival("bad000000000", "hall", Source.API, "1", "", "two\nlines", "a", 1)])
        fine = await house.approved("fine")
    await store.decide([Decision(bad.submission.id, Step.APPROVE, "Ann (moderator)", 5)])
    await decided_to_air(store, bad.submission.id, "bad0message0")
    await decided_to_air(store, fine.id, "fine0message")
    async with open_house(store) as house:
        assert house.on_air() == ["fine"]


async def test_the_note_of_what_is_published_stops_short_of_what_is_not(autojump_clock):
    log, store = FullLog(), MemoryStore()

    async def noted() -> int:
        return next((document.body["audit"] for document in await store.documents(Kind.AIRING)), 0)

    async with open_engine_on(log) as engine, open_house(store, engine) as house:
        await house.do((await house.approved("fine")).id, Step.AIR)
        waits = await house.approved("waits")
        log.full = True
        with pytest.raises(LogUnavailable):
            await house.do(waits.id, Step.AIR)
        await house.approved("later")
        await trio.sleep(SETTLE_SECONDS + 1)
        assert next(entry.draft.subject for entry in await store.audit(await noted())) == waits.id
        log.full = False
        await trio.sleep(2 * SETTLE_SECONDS)
        assert await store.audit(await noted()) == []


async def test_between_the_decision_and_the_start_the_note_does_not_pass_by():
    store = MemoryStore()
    async with open_house(store) as house:
        await house.approved("before")
        asked = await house.approved("in between")
        airing = Airing(house.engine, store)
        with airing.intended([asked.id]):
            await decided_to_air(store, asked.id, "between00000")
            await airing.settle()
        [document] = await store.documents(Kind.AIRING)
        assert [entry.draft.action for entry in await store.audit(document.body["audit"])] == ["approve", "air"]
