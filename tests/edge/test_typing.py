"""What is being typed, on its way to listeners: the newest state, now and then, and never in the way of anything."""

from __future__ import annotations

from typing import Any

import pytest

from fanout.core.typed_lines import TypedLine
from fanout.wire.rendered import Format
from tests.edge.listener import Listener
from tests.edge.site import Site, open_site
from tests.edge.small_desk import SmallDesk

SMALL = 4096
BIG = "x" * 8000


def line(text: str) -> TypedLine:
    return TypedLine("q1", "Ann", "guest", text)


async def say(site: Site, *texts: str, room: str = "stage") -> None:
    site.feed.type(room, *(line(text) for text in texts))
    await site.edge_has_heard()


async def heard(site: Site, listener: Listener) -> list[Any]:
    """What this one was told was being typed, until now."""
    await site.publish("stage", "mark")
    told = []
    while (item := await listener.item())["type"] != "message":
        if item["type"] == "typing":
            told.append([one["text"] for one in item["lines"]])
    return told


async def test_the_newest_state_is_told_in_every_format_and_moves_nobody_s_position(format: Format) -> None:
    async with open_site(feed=SmallDesk) as site:
        listener = await site.listener(format)
        for text in ("I", "In", "In M"):
            await say(site, text)
        await site.second()
        item = await listener.expect("typing")
        assert item["room"] == "stage"
        assert item["lines"] == [{"re": "q1", "author": {"name": "Ann", "role": "guest"}, "text": "In M"}]
        assert "position" not in item
        await say(site)
        await site.second(2)
        assert await heard(site, listener) == [[]]
        assert site.room("stage").position.seq == 1


async def test_the_end_of_what_nobody_saw_is_not_told() -> None:
    async with open_site(feed=SmallDesk) as site:
        listener = await site.listener(Format.JSON)
        await say(site, "In M")
        await say(site)
        await site.second(2)
        assert await heard(site, listener) == []


async def test_many_listeners_are_told_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanout.core.typed_lines.TYPING_SENDS_PER_SECOND", 0.1)
    async with open_site(feed=SmallDesk) as site:
        listener = await site.listener(Format.JSON)
        for number in range(10):
            await say(site, str(number))
            await site.second()
        assert len(await heard(site, listener)) in (1, 2)  # the seconds that go by themselves are counted too


async def test_whose_socket_is_full_is_passed_by_and_nobody_waits() -> None:
    async with open_site(feed=SmallDesk, capacity=2000) as site:
        slow = await site.listener(Format.JSON, receive_buffer=SMALL)
        quick = await site.listener(Format.JSON)
        while not site.hub.sending.stalled:
            await site.publish("stage", BIG)
        [stalled] = site.hub.sending.stalled
        await site.settled(lambda: site.hub.idle)
        waiting = len(stalled.control)
        await say(site, "In M")
        await site.second()
        assert len(stalled.control) == waiting
        while (item := await quick.item())["type"] != "typing":
            assert item["type"] in ("message", "presence")
        await slow.aclose()


async def test_a_round_ends_when_there_is_something_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the last to be told would hear of a line as being typed that they have had already."""
    monkeypatch.setattr("fanout.edge.keep_alive.SLICE_SECONDS", 0.0)
    async with open_site(feed=SmallDesk) as site:
        listeners = [await site.listener(Format.JSON) for _ in range(3)]
        await say(site, "In M")
        control = site.hub.sending.control

        def newer(connection: Any, frame: bytes) -> None:
            control(connection, frame)
            if b"In M" in frame:
                site.hub.rooms.typed("stage", ())

        monkeypatch.setattr(site.hub.sending, "control", newer)
        await site.second(3)
        assert [await heard(site, one) for one in listeners] == [[["In M"], []], [[]], [[]]]


async def test_nobody_is_said_to_type_while_the_engine_is_away() -> None:
    async with open_site(feed=SmallDesk) as site:
        listener = await site.listener(Format.JSON)
        await say(site, "In M")
        await site.second()
        site.edge.engine(away=True)
        await site.second(2)
        site.edge.engine(away=False)
        assert await heard(site, listener) == [["In M"], []]
