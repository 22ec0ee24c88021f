"""Listeners that are too slow: the room's policy holds for them, and nobody else notices."""

from __future__ import annotations

import pytest

from fanout.core.message import Gap, GapReason
from fanout.core.position import Position
from fanout.errors import ListenerOvertaken
from tests.engine.evening import fill, take


async def test_a_lossless_room_ends_who_is_too_slow_and_says_where_to_go_on(engine):
    stage = await engine.open_room("stage", mode="stage", capacity=4)
    async with stage.listen() as listener:
        messages = await fill(stage, 2)
        assert await take(listener, 2) == messages
        messages += await fill(stage, 5)
        with pytest.raises(ListenerOvertaken, match="keeps 4 in memory") as caught:
            await take(listener, 1)
    assert caught.value.resume_after == str(messages[1].position)
    async with stage.listen(after=caught.value.resume_after) as listener:
        assert await take(listener, 5) == messages[2:]


async def test_an_open_room_skips_who_is_too_slow_to_the_middle_of_the_ring(engine):
    chat = await engine.open_room("chat", mode="open", capacity=4)
    async with chat.listen() as listener:
        messages = await fill(chat, 10)
        gap, *rest = await take(listener, 3)
        epoch = chat.position.epoch
        assert gap == Gap("chat", Position(epoch, 1), Position(epoch, 8), GapReason.SLOW)
        assert rest == messages[8:]
        assert listener.position == chat.position


async def test_a_slow_listener_holds_up_nobody(engine):
    stage = await engine.open_room("stage", capacity=4)
    async with stage.listen() as slow, stage.listen() as quick:
        for number in range(50):
            message = await stage.publish(f"{number}")
            assert await take(quick, 1) == [message]
        with pytest.raises(ListenerOvertaken):
            await take(slow, 1)


@pytest.mark.parametrize("last", [2, 4, 5, 8])
async def test_who_has_caught_up_is_live_and_the_policy_holds_for_it(engine, last):
    """Wherever it caught up from: the ring, or the log."""
    stage = await engine.open_room("stage", capacity=4)
    await fill(stage, 10)
    async with stage.listen(last=last) as listener:
        await take(listener, last)
        await fill(stage, 5)
        with pytest.raises(ListenerOvertaken):
            await take(listener, 1)
