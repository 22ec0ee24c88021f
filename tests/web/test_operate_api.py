"""What operators do to a whole server over HTTP: plug-ins off and on, and the drain that tells how far it is."""

from __future__ import annotations

import json

import pytest
import trio

from fanout.errors import StoreUnavailable
from tests.web.site import Site

OFF, ON = {"enabled": False}, {"enabled": True}
SHOUTED = {"text": "SHOUTING", "name": "Zoe"}
ASK = "/v1/rooms/hall/submissions"


async def test_a_plugin_that_rejects_everything_is_off_with_one_call_and_who_did_it_shows(desk: Site) -> None:
    operator = desk.headers("operator", name="Ops")
    async with desk.client() as client:
        assert (await client.post(ASK, json=SHOUTED)).status_code == 422
        off = await client.put("/v1/plugins/no-shouting", headers=operator, json=OFF)
        assert (off.status_code, off.json()["enabled"], off.json()["switched"]["by"]) == (200, False, "Ops (operator)")
        assert (await client.post(ASK, json=SHOUTED)).json()["state"] == "held"
        listed = (await client.get("/v1/plugins", headers=desk.headers("moderator"))).json()["plugins"]
        assert {one["name"]: (one["enabled"], one["switched"] is None) for one in listed} == {
            "no-shouting": (False, False),
            "rate": (True, True),
        }
        assert 'fanout_plugin_enabled{plugin="no-shouting"} 0.0' in (await client.get("/metrics")).text
        await client.put("/v1/plugins/no-shouting", headers=operator, json=ON)
        assert (await client.post(ASK, json=SHOUTED)).status_code == 422
        audit = (await client.get("/v1/audit", headers=operator)).json()["entries"]
        assert [(one["action"], one["subject"], one["by"]) for one in audit if one["action"] != "reject"] == [
            ("plugin_off", "no-shouting", "Ops (operator)"),
            ("plugin_on", "no-shouting", "Ops (operator)"),
        ]


async def test_slow_mode_can_not_be_switched_on_while_what_keeps_it_is_off(desk: Site) -> None:
    operator = desk.headers("operator")
    async with desk.client() as client:
        await client.put("/v1/plugins/rate", headers=operator, json=OFF)
        refused = await client.patch("/v1/rooms/hall/rules", headers=operator, json={"slow_s": 5})
        assert (refused.status_code, refused.json()["code"]) == (409, "slow_mode_missing")


@pytest.mark.parametrize("body", [{}, {"enabled": 1}, {"enabled": None}, [], "off"])
async def test_a_switch_is_on_or_off(desk: Site, body: object) -> None:
    async with desk.client() as client:
        refused = await client.put("/v1/plugins/rate", headers=desk.headers("operator"), json=body)
    assert refused.status_code == 400, refused.text


@pytest.mark.parametrize("path", ["/v1/drain", "/v1/edges/replacement"])
async def test_another_site_s_page_can_not_begin_it_in_the_operator_s_name(desk: Site, path: str) -> None:
    """A browser sends the cookie along with what any page asks for; the header, only with what ours do."""
    begun: list[str] = []
    desk.control.drain = desk.control.replace_edges = lambda: begun.append(path)
    cookie = {"Cookie": f"fanout_session={desk.token('operator')}"}
    async with desk.client() as client:
        assert (await client.post(path, headers=cookie)).status_code == 401
        foreign = cookie | {"Fanout-Session": "cookie", "Origin": "https://evil.example"}
        assert (await client.post(path, headers=foreign)).status_code == 401
        assert begun == []
        desk.control.gone.set()
        ours = cookie | {"Fanout-Session": "cookie", "Origin": f"http://127.0.0.1:{desk.port}"}
        assert (await client.post(path, headers=ours)).is_success
    assert begun == [path]


async def test_a_drain_tells_how_far_it_is_until_everybody_has_gone(desk: Site) -> None:
    begun: list[str] = []
    desk.control.drain = lambda: begun.append("once")
    desk.control.seconds = 30.0
    operator = desk.headers("operator", name="Ops")
    told = []
    async with desk.client() as client:
        async with client.stream("POST", "/v1/drain", headers=operator) as answer:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
            async for line in answer.aiter_lines():
                told.append(json.loads(line))
                desk.control.gone.set()
        assert told[0] == {"state": "draining", "listeners": 5, "seconds": 30.0}
        assert [line["state"] for line in told[1:]] == ["drained"]
        again = await client.post("/v1/drain", headers=operator)  # a second signal would hurry
        assert json.loads(again.text)["state"] == "drained"
        [entry] = (await client.get("/v1/audit", headers=operator)).json()["entries"]
        assert (entry["action"], entry["by"]) == ("drain", "Ops (operator)")
    assert begun == ["once"]


async def test_a_full_disk_is_no_reason_not_to_drain(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(desk.house.store, "put", fails)
    desk.control.drain = desk.control.gone.set
    async with desk.client() as client:
        with trio.fail_after(10):
            answer = await client.post("/v1/drain", headers=desk.headers("operator"))
    assert json.loads(answer.text)["state"] == "drained"
    assert desk.control.draining


async def test_what_nobody_here_can_drain_says_so(desk: Site) -> None:
    async with desk.client() as client:
        for path, code in (("/v1/drain", "not_drained_here"), ("/v1/edges/replacement", "no_workers")):
            refused = await client.post(path, headers=desk.headers("operator"))
            assert (refused.status_code, refused.json()["code"]) == (409, code)
