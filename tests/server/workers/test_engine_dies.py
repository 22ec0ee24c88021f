"""The engine's process is killed, and the one that looks after all: listeners stay, or nobody is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trio

from tests.edge.listener import Listener
from tests.server.workers.fleet import ended, opened


async def test_an_engine_killed_under_publishing_goes_on_where_it_was(start_server: Callable):
    """What was acknowledged is heard once, in order, by listeners who are on the connection that they were on."""
    server = start_server("--room", "stage:stage", "--workers", "2", "--drain-seconds", "0")
    async with opened(server) as fleet:
        listeners = [await fleet.at(1), await fleet.at(2)]
        texts = [str(number) for number in range(120)]
        heard: list[list[str]] = []

        async def listen(listener: Listener) -> None:
            heard.append(await listener.texts(len(texts)))

        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(listen, listener)
            await fleet.publish(*texts[:40])
            fleet.kill("engine")
            await fleet.publish(*texts[40:])
        assert heard == [texts, texts]
        assert len(await fleet.logs("engine_lost")) == 2
        assert (await fleet.logs("process_started_again"))[0]["process"] == "engine"
        late = await fleet.websocket("room=stage&last=200")
        await late.expect("welcome")
        assert await late.texts(len(texts)) == texts
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_while_the_engine_is_away_the_edges_say_so_and_keep_who_is_there(start_server: Callable, tmp_path: Path):
    """It can't be started as long as a file of its settings is missing."""
    logo, elsewhere = tmp_path / "logo.svg", tmp_path / "elsewhere.svg"
    logo.write_text("<svg/>")
    rooms = ("--room", "stage:stage", "--room", "chat:open", "--room", "empty:stage")
    server = start_server(*rooms, "--workers", "2", "--drain-seconds", "0", env={"FANOUT_SITE_LOGO": str(logo)})
    async with opened(server) as fleet:
        here, author = await fleet.at(1), await fleet.at(2, "room=chat", subject="v1")
        logo.rename(elsewhere)
        fleet.kill("engine")
        await fleet.logs("process_died", process="engine", exit=2)
        assert (await fleet.readyz(lambda status, body: status == 503))["code"] == "engine_away"
        live = await fleet.http.get("/healthz", headers={"Connection": "close"})
        assert (live.status_code, live.json()) == (200, {"status": "live"})
        while not here.notices:  # which takes two seconds
            with trio.move_on_after(0.1):
                await here.item()
        late = await fleet.at(1)
        assert late.welcome["rooms"]["stage"]["recovery"] == "live"
        told = await (await fleet.websocket("room=empty")).expect("bye", code=4012, reconnect=True)
        assert told["after_ms"] > 0
        await author.say("submit", room="chat", name="Samira", text="Is anybody there?", ref="1")
        await author.expect("error", code="engine_away", ref="1")
        elsewhere.rename(logo)
        await fleet.readyz(lambda status, body: body["status"] == "ready")
        await author.say("submit", room="chat", name="Samira", text="Is anybody there?", ref="1")
        await author.expect("submission", state="aired", ref="1")
        await fleet.publish("it goes on")
        for listener in (here, late):
            assert await listener.texts(1) == ["it goes on"]
        assert here.notices == ["engine_away", "engine_back"]
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_an_engine_that_kept_nothing_begins_every_room_anew(start_server: Callable):
    """In memory: those who listened come back, and hear that there is something that they can't be given. A room that
    is no more has nobody."""
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2", "--drain-seconds", "0")
    async with opened(server) as fleet:
        await fleet.http.put("/v1/rooms/mine", json={"mode": "open"})
        here, there = await fleet.at(1), await fleet.at(2, "room=mine", subject="v1")
        await fleet.publish("before")
        before = (await here.expect("message"))["position"]
        fleet.kill("engine")
        await here.expect("bye", code=4012, room="stage")
        await there.expect("bye", code=4012, room="mine")
        again = await fleet.at(1, f"room=stage&after=stage@{before}")
        assert again.welcome["rooms"]["stage"]["recovery"] == "gap"
        await again.expect("gap", reason="epoch")
        await (await fleet.websocket("room=mine")).expect("bye", code=4004)
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_nobody_and_nothing_is_left_when_the_supervisor_is_killed(start_server: Callable, tmp_path: Path):
    between = tmp_path / "between"
    between.mkdir()
    env = {"TMPDIR": str(between)}
    server = start_server("--room", "stage:stage", "--workers", "2", "--drain-seconds", "0", env=env)
    assert [*between.iterdir()]
    async with opened(server) as fleet:
        here = await fleet.at(1)
        await fleet.publish("the last word")
        processes = server.children()
        assert len(processes) == 3
        server.process.kill()
        assert await here.texts(1) == ["the last word"]
        await here.expect("bye", code=4012)
        await here.aclose()
        await ended(*processes)
    assert not [*between.iterdir()]
    again = start_server("--workers", "2")  # whose data nobody holds
    async with opened(again) as fleet:
        messages = (await fleet.http.get("/v1/rooms/stage/messages")).json()["messages"]
        assert [message["text"] for message in messages] == ["the last word"]
