"""Rooms change while people listen: mode, capacity, overflow, what they follow."""

from __future__ import annotations

import pytest
import trio

from fanout import open_engine
from fanout.core.cursor import Overflow
from fanout.core.limits import MAX_ROOMS
from fanout.core.message import GapReason
from fanout.core.room import Mode
from fanout.core.say import Say
from fanout.engine.engine import open_engine_on
from fanout.errors import InvalidInput, ListenerOvertaken, LogUnavailable
from fanout.log.memory import MemoryLog
from tests.engine.slow_log import SlowLog


async def test_opening_again_is_the_same_room_and_changes_only_what_is_given(engine):
    stage = await engine.open_room("stage", mode="stage", capacity=7, title="The stage")
    await stage.publish("t")
    assert await engine.open_room("stage") is stage
    assert await engine.open_room("stage", title="Another") is stage
    settings = stage.settings
    assert (settings.mode, settings.capacity, settings.overflow) == (Mode.STAGE, 7, Overflow.CLOSE)
    assert settings.title == "Another"
    await engine.open_room("stage", mode="open")
    assert stage.settings.overflow is Overflow.CLOSE, "how it overflows was not asked to change"
    assert stage.position.seq == 1


async def test_what_a_room_was_set_to_outlives_the_engine(tmp_path):
    async with open_engine(tmp_path) as engine:
        await engine.open_room("stage")
        await engine.open_room("hall", mode="open", capacity=9, follows=["stage"], title="Hall")
        await engine.open_room("hall", overflow="close")
        before = engine.room("hall").settings
    async with open_engine(tmp_path) as engine:
        assert engine.room("hall").settings == before
        await engine.room("stage").publish("t")
        assert engine.room("hall").position.seq == 1


async def test_two_who_open_the_same_room_at_once_get_the_same_room():
    async with open_engine_on(SlowLog(lambda: 2)) as engine:
        rooms: list = []

        async def open_it(**settings: object) -> None:
            rooms.append(await engine.open_room("stage", **settings))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: open_it(title="A title"))
            nursery.start_soon(lambda: open_it(capacity=5))
        assert rooms[0] is rooms[1]
        assert (rooms[0].settings.title, rooms[0].settings.capacity) == ("A title", 5)


async def test_a_larger_ring_keeps_a_slow_listener_a_smaller_one_overtakes_it(engine):
    stage = await engine.open_room("stage", capacity=4)
    async with stage.listen() as slow:
        messages = await stage.publish_all([Say(f"{n}") for n in range(3)])
        await engine.open_room("stage", capacity=10)
        messages += await stage.publish_all([Say(f"{n}") for n in range(7)])
        assert await anext(slow) == messages[0]
        await engine.open_room("stage", capacity=2)
        assert stage.recent == messages[-2:]
        with pytest.raises(ListenerOvertaken):
            await anext(slow)


async def test_the_overflow_policy_is_the_one_of_the_moment(engine):
    stage = await engine.open_room("stage", capacity=2)
    async with stage.listen() as slow:
        await stage.publish_all([Say(f"{n}") for n in range(5)])
        await engine.open_room("stage", overflow="skip")
        assert (await anext(slow)).reason is GapReason.SLOW


async def test_what_a_room_follows_can_change_and_holds_for_the_next_publication(engine):
    stage, hall = await engine.open_room("stage"), await engine.open_room("hall")
    await stage.publish("one")
    await engine.open_room("hall", follows=["stage"])
    await stage.publish("two")
    await engine.open_room("hall", follows=[])
    await stage.publish("three")
    assert [entry.text for entry in await hall.history()] == ["two"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"name": "no good"}, "bad_room_name"),
        ({"mode": "loud"}, "bad_mode"),
        ({"capacity": 0}, "bad_capacity"),
        ({"overflow": "wait"}, "bad_overflow"),
        ({"follows": ["nowhere"]}, "unknown_follow"),
        ({"follows": ["stage", "x" * 10_000]}, "unknown_follow"),
        ({"follows": "stage"}, "unknown_follow"),
        ({"follows": ["hall"]}, "follows_itself"),
        ({"title": "x" * 1000}, "title_too_long"),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
async def test_a_setting_that_is_not_accepted_changes_and_makes_nothing(engine, settings, code, exists):
    await engine.open_room("stage")
    if exists:
        await engine.open_room("hall", title="As it was")
    before = {name: room.settings for name, room in engine.rooms.items()}
    with pytest.raises(InvalidInput) as caught:
        await engine.open_room(**{"name": "hall"} | settings)
    assert caught.value.code == code
    assert len(caught.value.detail) < 300
    assert {name: room.settings for name, room in engine.rooms.items()} == before


async def test_there_is_a_largest_number_of_rooms_and_those_there_are_can_still_change():
    async with open_engine_on(MemoryLog()) as engine:
        for number in range(MAX_ROOMS):
            await engine.open_room(f"r{number}", capacity=1)
        with pytest.raises(InvalidInput) as caught:
            await engine.open_room("one-more")
        assert caught.value.code == "too_many_rooms"
        await engine.open_room("r5", title="Changed")
        assert len(engine.rooms) == MAX_ROOMS


async def test_cancelling_leaves_the_room_as_the_log_has_it():
    for rounds in range(8):
        log = SlowLog(lambda: 2)
        async with open_engine_on(log) as engine:
            await engine.open_room("stage")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: engine.open_room("stage", title="Changed"))
                for _ in range(rounds):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            [stream] = await log.streams()
            assert engine.room("stage").settings == stream.settings


async def test_a_log_that_fails_leaves_the_room_as_it_was():
    class Failing(MemoryLog):
        async def save_room(self, settings):
            if settings.title:
                raise LogUnavailable("The disk is full.")
            return await super().save_room(settings)

    async with open_engine_on(Failing()) as engine:
        stage = await engine.open_room("stage")
        with pytest.raises(LogUnavailable):
            await engine.open_room("stage", title="T", capacity=3)
        with pytest.raises(LogUnavailable):
            await engine.open_room("hall", title="T")
        assert stage.settings.title == ""
        assert list(engine.rooms) == ["stage"]
        assert (await stage.publish("still works")).position.seq == 1


async def test_the_view_of_the_rooms_can_not_be_written_to(engine):
    await engine.open_room("stage")
    with pytest.raises(TypeError):
        engine.rooms["x"] = engine.rooms["stage"]
