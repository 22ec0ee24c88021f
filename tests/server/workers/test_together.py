"""What several edges know together: who is here, who may be, who has said what; and how they are replaced."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest
import trio

from fanout.client import open_client
from fanout.core.message import Message
from tests.server.workers.fleet import AS_MODERATOR, Fleet, Patient, edge_of, opened
from tests.server_process import SECRET, ServerProcess

SHARE = 30

ROOMS = ("stage:stage", "hall:moderated", "salon:moderated", "foyer:open")

CHAT = """
[rooms.salon]
chat = "foyer"

[rooms.foyer]
mode = "open"
"""

pytestmark = pytest.mark.xdist_group("server of several processes")  # which is started once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "house.toml").write_text(CHAT)
    rooms = ["--config", "house.toml", *(word for room in ROOMS for word in ("--room", room))]
    arguments = ("--port", "0", "--memory", "--workers", "2", "--drain-seconds", "0", "--max-per-address", str(SHARE))
    server = ServerProcess(*arguments, *rooms, folder=folder, env={"FANOUT_SECRET": SECRET})
    try:
        yield server.listens()
    finally:
        server.kill()
    assert "Traceback" not in server.log


async def nobody_is_left(fleet: Fleet) -> None:
    """Wait until those who have gone are counted no longer."""
    for process in ("edge-1", "edge-2"):
        await fleet.metric_is(f'fanout_process_listeners{{process="{process}"}}', lambda listeners: listeners == 0)


async def test_a_visitor_at_two_edges_is_one_visitor(server: ServerProcess):
    async with opened(server) as fleet:
        here = await fleet.at(1, "room=foyer", subject="v1")
        there = await fleet.at(2, "room=foyer", subject="v1")
        for listener in (here, there):
            while (await listener.expect("presence"))["listeners"] < 2:
                pass
        other = await fleet.at(2, "room=foyer", subject="v2")
        for listener in (here, there, other):
            told = await listener.expect("presence")
            assert (told["listeners"], told["visitors"]) == (3, 2)
        assert await fleet.metric('fanout_room_listeners{room="foyer"}') == 3
        assert await fleet.metric('fanout_process_listeners{process="edge-1"}') == 1
        assert await fleet.metric('fanout_process_listeners{process="edge-2"}') == 2
        assert await fleet.metric('fanout_listeners{transport="websocket"}') == 3


async def test_an_answer_finds_its_author_at_whichever_edge(server: ServerProcess):
    """What is decided while they are away, they hear when they are back, elsewhere."""
    async with opened(server) as fleet:
        for ref in map(str, count()):
            author = await fleet.websocket("room=hall", subject="author")
            before = edge_of((await author.expect("welcome"))["listener"])
            await author.say("submit", room="hall", name="Samira", text=f"When? ({ref})", ref=ref)
            held = await author.expect("submission", state="held", ref=ref)
            await author.aclose()
            await nobody_is_left(fleet)
            decided = await fleet.http.post(
                f"/v1/submissions/{held['id']}/decisions",
                json={"action": "reject", "reason": "Asked before."},
                headers=AS_MODERATOR,
            )
            assert decided.status_code == 200, decided.text
            back = await fleet.websocket("room=hall", subject="author")
            after = edge_of((await back.expect("welcome"))["listener"])
            await back.expect("submission", id=held["id"], state="rejected", reason="Asked before.")
            await back.aclose()
            if before != after:
                break


async def test_a_ban_holds_at_every_edge_at_once_and_so_does_its_end(server: ServerProcess):
    async with opened(server) as fleet:
        chat = "foyer"  # which belongs to the salon
        banned = [await fleet.at(edge, f"room={room}", subject="troll") for edge in (1, 2) for room in ("salon", chat)]
        others = [await fleet.at(edge, "room=salon", subject="other") for edge in (1, 2)]
        ban = {"target": "visitor:troll", "reason": "Enough."}
        made = await fleet.http.post("/v1/rooms/salon/bans", json=ban, headers=AS_MODERATOR)
        assert made.status_code == 201, made.text
        for listener in banned:
            await listener.expect("bye", code=4003, reason="Enough.")
        for number in range(16):  # at one edge and the other
            again = await fleet.websocket(f"room={('salon', chat)[number % 2]}", subject="troll")
            await again.expect("bye", code=4003)
        lifted = await fleet.http.delete(f"/v1/bans/{made.json()['id']}", headers=AS_MODERATOR)
        assert lifted.status_code == 200, lifted.text
        for edge in (1, 2):
            await fleet.at(edge, f"room=salon&room={chat}", subject="troll")
        for listener in others:
            await listener.silence()


async def test_one_address_has_its_share_of_all_edges_together(server: ServerProcess):
    async with opened(server) as fleet:
        listeners: list[Patient] = []
        while len(listeners) < SHARE:
            listener = await fleet.websocket()
            listener.welcome = await listener.item()
            if listener.welcome["type"] == "welcome":  # else those before are not counted out yet
                listeners.append(listener)
        assert {edge_of(listener.welcome["listener"]) for listener in listeners} == {1, 2}
        while True:  # what one edge lets in is known to the others within half a second
            late = await fleet.websocket()
            if (item := await late.item())["type"] == "bye":
                break
            await late.aclose()
        assert item["code"] == 4013
        for listener in listeners:
            await listener.silence()
            await listener.aclose()
        late = await fleet.websocket()
        while (await late.item())["type"] != "welcome":  # until those who have gone are counted no longer
            await late.aclose()
            late = await fleet.websocket()


async def test_sighup_replaces_edge_after_edge_and_nobody_is_refused(server: ServerProcess):
    """Some listen, some come, somebody publishes, all the time."""
    async with opened(server) as fleet:
        old = {process: fleet.pid(process) for process in ("edge-1", "edge-2")}
        over = trio.Event()
        said: list[str] = []
        heard: list[list[str]] = []
        came = 0

        async def publish() -> None:
            while not over.is_set():
                said.append(str(len(said)))
                await fleet.publish(said[-1])
                await trio.sleep(0.01)  # or the new processes would have no processor
            said.append("the last")
            await fleet.publish("the last")

        async def listen(task_status: trio.TaskStatus[None]) -> None:
            async with open_client(server.url, rooms=["stage"]) as client:
                await client.wait_live()
                task_status.started()
                items: list[str] = []
                while not items or items[-1] != "the last":
                    item = await anext(client)
                    assert isinstance(item, Message), item
                    items.append(item.text)
                heard.append(items)

        async def come() -> None:
            nonlocal came
            while not over.is_set():
                visitor = await fleet.websocket("room=foyer")
                assert (await visitor.item())["type"] in ("welcome", "bye")
                await visitor.aclose()
                came += 1
                await trio.sleep(0.01)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                await nursery.start(listen)
            nursery.start_soon(publish)
            nursery.start_soon(come)
            server.process.send_signal(signal.SIGHUP)
            await fleet.logs("all_replaced")
            over.set()
        assert heard == [said] * 4
        assert came > 10
        assert all(fleet.pid(process) != pid for process, pid in old.items())
        assert not fleet.logged("process_died")
        await fleet.readyz(lambda status, body: body["status"] == "ready")


async def test_an_operator_replaces_the_edges_over_http(server: ServerProcess):
    async with opened(server) as fleet:
        before = len(fleet.logged("all_replaced"))
        old = {process: fleet.pid(process) for process in ("edge-1", "edge-2")}
        assert (await fleet.http.post("/v1/edges/replacement")).status_code == 202
        await fleet.logs("all_replaced", times=before + 1)
        assert all(fleet.pid(process) != pid for process, pid in old.items())


async def test_what_a_plugin_prints_comes_out_where_the_server_was_started(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """Nobody used to read it, and the engine stood still with a full pipe."""
    (tmp_path / "chatty.py").write_text(
        "class Chatty:\n    name = 'chatty'\n\n    async def review_submission(self, submission, room):\n"
        "        print('x' * 100_000)\n        print(submission.text)\n"
    )
    server = start_server("--memory", "--workers", "1", "--room", "hall:moderated", "--plugin-folder", str(tmp_path))
    with trio.fail_after(60):
        question = {"text": "When?", "name": "Zoe"}
        async with httpx.AsyncClient() as visitor:
            assert (await visitor.post(f"{server.url}/v1/rooms/hall/submissions", json=question)).status_code == 202
        await trio.to_thread.run_sync(server.says, "When?")
