"""Publishing: durable, in order, once, and into every room that follows."""

from __future__ import annotations

import time

import pytest
import trio

from fanout import open_engine
from fanout.core.message import Author, Message
from fanout.core.say import Say
from fanout.engine.engine import open_engine_on
from fanout.errors import EngineClosed, InvalidInput, KeyReused, RoomNotFound
from fanout.log.memory import MemoryLog
from tests.engine.slow_log import Heard, SlowLog


async def test_a_message_is_numbered_timed_and_there_when_publish_returns(engine):
    stage = await engine.open_room("stage", mode="stage")
    before = time.time() * 1000
    message = await stage.publish("Good evening", author=Author("Ann", "guest"), kind="answer", data={"n": 1})
    assert message.position == stage.position
    assert message.position.seq == 1
    assert message.room == "stage"
    assert before - 1 <= message.at <= time.time() * 1000
    assert (message.text, message.author.name, message.kind, message.data) == (
        "Good evening",
        "Ann",
        "answer",
        {"n": 1},
    )
    assert await stage.history() == [message]
    assert stage.recent == [message]


async def test_ids_are_not_to_be_guessed_and_differ(engine):
    stage = await engine.open_room("stage")
    ids = {(await stage.publish("t")).id for _ in range(50)}
    assert len(ids) == 50
    assert all(len(id) == 12 and id.isalnum() and id == id.lower() for id in ids)


async def test_messages_may_be_said_to_be_older_than_now(engine):
    stage = await engine.open_room("stage")
    assert (await stage.publish("once", at=1000)).at == 1000


async def test_what_may_not_be_published_leaves_no_trace(engine):
    stage = await engine.open_room("stage")
    for refused in ({"text": "a\x00"}, {"text": ""}, {"text": "t", "kind": "No"}, {"text": "t", "data": {"a": 2**60}}):
        with pytest.raises(InvalidInput):
            await stage.publish(**refused)
    with pytest.raises(InvalidInput, match="Message 2 of 2"):
        await stage.publish_all([Say("fine"), Say("not\x00fine")])
    assert stage.position.seq == 0
    assert await stage.history() == []


async def test_a_batch_is_published_whole_with_consecutive_positions_also_among_others(engine):
    stage = await engine.open_room("stage")
    batches: list[list[Message]] = []

    async def publish(number: int) -> None:
        batches.append(await stage.publish_all([Say(f"{number}.{part}") for part in range(5)]))

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(publish, number)
    for batch in batches:
        assert [m.position.seq for m in batch] == list(range(batch[0].position.seq, batch[0].position.seq + 5))
        assert [m.text.split(".")[1] for m in batch] == list("01234")
    history = await stage.history()
    assert [entry.position.seq for entry in history] == list(range(1, 101))
    assert history == sorted((m for batch in batches for m in batch), key=lambda m: m.position.seq)


async def test_the_same_key_and_content_publishes_once_whoever_asks_at_the_same_time(engine):
    stage = await engine.open_room("stage")
    answers: list[Message] = []

    async def publish() -> None:
        answers.append(await stage.publish("once", key="k1"))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(publish)
    assert len(answers) == 10
    assert len(set(map(repr, answers))) == 1
    assert len(await stage.history()) == 1


async def test_a_key_with_other_content_is_a_conflict_and_publishes_nothing(engine):
    stage = await engine.open_room("stage")
    await stage.publish("one", key="k1")
    for other in ({"text": "two"}, {"text": "one", "kind": "answer"}, {"text": "one", "author": Author("Ann")}):
        with pytest.raises(KeyReused):
            await stage.publish(**other, key="k1")
    assert stage.position.seq == 1


async def test_a_key_belongs_to_its_room(engine):
    stage, hall = await engine.open_room("stage"), await engine.open_room("hall")
    await stage.publish("one", key="k1")
    assert (await hall.publish("two", key="k1")).text == "two"


async def test_keys_of_different_owners_never_meet_whatever_they_are(engine):
    stage = await engine.open_room("stage")
    keys = [("k1", ""), ("k1", "a"), ("k1", "ab"), ("bk1", "a")]
    said = [await stage.publish(f"{owner} {key}", key=key, keys_of=owner) for key, owner in keys]
    assert [await stage.publish(f"{owner} {key}", key=key, keys_of=owner) for key, owner in keys] == said
    assert stage.position.seq == len(keys)


async def test_keys_and_messages_outlive_the_engine(tmp_path):
    async with open_engine(tmp_path) as engine:
        stage = await engine.open_room("stage", mode="stage", title="The stage")
        first = await stage.publish("one", key="k1")
    async with open_engine(tmp_path) as engine:
        stage = engine.room("stage")
        assert (stage.settings.mode, stage.settings.title) == ("stage", "The stage")
        assert stage.position == first.position
        assert await stage.publish("one", key="k1") == first
        assert (await stage.publish("two")).position.seq == 2
        assert (await stage.publish("two")).position.epoch == first.position.epoch


async def test_one_publication_enters_every_room_that_follows_with_the_same_id(engine):
    stage = await engine.open_room("stage")
    hall = await engine.open_room("hall", follows=["stage"])
    foyer = await engine.open_room("foyer", follows=["hall"])
    other = await engine.open_room("other")
    await hall.publish("hall only")
    message = await stage.publish("to all", key="k")
    assert await stage.publish("to all", key="k") == message
    assert [entry.text for entry in await stage.history()] == ["to all"]
    assert [entry.text for entry in await hall.history()] == ["hall only", "to all"]
    assert [entry.text for entry in await foyer.history()] == ["hall only", "to all"]
    assert await other.history() == []
    copies = [(await room.history())[-1] for room in (stage, hall, foyer)]
    assert {copy.id for copy in copies} == {message.id}
    assert [copy.position for copy in copies] == [stage.position, hall.position, foyer.position]
    assert [copy.room for copy in copies] == ["stage", "hall", "foyer"]


async def test_rooms_that_follow_each_other_do_not_echo(engine):
    left = await engine.open_room("left")
    right = await engine.open_room("right", follows=["left"])
    await engine.open_room("left", follows=["right"])
    await left.publish("l")
    await right.publish("r")
    assert [entry.text for entry in await left.history()] == ["l", "r"]
    assert [entry.text for entry in await right.history()] == ["l", "r"]


async def test_nobody_sees_a_message_before_the_log_has_it():
    """Nor while it does: only the log's commit puts it into the room."""
    proceed = trio.Event()

    class Held(MemoryLog):
        async def append(self, publication):
            await proceed.wait()
            return await super().append(publication)

    async with open_engine_on(Held()) as engine, trio.open_nursery() as nursery:
        stage = await engine.open_room("stage")
        heard = Heard()
        stage.observe(heard)
        nursery.start_soon(stage.publish, "t")
        await trio.testing.wait_all_tasks_blocked()
        assert stage.position.seq == 0
        assert heard.entries == []
        proceed.set()
        await trio.testing.wait_all_tasks_blocked()
        assert [entry.text for entry in heard.entries] == ["t"]


async def test_observers_hear_everything_in_order_until_they_end_it():
    async with open_engine_on(SlowLog(lambda: 3)) as engine:
        stage = await engine.open_room("stage", capacity=2)
        heard, other = Heard(), Heard()
        end = stage.observe(heard)
        stage.observe(other)
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(stage.publish, f"{number}")
        end()
        await stage.publish("later")
        assert [entry.position.seq for entry in heard.entries] == list(range(1, 11))
        assert [entry.position.seq for entry in other.entries] == list(range(1, 12))


async def test_cancelling_a_publisher_leaves_a_whole_message_or_none():
    """At every place where publishing waits."""
    outcomes = set()
    for rounds in range(12):
        async with open_engine_on(SlowLog(lambda: 2)) as engine:
            stage = await engine.open_room("stage")
            hall = await engine.open_room("hall", follows=["stage"])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stage.publish_all, [Say("a"), Say("b")])
                for _ in range(rounds):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert stage.position.seq == hall.position.seq
            assert [e.text for e in await stage.history()] in ([], ["a", "b"])
            outcomes.add(stage.position.seq)
            assert (await stage.publish("after")).position.seq == stage.position.seq
    assert outcomes == {0, 2}, "both were met"


async def test_a_closing_engine_finishes_what_was_begun_and_takes_nothing_new():
    results: list[object] = []

    async def publish(room, text: str) -> None:
        try:
            results.append((await room.publish(text)).text)
        except EngineClosed as closed:
            results.append(closed.code)

    async with trio.open_nursery() as nursery:
        async with open_engine_on(SlowLog(lambda: 5)) as engine:
            stage = await engine.open_room("stage")
            for number in range(3):
                nursery.start_soon(publish, stage, f"{number}")
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
        nursery.start_soon(publish, stage, "too late")
    assert sorted(map(str, results)) == ["0", "1", "2", "closed"]
    assert stage.position.seq == 3
    assert not engine.available
    with pytest.raises(EngineClosed):
        await engine.open_room("another")
    with pytest.raises(EngineClosed):
        async with stage.listen():
            pass
    with pytest.raises(EngineClosed):
        await stage.retract(stage.recent[0].id)


async def test_an_unknown_room_is_an_error_with_its_name(engine):
    with pytest.raises(RoomNotFound, match="'hall'"):
        engine.room("hall")
    with pytest.raises(RoomNotFound) as caught:
        engine.room("x" * 10_000)
    assert len(caught.value.detail) < 200


async def test_statistics_count_messages_and_listeners_and_time_the_log(engine):
    stage = await engine.open_room("stage")
    message = await stage.publish("a")
    await stage.publish("b", key="k")
    await stage.publish("b", key="k")
    await stage.retract(message.id)
    async with stage.listen():
        statistics = engine.statistics()
        assert statistics.messages == {"stage": 2}
        assert statistics.listeners == {"stage": 1}
        assert statistics.append_seconds.count == 4
        assert statistics.append_failures == 0
    assert engine.statistics().listeners == {"stage": 0}
