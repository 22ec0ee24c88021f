"""An edge that is killed, one that is stopped, and one that does nothing but die: nobody else notices."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import trio
import trustme

from fanout.client import Live, open_client
from fanout.core.message import Message
from fanout.server.edge_share import NUMBERS_OF_A_PROCESS
from tests.server.workers.fleet import AS_MODERATOR, edge_of, opened

LISTENERS = 6

CLOSE = {"Connection": "close"}


async def test_listeners_of_a_killed_edge_come_back_elsewhere_and_miss_nothing(start_server: Callable):
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2")
    async with opened(server) as fleet, trio.open_nursery() as nursery:
        texts = [str(number) for number in range(300)]
        where: list[list[int]] = []

        async def listen(task_status: trio.TaskStatus[None]) -> None:
            edges: list[int] = []
            where.append(edges)

            def watch(news: object) -> None:
                if isinstance(news, Live):
                    edges.append(edge_of(news.listener))
                    if len(edges) == 1:
                        task_status.started()

            async with open_client(server.url, rooms=["stage"], watch=watch) as client:
                heard = [await anext(client) for _ in texts]
                assert all(isinstance(item, Message) for item in heard)
                assert [item.text for item in heard] == texts

        while {1, 2} - {edges[0] for edges in where} or len(where) < LISTENERS:
            await nursery.start(listen)
        await fleet.publish(*texts[:50])
        delivered = await fleet.metric("fanout_deliveries_total")
        assert delivered == 50 * len(where)
        killed = fleet.kill("edge-1")
        await fleet.publish(*texts[50:250])
        (died,) = await fleet.logs("process_died")
        assert (died["process"], died["exit"]) == ("edge-1", -9)
        assert await fleet.metric("fanout_deliveries_total") >= delivered, "a counter went back"
        await fleet.logs("process_started_again", process="edge-1")
        assert fleet.pid("edge-1") != killed
        await fleet.publish(*texts[250:])
    assert [edges for edges in where if edges[0] == 2] == [[2]] * sum(edges[0] == 2 for edges in where)
    assert all(len(edges) == 2 for edges in where if edges[0] == 1)
    assert "Traceback" not in server.log


async def test_both_edges_may_be_killed_at_once(start_server: Callable):
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2")
    async with opened(server) as fleet:
        before = [(await fleet.at(edge)).welcome["listener"] for edge in (1, 2)]
        for process in ("edge-1", "edge-2"):
            fleet.kill(process)
        await fleet.logs("process_started_again", times=2)
        after = [(await fleet.at(edge)).welcome["listener"] for edge in (1, 2)]
        numbers = [int(listener.removeprefix("l"), 16) for listener in (*before, *after)]
        assert [number // NUMBERS_OF_A_PROCESS for number in numbers] == [0, 64, 1, 65], "two listeners of one id"
        await fleet.publish("to those who come again")
        assert await (await fleet.websocket("room=stage&last=1")).expect("welcome")
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_a_stopped_edge_delays_nobody_and_its_listeners_are_told(start_server: Callable):
    """Meanwhile somebody is banned, and something is taken back."""
    server = start_server("--memory", "--workers", "2", "--drain-seconds", "0")
    async with opened(server) as fleet:
        await fleet.http.put("/v1/rooms/stage", json={"mode": "stage", "capacity": 100})
        await fleet.http.put("/v1/rooms/slow", json={"mode": "open"})
        there, here = await fleet.at(1), await fleet.at(2)
        banned = await fleet.at(1, subject="v1")
        elsewhere = await fleet.at(1, "room=slow")
        await fleet.publish("before", room="slow")  # this connection is in the engine's process from now on
        await elsewhere.texts(1)
        fleet.kill("edge-1", signal.SIGSTOP)
        try:
            (secret,) = await fleet.publish("zebulon", room="slow")
            for _ in range(20):
                await fleet.publisher.publish_all("stage", [{"text": "x" * 4000}] * 90)
                await here.texts(90)
            taken_back = await fleet.http.delete(f"/v1/rooms/slow/messages/{secret}")
            assert taken_back.status_code == 200, taken_back.text
            ban = {"target": "visitor:v1", "reason": "Enough."}
            made = await fleet.http.post("/v1/rooms/stage/bans", json=ban, headers=AS_MODERATOR)
            assert made.status_code == 201, made.text
            assert await fleet.metric('fanout_process_resident_bytes{process="engine"}') < 250_000_000
            assert await fleet.metric('fanout_process_behind{process="edge-1"}') > 100
        finally:
            fleet.kill("edge-1", signal.SIGCONT)
        told = (await there.everything())[0][-1]
        assert (told["type"], told["code"]) == ("bye", 4008)
        assert (await fleet.logs("edge_too_slow"))[0]["process"] == "edge-1"
        assert await fleet.metric('fanout_process_overtaken_total{process="edge-1"}') >= 1
        assert await fleet.metric('fanout_process_overtaken_total{process="edge-2"}') == 0
        assert (await banned.everything())[1].code == 4003
        gone = await elsewhere.expect("message")
        assert (await elsewhere.expect("retraction"))["target"] == secret
        assert gone["id"] == secret
    assert "Traceback" not in server.log


async def test_an_edge_that_cannot_start_leaves_its_doors_to_the_other_until_it_can(
    start_server: Callable, tmp_path: Path
):
    """Over TLS, with a key that vanishes and comes back."""
    authority = trustme.CA()
    identity = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    identity.cert_chain_pems[0].write_to_path(certificate)
    identity.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    server = start_server(
        "--memory", "--room", "stage:stage", "--workers", "2", "--tls-cert", str(certificate), "--tls-key", str(key)
    )
    async with opened(server, verify=context) as fleet:
        key.rename(tmp_path / "elsewhere.pem")
        fleet.kill("edge-1")
        ill = await fleet.readyz(lambda status, body: bool(body.get("edges", {}).get("failing")))
        assert ill == {"status": "degraded", "edges": {"running": 1, "wanted": 2, "failing": ["edge-1"]}}
        async with open_client(server.url, rooms=["stage"], ssl_context=context) as client:
            await client.wait_live()
            for number in range(10):  # each over a connection of its own; none must wait where nobody answers
                with trio.fail_after(5):
                    await fleet.http.post("/v1/rooms/stage/messages", json={"text": str(number)}, headers=CLOSE)
            assert [(await anext(client)).text for _ in range(10)] == [str(number) for number in range(10)]
        (tmp_path / "elsewhere.pem").rename(key)
        await fleet.readyz(lambda status, body: body["status"] == "ready")
    died = [line["exit"] for line in fleet.logged("process_died", process="edge-1")]
    assert died[:3] == [-9, 2, 2]
    assert "Traceback" not in server.log
