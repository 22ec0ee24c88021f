"""Taking back: an entry like any other, and the text is gone from everywhere at once."""

from __future__ import annotations

import pytest
import trio

from fanout import open_engine
from fanout.core.message import Author, Message, Retraction
from fanout.core.say import Say
from fanout.engine.engine import open_engine_on
from fanout.errors import MessageNotFound
from tests.engine.slow_log import Heard, SlowLog


async def test_a_retraction_has_a_position_and_takes_the_text_from_ring_and_history(engine):
    stage = await engine.open_room("stage")
    message = await stage.publish("secret", author=Author("Ann", "guest"), data={"also": "secret"})
    await stage.publish("other")
    retraction = await stage.retract(message.id)
    assert retraction == Retraction("stage", stage.position, message.id, retraction.at)
    assert retraction.position.seq == 3
    for entries in (stage.recent, await stage.history()):
        assert [entry.position.seq for entry in entries] == [1, 2, 3]
        assert entries[0] == message.redacted()
        assert entries[2] == retraction
        assert "secret" not in repr(entries)
        assert "Ann" not in repr(entries)


async def test_taking_back_twice_is_taking_back_once(engine):
    stage = await engine.open_room("stage")
    message = await stage.publish("secret")
    retractions: list[Retraction] = []

    async def retract() -> None:
        retractions.append(await stage.retract(message.id))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(retract)
    await retract()
    assert len(set(map(repr, retractions))) == 1
    assert stage.position.seq == 2


async def test_a_message_that_has_left_the_ring_can_be_taken_back(engine):
    stage = await engine.open_room("stage", capacity=2)
    message = await stage.publish("secret")
    for number in range(5):
        await stage.publish(f"{number}")
    retraction = await stage.retract(message.id)
    assert await stage.retract(message.id) == retraction
    assert (await stage.history())[0] == message.redacted()


async def test_a_retraction_outlives_the_engine(tmp_path):
    async with open_engine(tmp_path) as engine:
        stage = await engine.open_room("stage")
        message = await stage.publish("secret")
        retraction = await stage.retract(message.id)
    async with open_engine(tmp_path) as engine:
        stage = engine.room("stage")
        assert await stage.retract(message.id) == retraction
        assert stage.recent == [message.redacted(), retraction]


async def test_a_retraction_follows_the_message_into_every_room_that_has_it(engine):
    stage = await engine.open_room("stage")
    hall = await engine.open_room("hall", follows=["stage"])
    message = await stage.publish("secret")
    late = await engine.open_room("late", follows=["stage"])
    retraction = await stage.retract(message.id)
    assert retraction.room == "stage"
    assert [type(entry) for entry in await hall.history()] == [Message, Retraction]
    assert "secret" not in repr(await hall.history())
    assert await late.history() == [], "it never had the message"
    in_hall = await hall.retract(message.id)
    assert in_hall == (await hall.history())[1], "it was taken back there already"


async def test_a_room_that_follows_can_take_back_for_itself_alone(engine):
    stage = await engine.open_room("stage")
    hall = await engine.open_room("hall", follows=["stage"])
    message = await stage.publish("not for us")
    await hall.retract(message.id)
    assert (await hall.history())[0].retracted
    assert (await stage.history()) == [message]
    await stage.retract(message.id)
    assert hall.position.seq == 2, "what was taken back already is not taken back again"


@pytest.mark.parametrize("message_id", ["k3f9x0a1b2c3", "", "x" * 10_000, "\ud800", "'; drop table entries", "%", None])
async def test_what_is_not_in_the_room_can_not_be_taken_back(engine, message_id):
    stage, other = await engine.open_room("stage"), await engine.open_room("other")
    message = await other.publish("t")
    for wanted in (message_id, message.id):
        with pytest.raises(MessageNotFound):
            await stage.retract(wanted)
    assert stage.position.seq == 0


async def test_a_retraction_itself_can_not_be_taken_back(engine):
    stage = await engine.open_room("stage")
    message = await stage.publish("t")
    await stage.retract(message.id)
    again = await stage.retract(message.id)
    assert again.target == message.id
    assert stage.position.seq == 2


async def test_observers_are_called_when_the_text_has_gone_also_within_one_commit():
    """A log may commit a message and its retraction together."""
    async with open_engine_on(SlowLog(lambda: 0)) as engine:
        stage = await engine.open_room("stage", capacity=1)
        heard = Heard()
        rings: list[str] = []
        stage.observe(heard)
        stage.observe(lambda entries: rings.append(repr(stage.recent)))
        [one, two] = await stage.publish_all([Say("secret one"), Say("public")])
        await stage.retract(one.id)
        assert "secret" not in rings[-1]
        epoch = stage.position.epoch
        message = Message("stage", type(stage.position)(epoch, 4), "abcdefghijkl", "message", Author(), "secret two", 0)
        retraction = Retraction("stage", type(stage.position)(epoch, 5), "abcdefghijkl", 0)
        engine._commit([message, retraction])
        assert heard.entries[-2:] == [message.redacted(), retraction]
        assert stage.recent == [retraction]
        assert two.text == "public"


async def test_cancelling_who_takes_back_leaves_it_taken_back_or_not_and_trying_again_is_safe():
    outcomes = set()
    for rounds in range(14):
        async with open_engine_on(SlowLog(lambda: 2)) as engine:
            stage = await engine.open_room("stage")
            message = await stage.publish("secret")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stage.retract, message.id)
                for _ in range(rounds):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            outcomes.add(stage.position.seq)
            retraction = await stage.retract(message.id)
            assert [*stage.recent] == [message.redacted(), retraction]
    assert outcomes == {1, 2}
