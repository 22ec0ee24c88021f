"""What visitors send over HTTP, through a real socket: taken or refused with a reason, and told what becomes of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.requests import Request

from fanout.core.submitted_text import MAX_SUBMISSION_CHARACTERS
from fanout.errors import TooSoon
from fanout.moderation.ports import Query
from fanout.web.bearer import Callers
from fanout.web.visitors import IDENTITIES_AT_ONCE, Visitors
from tests.web.site import Site
from tests.web.test_rooms_api import problem

HALL = "/v1/rooms/hall/submissions"


async def ask(client: httpx.AsyncClient, text: str = "When?", name: str = "Zoe", path: str = HALL, **more: Any) -> Any:
    return await client.post(path, json={"text": text, "name": name, **more})


async def test_a_visitors_question_is_held_and_its_author_sees_what_becomes_of_it(desk: Site):
    async with desk.client() as client, desk.client() as stranger:
        sent = await ask(client)
        assert (sent.status_code, sent.json()["state"]) == (202, "held")
        cookie = sent.headers["set-cookie"]
        assert cookie.startswith("fanout_visitor=")
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
        address = f"/v1/submissions/{sent.json()['id']}"
        assert (await client.get(address)).json() == sent.json()
        problem(await stranger.get(address), 404, "submission_not_found")
        await stranger.post("/v1/visitors", json={})
        problem(await stranger.get(address), 404, "submission_not_found")
        moderator = desk.headers("moderator", name="Ann")
        await client.post(f"{address}/decisions", headers=moderator, json={"action": "reject", "reason": "Off topic."})
        [mine] = (await client.get(f"{HALL}/mine")).json()["submissions"]
        assert (mine["state"], mine["reason"]) == ("rejected", "Off topic.")
        assert (await stranger.get(f"{HALL}/mine")).json() == {"submissions": [], "next": 0}


async def test_why_something_is_held_is_for_staff_alone(desk: Site):
    async with desk.client() as client:
        sent = (await ask(client, name="Bob")).json()
        assert "reason" not in sent
        address = f"/v1/submissions/{sent['id']}"
        assert "Who is that?" not in (await client.get(address)).text
        seen = (await client.get(address, headers=desk.headers("animator"))).json()
        assert (
            seen["opinions"][0] | {"plugin": "no-shouting", "reason": "Who is that?", "rule": "bob"}
            == (seen["opinions"][0])
        )


async def test_the_second_message_is_from_the_same_person_and_the_same_ref_is_the_same_message(desk: Site):
    async with desk.client() as client:
        first = await ask(client, ref="a")
        again = await ask(client, ref="a")
        other = await ask(client, ref="b")
        assert "set-cookie" not in again.headers
        assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    tallies = await desk.house.store.tallies("hall")
    assert (tallies.total.messages, tallies.total.people) == (2, 1)


@pytest.mark.parametrize("desk", ["memory", "sqlite"], indirect=True)
async def test_whoever_sends_again_what_is_in_is_answered_so_whatever_keeps_them_out_by_now(desk: Site):
    moderator = desk.headers("moderator")
    async with desk.client() as client:
        first = (await ask(client, ref="a")).json()
        person = (await client.get(f"/v1/submissions/{first['id']}", headers=moderator)).json()["person"]
        await client.post("/v1/rooms/hall/bans", headers=moderator, json={"target": person, "reason": "Enough."})
        await client.patch("/v1/rooms/hall/rules", headers=moderator, json={"paused": True})
        again = await ask(client, ref="a")
        assert (again.status_code, again.json()) == (202, first)
        problem(await ask(client, ref="b"), 403, "banned")


async def test_what_passes_goes_live_in_an_open_room(desk: Site):
    async with desk.client() as client:
        sent = (await ask(client, path="/v1/rooms/foyer/submissions")).json()
        assert sent["state"] == "aired"
        history = (await client.get("/v1/rooms/foyer/messages")).json()
    assert history["messages"][0]["id"] == sent["message"]


async def test_a_refusal_has_the_reason_and_leaves_the_author_their_identity(desk: Site):
    async with desk.client() as client:
        refused = await ask(client, "SHOUTING")
        assert problem(refused, 422, "rejected")["detail"] == "Please do not shout."
        assert "set-cookie" in refused.headers
        hasty = await ask(client, "too fast")
        assert problem(hasty, 429, "rate_limited")["detail"] == "Not so fast."
        assert hasty.headers["retry-after"] == "3"
        assert "set-cookie" not in hasty.headers


async def test_bans_and_rules_are_kept_over_http_too(desk: Site):
    moderator = desk.headers("moderator")
    async with desk.client() as client:
        id = (await ask(client)).json()["id"]
        person = (await client.get(f"/v1/submissions/{id}", headers=moderator)).json()["person"]
        ban = {"target": person, "reason": "Enough.", "duration_s": 60}
        made = (await client.post("/v1/rooms/hall/bans", headers=moderator, json=ban)).json()
        assert problem(await ask(client), 403, "banned")["detail"] == "Enough."
        assert (await client.delete(f"/v1/bans/{made['id']}", headers=moderator)).json() == made
        assert (await ask(client)).status_code == 202
        rules = "/v1/rooms/hall/rules"
        assert (await client.patch(rules, headers=moderator, json={"paused": True})).json()["paused"] is True
        problem(await ask(client), 422, "paused")
        assert "protected_names" not in (await client.get(rules)).json()
        assert (await client.get(rules, headers=moderator)).json()["protected_names"] == []


HOSTILE = [
    ({"text": ""}, 400, "text_empty"),
    ({"text": " \u2800\u3164 "}, 400, "text_empty"),
    ({"text": "x" * (MAX_SUBMISSION_CHARACTERS + 1)}, 413, "text_too_long"),
    ({"text": "a\u0000b"}, 400, "bad_text"),
    ({"text": "a\u001b[2Jb"}, 400, "bad_text"),
    ({"text": "invoice \u202egpj.exe"}, 400, "bad_text"),
    ({"text": "Z" + "\u0335" * 40}, 400, "bad_text"),
    ({"text": "a", "name": ""}, 400, "name_empty"),
    ({"text": "a", "name": "Z\u202eoe"}, 400, "bad_name"),
    ({"text": "a", "name": "z" * 500}, 400, "name_too_long"),
    ({"text": "a", "name": "\u0410nn M0reau"}, 400, "name_reserved"),
    ({"text": 7}, 400, "bad_field"),
    ({"name": "Zoe"}, 400, "bad_field"),
    ({"text": "a", "ref": {}}, 400, "bad_field"),
    ("a", 400, "bad_field"),
]


@pytest.mark.parametrize(("body", "status", "code"), HOSTILE)
async def test_what_no_visitor_may_write_is_refused_by_name(desk: Site, body: Any, status: int, code: str):
    async with desk.client() as client:
        problem(await client.post(HALL, json={"name": "Zoe", **body} if isinstance(body, dict) else body), status, code)
    assert (await desk.house.store.tallies("hall")).total.messages == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"text": "\xff\xfe"}', "bad_json"),
        ('{"text": "oui"}'.encode("utf-16"), "bad_json"),
        (b'{"text": "\\ud800"}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"a":' * 50_000, "bad_json"),
        (b"", "bad_json"),
    ],
)
async def test_bytes_that_are_no_json_are_refused_and_nothing_breaks(desk: Site, raw: bytes, code: str):
    async with desk.client() as client:
        refused = await client.post(HALL, content=raw, headers={"Content-Type": "application/json"})
        assert refused.json()["code"] in {code, "bad_field"}
        assert refused.status_code == 400
        assert (await ask(client)).status_code == 202


async def test_rooms_that_take_nothing_say_so(desk: Site):
    async with desk.client() as client:
        problem(await ask(client, path="/v1/rooms/stage/submissions"), 400, "submissions_closed")
        problem(await ask(client, path="/v1/rooms/nowhere/submissions"), 404, "room_not_found")


async def test_a_forged_or_borrowed_cookie_is_nobodys(desk: Site):
    async with desk.client() as client:
        for forged in ("x", "a.b.c", desk.token("moderator"), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ6In0."):
            cookie = {"Cookie": f"fanout_visitor={forged}"}
            assert (await client.get(f"{HALL}/mine", headers=cookie)).json()["submissions"] == []
            problem(await client.get(HALL, headers=cookie), 401, "token_missing")
            sent = await client.post(HALL, headers=cookie, json={"text": "a", "name": "Zoe"})
            assert sent.status_code == 202
            assert "set-cookie" in sent.headers
            client.cookies.clear()


async def test_another_sites_page_does_not_speak_in_a_visitors_name(desk: Site):
    async with desk.client() as client:
        id = (await ask(client)).json()["id"]
        elsewhere = {"Origin": "https://elsewhere.example"}
        problem(await client.get(f"/v1/submissions/{id}", headers=elsewhere), 404, "submission_not_found")
        here = {"Origin": f"http://127.0.0.1:{desk.port}"}
        assert (await client.get(f"/v1/submissions/{id}", headers=here)).status_code == 200


def from_address(address: str) -> Request:
    client = (address, 0) if address else None
    return Request({"type": "http", "path": "/", "scheme": "http", "headers": [], "client": client})


async def test_one_address_does_not_make_people_without_end(desk: Site):
    now = [0.0]
    visitors = Visitors(desk.tokens, Callers(desk.tokens, desk.house.names), desk.house.names, lambda: now[0])
    made = {visitors.welcome(from_address("192.0.2.1")).principal.subject for _ in range(IDENTITIES_AT_ONCE)}
    assert len(made) == IDENTITIES_AT_ONCE
    with pytest.raises(TooSoon) as refusal:
        visitors.welcome(from_address("::ffff:192.0.2.1"))
    now[0] += refusal.value.after_s
    visitors.welcome(from_address("192.0.2.1"))
    for host in range(IDENTITIES_AT_ONCE):
        visitors.welcome(from_address(f"2001:db8::{host:x}"))
    with pytest.raises(TooSoon):
        visitors.welcome(from_address("2001:db8::ffff"))
    visitors.welcome(from_address("2001:db8:0:1::1"))


async def test_visitors_through_a_unix_socket_are_not_taken_for_one(desk: Site):
    visitors = Visitors(desk.tokens, Callers(desk.tokens, desk.house.names), desk.house.names, lambda: 0.0)
    for _ in range(2 * IDENTITIES_AT_ONCE):
        visitors.welcome(from_address(""))


async def test_a_client_without_cookies_is_given_its_identity_as_a_token(desk: Site):
    async with desk.client() as client:
        made = (await client.post("/v1/visitors", json={"name": "Zoe"})).json()
        client.cookies.clear()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        sent = await client.post(HALL, headers=bearer, json={"text": "When?"})
        assert sent.json()["name"] == "Zoe"
        assert "set-cookie" not in sent.headers
        assert (await client.post("/v1/visitors", headers=bearer, json={})).json() == made
        problem(await client.post("/v1/visitors", json={"name": "ann moreau"}), 400, "name_reserved")


async def test_an_author_takes_back_what_is_theirs_and_nothing_else(desk: Site):
    async with desk.client() as client, desk.client() as stranger:
        decisions = f"/v1/submissions/{(await ask(client)).json()['id']}/decisions"
        problem(await stranger.post(decisions, json={"action": "withdraw"}), 404, "submission_not_found")
        problem(await client.post(decisions, json={"action": "approve"}), 401, "token_missing")
        assert (await client.post(decisions, json={"action": "withdraw"})).json()["state"] == "withdrawn"
        problem(await client.post(decisions, json={"action": "withdraw"}), 409, "already_decided")
        other = (await ask(client, "How?")).json()["id"]
        await client.post(
            f"/v1/submissions/{other}/decisions",
            headers=desk.headers("moderator", name="Ann"),
            json={"action": "reject"},
        )
        late = await client.post(f"/v1/submissions/{other}/decisions", json={"action": "withdraw"})
        assert problem(late, 409, "already_decided")["detail"] == "This is rejected already."  # not by whom


async def test_with_the_store_broken_visitors_are_told_to_come_back(desk: Site):
    desk.house.store.broken = True  # type: ignore[attr-defined]
    async with desk.client() as client:
        refused = await ask(client)
        problem(refused, 503, "store_unavailable")
        assert int(refused.headers["retry-after"]) >= 1


async def test_the_queue_is_filtered_and_paged(desk: Site):
    moderator = desk.headers("moderator")
    async with desk.client() as client:
        for number in range(5):
            await ask(client, f"Question {number}")
        await client.post(HALL, headers=desk.headers("gateway"), json=[{"text": "By letter", "id": "1"}] * 3)
        seen: list[str] = []
        after = 0
        while page := (await client.get(HALL, headers=moderator, params={"after": after, "limit": 2})).json():
            if not page["submissions"]:
                break
            seen += [one["text"] for one in page["submissions"]]
            after = page["next"]
        assert seen == [*(f"Question {number}" for number in range(5)), "By letter"]

        async def found(**params: Any) -> int:
            return len((await client.get(HALL, headers=moderator, params=params)).json()["submissions"])

        assert [await found(source="api"), await found(source=["web", "api"]), await found(source="web,api")] == [
            1,
            6,
            6,
        ]
        assert [await found(search="question 3"), await found(state="aired"), await found(state="held")] == [1, 0, 6]
        assert await found(since="2100-01-01T00:00:00Z") == 0
        for params in ({"state": "lost"}, {"after": "-1"}, {"since": "today"}, {"search": "x" * 1000}):
            assert (await client.get(HALL, headers=moderator, params=params)).status_code == 400, params


async def test_a_house_hands_in_for_others_and_repeats_count_once(desk: Site):
    gateway = desk.headers("gateway")
    items = [{"text": f"Letter {n}", "id": str(n), "person": f"reader-{n % 2}", "name": "Ann Moreau"} for n in range(4)]
    async with desk.client() as client:
        sent = await client.post(HALL, headers=gateway, json=[*items, items[0]])
        assert (sent.status_code, sent.json()) == (202, {"accepted": 4, "repeated": 1})
        problem(await client.post(HALL, headers=gateway, json=items * 2_501), 413, "batch_too_long")
        problem(await client.post(HALL, json=items), 401, "token_missing")
    tallies = await desk.house.store.tallies("hall")
    assert (tallies.total.messages, tallies.total.people) == (4, 2)
    [first, *_] = await desk.house.store.page(Query(room="hall"))
    assert first.name == ""
