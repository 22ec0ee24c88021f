"""Who has heard more at another edge than this one has: they wait for what is on its way, and are told of no gap where
nothing is missing. Here the link to the engine's process is held up, so that it is on its way for as long as a test
wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from fanout.edge import followed_rooms
from fanout.edge.connection import Stage
from fanout.feed.edge_link import EdgeLink
from fanout.wire.rendered import Format
from tests.edge import site as sites
from tests.edge.site import Site, Where


class HeldUp:
    """The link, once it is held up: nothing comes through until it is let go."""

    def __init__(self) -> None:
        self.holding = False

    def let_go(self, site: Site) -> None:
        self.holding = False
        assert site.server is not None
        site.server.look()


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> HeldUp:
    monkeypatch.setattr(Where, "behind_a_socket", True)
    link = HeldUp()
    really_next = EdgeLink._next
    monkeypatch.setattr(EdgeLink, "_next", lambda self: b"" if link.holding else really_next(self))
    return link


@asynccontextmanager
async def followed(*rooms: str) -> AsyncIterator[Site]:
    """An edge that follows these rooms already, since somebody listens to each."""
    async with sites.open_site(*rooms) as site:
        for room in rooms:
            await site.listener(Format.JSON, room=room)
        await site.edge_has_heard()
        yield site


async def arrives(site: Site, format: Format, after: object, arrived: list[Any]) -> None:
    query = f"after={after}" if format is Format.EVENTS else f"after=stage@{after}"
    arrived.append(await site.listener(format, query))


async def waits(site: Site) -> None:
    await site.settled(lambda: any(one.stage is Stage.WAITING for one in site.hub.connections.values()))


async def test_who_comes_with_a_position_that_is_on_its_way_resumes_there(link: HeldUp, format: Format) -> None:
    async with followed("stage") as site:
        link.holding = True
        *_, last = await site.publish("stage", "one", "two")
        arrived: list[Any] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(arrives, site, format, last.position, arrived)
            await waits(site)
            link.let_go(site)
        assert arrived[0].welcome["rooms"]["stage"] == {
            "position": str(last.position),
            "mode": "stage",
            "recovery": "resumed",
        }
        await site.publish("stage", "three")
        assert await arrived[0].texts(1) == ["three"]
        assert site.edge.statistics().gaps == {}


async def test_who_wants_several_rooms_waits_for_all_of_them_at_once(link: HeldUp) -> None:
    async with followed("stage", "chat") as site:
        link.holding = True
        [line] = await site.publish("stage", "a line")
        [word] = await site.publish("chat", "a word")
        welcomes: list[Any] = []

        async def arrive() -> None:
            query = f"room=stage&room=chat&after=stage@{line.position}&after=chat@{word.position}"
            welcomes.append(await (await site.websocket(query)).expect("welcome"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(arrive)
            await waits(site)
            link.let_go(site)
        assert {room["recovery"] for room in welcomes[0]["rooms"].values()} == {"resumed"}


async def test_who_subscribes_to_what_is_on_its_way_is_answered_in_turn(link: HeldUp) -> None:
    async with followed("stage", "chat") as site:
        listener = await site.websocket("room=chat")
        await listener.expect("welcome")
        link.holding = True
        [line] = await site.publish("stage", "a line")
        await listener.say("subscribe", room="stage", after=str(line.position))
        await listener.say("unsubscribe", room="stage")
        await listener.say("subscribe", room="stage", after=f"{line.position.epoch}:77")
        await listener.say("ping")
        await listener.expect("pong")
        link.let_go(site)
        first = await listener.expect("welcome")
        assert first["rooms"]["stage"]["recovery"] == "resumed"
        second = await listener.expect("welcome")
        assert second["rooms"]["stage"]["recovery"] == "gap"
        await listener.expect("gap", reason="epoch")


async def test_where_the_engine_says_nothing_they_are_told_to_come_back_and_of_no_gap(
    link: HeldUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_rooms, "CATCH_UP_SECONDS", 0.05)
    async with followed("stage") as site:
        link.holding = True
        [line] = await site.publish("stage", "a line")
        listener = await site.websocket(f"room=stage&after=stage@{line.position}")
        bye = await listener.expect("bye", code=4012, reconnect=True)
        assert 0 < bye["after_ms"] <= 5000
        assert (await listener.end()).code == 4012
        here = await site.websocket("room=stage")
        await here.expect("welcome")
        await here.say("unsubscribe", room="stage")
        await here.say("subscribe", room="stage", after=str(line.position), ref="s1")
        await here.expect("error", code="engine_away")
        assert site.edge.statistics().gaps == {}
        link.let_go(site)
        await here.say("subscribe", room="stage", after=str(line.position))
        assert (await here.expect("welcome"))["rooms"]["stage"]["recovery"] == "resumed"


async def test_many_who_come_at_once_catch_up_together(link: HeldUp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with followed("stage") as site:
        asked = 0
        really = site.hub.feed.catch_up

        async def catch_up() -> None:
            nonlocal asked
            asked += 1
            await really()

        monkeypatch.setattr(site.hub.feed, "catch_up", catch_up)
        link.holding = True
        [line] = await site.publish("stage", "a line")
        arrived: list[Any] = []
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(arrives, site, Format.JSON, line.position, arrived)
            connections = site.hub.connections
            await site.settled(lambda: sum(one.stage is Stage.WAITING for one in connections.values()) == 40)
            link.let_go(site)
        assert {one.welcome["rooms"]["stage"]["recovery"] for one in arrived} == {"resumed"}
        assert asked <= 2


async def test_what_was_certain_for_one_command_is_not_for_the_next(
    link: HeldUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second names what was published after the first one's question had been answered."""
    async with followed("stage", "chat") as site:
        await site.engine.open_room("lobby")
        listener = await site.websocket("room=lobby")
        await listener.expect("welcome")
        really = site.hub.feed.catch_up
        answered = trio.Event()

        async def catch_up() -> None:
            monkeypatch.setattr(site.hub.feed, "catch_up", really)
            await answered.wait()

        monkeypatch.setattr(site.hub.feed, "catch_up", catch_up)
        link.holding = True
        [line] = await site.publish("stage", "a line")
        await listener.say("subscribe", room="chat", after=f"{line.position.epoch}:77")
        await listener.say("subscribe", room="stage", after=str(line.position))
        await listener.say("ping")
        await listener.expect("pong")
        answered.set()
        assert (await listener.expect("welcome"))["rooms"]["chat"]["recovery"] == "gap"
        await listener.expect("gap", room="chat", reason="epoch")
        link.let_go(site)
        assert (await listener.expect("welcome"))["rooms"]["stage"]["recovery"] == "resumed"
