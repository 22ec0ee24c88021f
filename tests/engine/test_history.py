"""Pages of history."""

from __future__ import annotations

import pytest

from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.position import Position
from fanout.core.say import Say
from fanout.errors import EpochChanged, InvalidInput


async def test_pages_join_into_the_whole_whatever_their_size(engine):
    stage = await engine.open_room("stage", capacity=3)
    messages = await stage.publish_all([Say(f"{n}") for n in range(20)])
    for limit in (1, 3, 7, 20, 10**9):
        pages, after = [], None
        while page := await stage.history(after, limit):
            assert len(page) <= limit
            pages += page
            after = page[-1].position
        assert pages == messages


async def test_a_page_has_a_largest_size(engine):
    stage = await engine.open_room("stage", capacity=3)
    for _ in range(11):
        await stage.publish_all([Say("t")] * 100)
    assert len(await stage.history(limit=10**9)) == MAX_HISTORY_PAGE


async def test_after_the_newest_there_is_nothing_yet(engine):
    stage = await engine.open_room("stage")
    assert await stage.history() == []
    message = await stage.publish("t")
    assert await stage.history(message.position) == []
    assert await stage.history(str(message.position)) == []


async def test_a_position_of_another_stream_is_a_conflict(engine):
    stage = await engine.open_room("stage")
    message = await stage.publish("t")
    for after in (Position("other1", 0), Position(message.position.epoch, 2), "other1:1"):
        with pytest.raises(EpochChanged):
            await stage.history(after)


@pytest.mark.parametrize(("wish", "code"), [({"limit": 0}, "bad_limit"), ({"limit": -5}, "bad_limit"),
                                            ({"after": "x"}, "bad_position")])  # fmt: skip
async def test_a_wish_that_can_not_be_read_is_refused(engine, wish, code):
    stage = await engine.open_room("stage")
    with pytest.raises(InvalidInput) as caught:
        await stage.history(**wish)
    assert caught.value.code == code
