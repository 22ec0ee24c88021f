"""Rooms and messages over HTTP, through a real socket."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from fanout.core.limits import MAX_BATCH_MESSAGES, MAX_TEXT_BYTES
from fanout.core.message import Author
from fanout.core.say import Say
from tests.web.site import Site

MESSAGES = "/v1/rooms/stage/messages"


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in a response, which must be this one and complete (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert (response.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["title"]
    assert found["detail"]
    return found


async def test_a_published_message_is_in_the_history(site: Site) -> None:
    async with site.client() as client:
        said = await client.post(
            MESSAGES,
            headers=site.headers("guest"),
            json={"text": "Bonsoir", "kind": "answer", "data": {"n": 1}, "unknown": True},
        )
        assert said.status_code == 201
        history = (await client.get(MESSAGES)).json()
    [message] = history["messages"]
    assert (message["id"], message["position"]) == (said.json()["id"], said.json()["position"])
    assert message["author"] == {"name": "", "role": "guest"}
    assert (message["text"], message["kind"], message["data"]) == ("Bonsoir", "answer", {"n": 1})
    assert history["next"] == message["position"]


async def test_the_author_is_the_tokens_whatever_the_body_says(site: Site) -> None:
    async with site.client() as client:
        headers = {"Authorization": f"Bearer {site.token('scribe', name='Anna')}"}
        await client.post(MESSAGES, headers=headers, json={"text": "a", "author": {"name": "The Mayor"}})
        [message] = (await client.get(MESSAGES)).json()["messages"]
    assert message["author"] == {"name": "Anna", "role": "scribe"}


async def test_nobody_puts_other_words_in_a_visitor_s_mouth(site: Site) -> None:
    stage = site.engine.room("stage")
    asked = await stage.publish("Why?", author=Author("Tom", "visitor"), kind="question")
    async with site.client() as client:
        headers = site.headers("guest", name="Ada")
        said = (await client.post(MESSAGES, headers=headers, json={"text": "Becuase.", "re": asked.id})).json()["id"]
        fix = {"text": "Because.", "kind": "correction", "re": said}
        words = {"text": "Why not!", "kind": "correction", "re": asked.id}
        problem(await client.post(MESSAGES, headers=headers, json=[fix, words]), 400, "not_correctable")
        assert (await client.post(MESSAGES, headers=headers, json=fix)).status_code == 201
        elsewhere = fix | {"re": "aaaaaaaaaaaa"}
        assert (await client.post(MESSAGES, headers=headers, json=elsewhere)).status_code == 201
        assert "not!" not in (await client.get(MESSAGES)).text


async def test_a_list_is_published_whole_with_consecutive_positions_or_not_at_all(site: Site) -> None:
    async with site.client() as client:
        headers = site.headers("publisher")
        several = (await client.post(MESSAGES, headers=headers, json=[{"text": "1"}, {"text": "2"}])).json()
        assert [receipt["position"].partition(":")[2] for receipt in several] == ["1", "2"]
        refused = await client.post(MESSAGES, headers=headers, json=[{"text": "3"}, {"text": "bell \x07"}])
        problem(refused, 400, "bad_text")
        assert len((await client.get(MESSAGES)).json()["messages"]) == 2


async def test_the_same_key_and_content_publish_once_and_other_content_is_a_conflict(site: Site) -> None:
    async with site.client() as client:
        headers = site.headers("publisher", **{"Idempotency-Key": "k-1"})
        first = await client.post(MESSAGES, headers=headers, json={"text": "once"})
        again = await client.post(MESSAGES, headers=headers, json={"text": "once"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        problem(await client.post(MESSAGES, headers=headers, json={"text": "other"}), 409, "idempotency_key_reused")
        assert len((await client.get(MESSAGES)).json()["messages"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b'{"text":"\\ud800"}', 400, None),
        (b'{"text":"a"} x', 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_field"),
        (b'{"text":"a","data":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, 400, None),
        (b"7", 400, "bad_field"),
        (b"{}", 400, "bad_field"),
        (b'{"text":7}', 400, "bad_field"),
        (b'{"text":"a","data":[]}', 400, "bad_field"),
        (b'{"text":"a","re":7}', 400, "bad_field"),
        (b'{"text":"a","data":{"n":1e999}}', 400, None),
        (b'{"text":"a","data":{"n":' + b"9" * 5000 + b"}}", 400, None),
        (b"[]", 400, "batch_empty"),
        (b'{"text":""}', 400, "text_empty"),
        (b'{"text":"a\\u0000b"}', 400, "bad_text"),
        (b'{"text":"a","kind":"<b>"}', 400, "bad_kind"),
        (b'{"text":"a","re":"../x"}', 400, "bad_re"),
        (json.dumps({"text": "x" * (MAX_TEXT_BYTES + 1)}).encode(), 413, "text_too_long"),
        (json.dumps([{"text": "x"}] * (MAX_BATCH_MESSAGES + 1)).encode(), 413, "batch_too_long"),
    ],
)
async def test_a_bad_message_is_refused_with_what_is_wrong(
    site: Site, body: bytes, status: int, code: str | None
) -> None:
    async with site.client() as client:
        headers = site.headers("publisher", **{"Content-Type": "application/json"})
        refused = await client.post(MESSAGES, headers=headers, content=body)
        problem(refused, status, code or refused.json()["code"])
        assert (await client.get(MESSAGES)).json()["messages"] == []


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_a_body_of_another_type_is_415(site: Site, media_type: str) -> None:
    async with site.client() as client:
        headers = site.headers("publisher", **({"Content-Type": media_type} if media_type else {}))
        problem(await client.post(MESSAGES, headers=headers, content=b"{}"), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "token_missing"),
        ("Bearer rubbish", 401, "token_refused"),
        ("Basic YTpi", 401, "token_refused"),
        ("Bearer", 401, "token_refused"),
        ("gateway", 403, "role_refused"),
        ("other room", 403, "role_refused"),
    ],
)
async def test_who_may_not_publish_is_told_why_and_nothing_is_published(
    site: Site, authorization: str | None, status: int, code: str
) -> None:
    written = {
        "gateway": f"Bearer {site.token('gateway')}",
        "other room": f"Bearer {site.token('publisher', ('salle',))}",
    }.get(authorization or "", authorization)
    async with site.client() as client:
        headers = {} if written is None else {"Authorization": written}
        refused = await client.post(MESSAGES, headers=headers, json={"text": "no"})
        problem(refused, status, code)
        assert ("www-authenticate" in refused.headers) == (status == 401)
        assert (await client.get(MESSAGES)).json()["messages"] == []


async def test_a_session_cookie_changes_nothing_because_another_sites_page_would_bring_it_too(site: Site) -> None:
    async with site.client(cookies={"fanout_session": site.token("operator")}) as client:
        problem(await client.post(MESSAGES, json={"text": "no"}), 401, "token_missing")
        problem(await client.put("/v1/rooms/new", json={}), 401, "token_missing")
        problem(await client.delete(f"{MESSAGES}/abcdefghijkl"), 401, "token_missing")


async def test_a_retracted_text_is_handed_out_no_more(site: Site) -> None:
    async with site.client() as client:
        said = (await client.post(MESSAGES, headers=site.headers(), json={"text": "slander"})).json()
        address = f"{MESSAGES}/{said['id']}"
        problem(await client.delete(address, headers=site.headers("publisher")), 403, "role_refused")
        taken_back = await client.delete(address, headers=site.headers("moderator"))
        assert (taken_back.status_code, taken_back.json()["target"]) == (200, said["id"])
        again = await client.delete(address, headers=site.headers("moderator"))
        assert again.json() == taken_back.json(), "taking back twice is one retraction"
        history = (await client.get(MESSAGES)).json()
        assert "slander" not in json.dumps(history)
        assert history["messages"][0]["retracted"] is True
        missing = await client.delete(f"{MESSAGES}/aaaaaaaaaaaa", headers=site.headers("moderator"))
        problem(missing, 404, "message_not_found")


async def test_history_comes_in_pages_that_lead_on_to_the_end(site: Site) -> None:
    await site.engine.room("stage").publish_all([_say(number) for number in range(7)])
    seen: list[str] = []
    async with site.client() as client:
        after = {}
        while (page := (await client.get(MESSAGES, params={"limit": 3} | after)).json())["messages"]:
            seen += [message["text"] for message in page["messages"]]
            after = {"after": page["next"]}
        assert page["next"] == after["after"], "an empty page leads to where it began, so that polling goes on"
    assert seen == [str(number) for number in range(7)]


async def test_a_page_of_very_long_messages_ends_early_and_leads_on(site: Site) -> None:
    room = site.engine.room("stage")
    for _ in range(2):
        await room.publish_all([_say("x" * MAX_TEXT_BYTES) for _ in range(50)])
    async with site.client() as client:
        first = (await client.get(MESSAGES, params={"limit": 1000})).json()
        second = (await client.get(MESSAGES, params={"limit": 1000, "after": first["next"]})).json()
    assert len(first["messages"]) == 64
    assert len(second["messages"]) == 36


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("after=rubbish", 400, "bad_position"),
        ("after=", 400, "bad_position"),
        ("after=zzzz:0", 409, "epoch_changed"),
        ("after={epoch}:5", 409, "epoch_changed"),
        ("after={epoch}:-1", 400, "bad_position"),
        ("after={epoch}:" + "9" * 400, 400, "bad_position"),
        ("after={epoch}:0&after={epoch}:0", 400, "bad_query"),
        ("limit=0", 400, "bad_limit"),
        ("limit=-1", 400, "bad_limit"),
        ("limit=x", 400, "bad_limit"),
        ("limit=" + "9" * 5000, 400, "bad_limit"),
        ("limit=٣", 400, "bad_limit"),
    ],
)
async def test_a_bad_question_about_the_history_is_refused(site: Site, query: str, status: int, code: str) -> None:
    query = query.format(epoch=site.engine.room("stage").position.epoch)
    async with site.client() as client:
        problem(await client.get(f"{MESSAGES}?{query}"), status, code)


async def test_an_operator_creates_and_changes_a_room(site: Site) -> None:
    async with site.client() as client:
        created = await client.put(
            "/v1/rooms/salle.2", headers=site.headers(), json={"mode": "open", "capacity": 50, "follows": ["stage"]}
        )
        assert created.status_code == 201
        assert (created.json()["overflow"], created.json()["follows"]) == ("skip", ["stage"])
        changed = await client.put("/v1/rooms/salle.2", headers=site.headers(), json={"title": "Mairie <b>"})
        assert changed.status_code == 200
        assert (changed.json()["title"], changed.json()["mode"]) == ("Mairie <b>", "open")
        listed = (await client.get("/v1/rooms")).json()["rooms"]
    assert [room["name"] for room in listed] == ["salle.2", "stage"]
    assert (listed[1]["listeners"], listed[1]["visitors"]) == (5, 4)
    assert listed[1]["delivery_seconds"] == {"p50": 0.001, "p99": 0.025, "count": 100}


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("salle", {"mode": "loud"}, 400, "bad_mode"),
        ("salle", {"capacity": 0}, 400, "bad_capacity"),
        ("salle", {"capacity": "many"}, 400, "bad_field"),
        ("salle", {"follows": ["nowhere"]}, 422, "unknown_follow"),
        ("salle", {"follows": ["stage"] * 33}, 400, "too_many_follows"),
        ("-salle", {}, 400, "bad_room_name"),
        ("s%20alle", {}, 400, "bad_room_name"),
        ("s" * 65, {}, 400, "bad_room_name"),
    ],
)
async def test_a_room_that_can_not_be_so_is_refused(
    site: Site, name: str, body: dict[str, Any], status: int, code: str
) -> None:
    async with site.client() as client:
        problem(await client.put(f"/v1/rooms/{name}", headers=site.headers(), json=body), status, code)
        assert len((await client.get("/v1/rooms")).json()["rooms"]) == 1


async def test_only_an_operator_sets_rooms(site: Site) -> None:
    async with site.client() as client:
        problem(await client.put("/v1/rooms/new", headers=site.headers("moderator"), json={}), 403, "role_refused")


async def test_what_is_not_there_is_404_and_what_is_not_taken_405_with_what_is(site: Site) -> None:
    async with site.client() as client:
        problem(await client.get("/v1/rooms/nowhere"), 404, "room_not_found")
        problem(await client.get("/v1/rooms/nowhere/messages"), 404, "room_not_found")
        nowhere = await client.post("/v1/rooms/nowhere/messages", headers=site.headers(), json={"text": "a"})
        problem(nowhere, 404, "room_not_found")
        problem(await client.get("/v1/nothing"), 404, "not_found")
        problem(await client.get("/v1/rooms/"), 404, "not_found")
        refused = await client.patch(MESSAGES, content=b"{}")
        problem(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "GET, POST, HEAD, OPTIONS"


async def test_other_origins_may_read_what_is_public_and_do_no_more(site: Site) -> None:
    origin = {"Origin": "https://partner.example"}
    async with site.client() as client:
        for path in ("/v1/rooms", "/v1/rooms/stage", MESSAGES, "/openapi.json", "/v1/rooms/nowhere"):
            read = await client.get(path, headers=origin)
            assert read.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in read.headers
        asked = await client.options(MESSAGES, headers=origin | {"Access-Control-Request-Method": "POST"})
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-methods"] == "GET, HEAD"
        assert asked.headers["access-control-allow-headers"] == "Last-Event-ID"
        written = await client.post(MESSAGES, headers=origin | site.headers(), json={"text": "a"})
        assert "access-control-allow-origin" not in written.headers


def _say(text: object) -> Say:
    return Say(str(text))


@pytest.mark.parametrize("path", ["/v1/ws", "/v1/rooms/stage/events"])
async def test_what_is_for_listeners_says_which_methods_it_takes(site: Site, path: str) -> None:
    async with site.client() as client:
        for method in ("POST", "HEAD", "DELETE"):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
        preflight = await client.options(path)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
