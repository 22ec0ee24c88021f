"""Listening: what was missed, then what comes, as one sequence; and what happens to who is too slow."""

from __future__ import annotations

import pytest
import trio

from fanout.core.cursor import Recovery
from fanout.core.limits import REPLAY_BATCH
from fanout.core.message import Gap, GapReason
from fanout.core.position import Position
from fanout.engine.engine import open_engine_on
from fanout.errors import EngineClosed, InvalidInput, LogUnavailable
from fanout.log.memory import MemoryLog
from tests.engine.evening import fill, take
from tests.engine.slow_log import SlowLog


async def test_a_listener_without_a_wish_gets_what_comes_and_not_what_was(engine):
    stage = await engine.open_room("stage")
    await stage.publish("before")
    async with stage.listen() as listener:
        assert listener.recovery is Recovery.LIVE
        assert listener.position == stage.position
        message = await stage.publish("after")
        assert await take(listener, 1) == [message]
        assert listener.position == message.position


async def test_a_listener_waits_and_is_woken(engine, nursery):
    stage = await engine.open_room("stage")
    got: list = []

    async def listen() -> None:
        async with stage.listen() as listener:
            got.extend(await take(listener, 2))

    nursery.start_soon(listen)
    await trio.testing.wait_all_tasks_blocked()
    messages = [await stage.publish("one"), await stage.publish("two")]
    with trio.fail_after(5):
        while len(got) < 2:
            await trio.lowlevel.checkpoint()
    assert got == messages


async def test_a_late_joiner_receives_the_last_few_then_live_messages_without_a_gap(engine):
    stage = await engine.open_room("stage")
    messages = await fill(stage, 5)
    async with stage.listen(last=3) as listener:
        assert listener.recovery is Recovery.LIVE
        messages.append(await stage.publish("live"))
        assert await take(listener, 4) == messages[2:]


@pytest.mark.parametrize("missed", [0, 1, 7, 8, 9, REPLAY_BATCH, REPLAY_BATCH + 8, 3 * REPLAY_BATCH])
async def test_who_resumes_gets_everything_after_its_position_also_from_far_before_the_ring(engine, missed):
    stage = await engine.open_room("stage", capacity=8)
    messages = await fill(stage, 3 * REPLAY_BATCH + 20)
    after = messages[-missed - 1].position
    async with stage.listen(after=after) as listener:
        assert listener.recovery is Recovery.RESUMED
        assert listener.position == after
        messages.append(await stage.publish("live"))
        assert await take(listener, missed + 1) == messages[-missed - 1 :]


async def test_a_position_may_be_given_as_it_is_written(engine):
    stage = await engine.open_room("stage")
    messages = await fill(stage, 3)
    async with stage.listen(after=str(messages[0].position)) as listener:
        assert await take(listener, 2) == messages[1:]


async def test_publications_during_a_long_replay_follow_it_without_a_seam(engine):
    stage = await engine.open_room("stage", capacity=4)
    messages = await fill(stage, 300)
    received = []
    async with stage.listen(after=Position(stage.position.epoch, 0)) as listener:
        for _ in range(300):
            received += await take(listener, 1)
            messages.append(await stage.publish("meanwhile"))
        received += await take(listener, 297)  # the last but three: then it is in the ring, and keeps up
        for _ in range(10):
            messages.append(await stage.publish("live"))
            received += await take(listener, 1)
    assert received == messages[:607]


async def test_a_position_of_another_stream_gets_a_gap_then_what_there_is(engine):
    stage = await engine.open_room("stage", capacity=4)
    messages = await fill(stage, 10)
    for after in (Position("other1", 3), Position(stage.position.epoch, 11)):
        async with stage.listen(after=after) as listener:
            assert listener.recovery is Recovery.GAP
            gap, *rest = await take(listener, 5)
            epoch = stage.position.epoch
            assert gap == Gap("stage", Position(epoch, 1), Position(epoch, 6), GapReason.EPOCH)
            assert rest == messages[6:]


async def test_who_asks_for_what_has_expired_is_told_so_at_once():
    """Also when the engine has not looked into the log for it yet."""
    async with open_engine_on(MemoryLog(history=20)) as engine:
        stage = await engine.open_room("stage", capacity=4)
        messages = await fill(stage, 50)
        epoch = stage.position.epoch
        async with stage.listen(after=Position(epoch, 10)) as listener:
            assert listener.recovery is Recovery.GAP
            gap, *rest = await take(listener, 21)
            assert gap == Gap("stage", Position(epoch, 11), Position(epoch, 30), GapReason.EXPIRED)
            assert rest == messages[30:]
        async with stage.listen(last=40) as listener:
            assert (listener.recovery, await take(listener, 20)) == (Recovery.LIVE, messages[30:])
        assert await stage.history() == messages[30:]


async def test_what_expires_during_a_replay_is_named_in_a_gap():
    async with open_engine_on(MemoryLog(history=REPLAY_BATCH + 100)) as engine:
        stage = await engine.open_room("stage", capacity=4)
        await fill(stage, REPLAY_BATCH + 50)
        epoch = stage.position.epoch
        async with stage.listen(after=Position(epoch, 0)) as listener:
            assert [entry.position.seq for entry in await take(listener, 5)] == [1, 2, 3, 4, 5]
            await fill(stage, 400)
            rest = await take(listener, REPLAY_BATCH - 5)
            assert [entry.position.seq for entry in rest] == list(range(6, REPLAY_BATCH + 1))
            [gap, first] = await take(listener, 2)
            assert (gap.first.seq, gap.reason) == (REPLAY_BATCH + 1, GapReason.EXPIRED)
            assert first.position.seq == gap.last.seq + 1 == stage.position.seq - (REPLAY_BATCH + 100) + 1


async def test_a_log_that_keeps_less_than_the_ring_loses_nothing_that_the_ring_has():
    async with open_engine_on(MemoryLog(history=2)) as engine:
        stage = await engine.open_room("stage", capacity=5)
        messages = await fill(stage, 9)
        assert await stage.history() == messages[4:]
        async with stage.listen(after=Position(stage.position.epoch, 1)) as listener:
            gap, *rest = await take(listener, 6)
            assert (gap.first.seq, gap.last.seq) == (2, 4)
            assert rest == messages[4:]


@pytest.mark.parametrize("wish", [{"last": -1}, {"after": "rubbish"}, {"after": "k3f9:-1"}, {"after": ""}])
async def test_a_wish_that_can_not_be_read_is_refused(engine, wish):
    stage = await engine.open_room("stage")
    with pytest.raises(InvalidInput) as caught:
        async with stage.listen(**wish):
            pass
    assert caught.value.code in {"bad_last", "bad_position"}


async def test_cancelling_a_listener_anywhere_loses_and_repeats_nothing():
    async with open_engine_on(SlowLog(lambda: 2)) as engine:
        stage = await engine.open_room("stage", capacity=3)
        messages = await fill(stage, 12)
        for rounds in range(12):
            received: list = []
            async with stage.listen(after=Position(stage.position.epoch, 0)) as listener:
                while len(received) < 12:
                    with trio.CancelScope() as scope:
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(cancel_after, rounds, scope)
                            received.append(await anext(listener))
                            nursery.cancel_scope.cancel()
                    rounds += 1  # so that it gets on, whatever it began with
            assert received == messages


async def cancel_after(rounds: int, scope: trio.CancelScope) -> None:
    for _ in range(rounds):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def test_one_listener_is_for_one_task(engine):
    stage = await engine.open_room("stage")
    async with stage.listen() as listener, trio.open_nursery() as nursery:
        nursery.start_soon(anext, listener)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await anext(listener)
        await stage.publish("t")


async def test_a_listener_that_has_left_is_of_no_more_use(engine):
    stage = await engine.open_room("stage")
    async with stage.listen() as listener:
        pass
    await stage.publish("t")
    with pytest.raises(trio.ClosedResourceError):
        await anext(listener)


async def test_a_listener_lets_others_work_while_it_has_plenty_to_read(engine):
    """Every entry is a checkpoint: a hundred entries, a hundred turns for everybody else."""
    stage = await engine.open_room("stage")
    await fill(stage, 100)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery, stage.listen(last=100) as listener:
        nursery.start_soon(count)
        await take(listener, 100)
        nursery.cancel_scope.cancel()
    assert turns >= 50


async def test_when_the_engine_closes_listeners_get_the_rest_and_end():
    received: list[str] = []

    async def listen(room) -> None:
        async with room.listen() as listener:
            async for entry in listener:
                received.append(entry.text)
                await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery, open_engine_on(MemoryLog()) as engine:
        stage = await engine.open_room("stage")
        nursery.start_soon(listen, stage)
        nursery.start_soon(listen, stage)
        await trio.testing.wait_all_tasks_blocked()
        await fill(stage, 5)
    assert sorted(received) == sorted("01234" * 2)


async def test_a_replay_that_closing_cuts_short_says_so_instead_of_ending():
    async with trio.open_nursery():
        async with open_engine_on(MemoryLog()) as engine:
            stage = await engine.open_room("stage", capacity=4)
            await fill(stage, REPLAY_BATCH * 2)
            room = stage.listen(after=Position(stage.position.epoch, 0))
            listener = await room.__aenter__()
            await take(listener, 1)
        await take(listener, REPLAY_BATCH - 1)
        with pytest.raises(EngineClosed):
            await take(listener, 1)
        await room.__aexit__(None, None, None)


async def test_a_log_that_can_not_be_read_is_said_and_the_listener_may_try_again():
    class Failing(MemoryLog):
        fails = False

        async def read(self, room, after, limit):
            if self.fails:
                raise LogUnavailable("The disk is away.")
            return await super().read(room, after, limit)

    log = Failing()
    async with open_engine_on(log) as engine:
        stage = await engine.open_room("stage", capacity=2)
        messages = await fill(stage, 6)
        async with stage.listen(last=6) as listener:
            log.fails = True
            with pytest.raises(LogUnavailable):
                await anext(listener)
            with pytest.raises(LogUnavailable):
                await stage.history()
            log.fails = False
            assert await take(listener, 6) == messages
