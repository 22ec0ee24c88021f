"""What time does: pings, comments, dead peers. The edge's seconds pass when the test says so."""

from __future__ import annotations

from fanout.edge.settings import EdgeSettings
from fanout.wire.rendered import Format
from tests.edge.listener import PONG
from tests.edge.site import open_site


async def test_a_websocket_is_pinged_once_a_heartbeat_and_lives_while_it_answers() -> None:
    async with open_site() as site:
        listener = await site.listener(Format.JSON)
        for heartbeat in range(1, 6):
            await site.second(25)
            while len(listener.pings) < heartbeat:
                await listener.silence()
            assert len(listener.pings) == heartbeat
            await listener.silence()
        await site.publish("stage", "alive")
        assert await listener.texts(1) == ["alive"]


async def test_a_peer_that_answers_nothing_is_dead_after_a_while() -> None:
    async with open_site(settings=EdgeSettings(silence_seconds=60)) as site:
        dead, alive = await site.listener(Format.JSON), await site.listener(Format.JSON)
        dead.answers_pings = False
        for _ in range(59):
            await site.second()
            await alive.say_frame(PONG)
            await alive.silence()
        assert len(site.hub.connections) == 2
        for _ in range(26):
            await site.second()
            await alive.silence()
        assert len(site.hub.connections) == 1
        assert site.edge.statistics().closes == {1006: 1}


async def test_a_quiet_event_stream_gets_a_comment_every_fifteen_seconds() -> None:
    async with open_site() as site:
        listener = await site.listener(Format.EVENTS)
        begin = site.hub.second
        await site.second(45)
        passed = site.hub.second - begin
        await site.publish("stage", "mark")
        assert await listener.texts(1) == ["mark"]
        assert passed // 15 <= listener.comments <= passed // 15 + 1


async def test_pings_are_spread_over_the_heartbeat() -> None:
    async with open_site() as site:
        listeners = [await site.listener(Format.JSON) for _ in range(50)]
        most = 0
        for _ in range(25):
            await site.second()
            before = sum(len(listener.pings) for listener in listeners)
            for listener in listeners:
                await listener.silence()
            most = max(most, sum(len(listener.pings) for listener in listeners) - before)
        assert sum(len(listener.pings) for listener in listeners) >= 50
        assert most <= 6
