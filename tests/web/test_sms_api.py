"""SMS by JSON and from a Kannel, through a real socket: kept before they are answered, once, and without a number."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
import trio

from fanout.core.submission import Submission
from fanout.moderation.ports import Query
from fanout.web.sms_api import MAX_SMS
from tests.web.site import Site
from tests.web.test_rooms_api import problem

NUMBER = "+33612345678"
SMS = {"id": "a-1", "from": NUMBER, "text": "oui", "to": "32000", "at": 1_086_199_200}


async def post(desk: Site, body: Any, room: str = "hall", **more: Any) -> httpx.Response:
    async with desk.client() as client:
        headers = more.get("headers", desk.headers("gateway"))
        return await client.post("/v1/sms", params={"room": room} if room else {}, headers=headers, json=body)


async def kannel(desk: Site, raw: bytes = b"oui", *, token: str | None = None, **more: str) -> httpx.Response:
    fields = {"room": "hall", "id": "k-1", "from": quote_from_bytes(NUMBER.encode()), "text": quote_from_bytes(raw)}
    fields |= {"token": desk.token("gateway") if token is None else token} | more
    query = "&".join(f"{name}={value}" for name, value in fields.items() if value)
    async with desk.client() as client:
        return await client.get(f"/v1/sms/kannel?{query}")


async def kept(desk: Site) -> list[Submission]:
    return await desk.house.store.page(Query(room="hall", limit=2000))


async def test_an_sms_is_kept_and_a_repeat_counts_once(desk: Site):
    assert (await post(desk, SMS)).json() == {"accepted": 1, "repeated": 0}
    assert (await post(desk, [SMS, SMS | {"id": "a-2"}])).json() == {"accepted": 1, "repeated": 1}
    first, second = await kept(desk)
    assert (first.text, first.source, first.at) == ("oui", "sms", 1_086_199_200_000)
    assert first.person == second.person
    assert first.person.startswith("phone:")


async def test_the_same_number_written_otherwise_is_the_same_person(desk: Site):
    await post(desk, [SMS, SMS | {"id": "a-2", "from": "0033 6 12 34 56 78"}, SMS | {"id": "a-3", "from": "PROMO"}])
    first, second, third = await kept(desk)
    assert first.person == second.person
    assert third.person == ""


async def test_no_number_is_in_any_answer_or_log(desk: Site, capfd: pytest.CaptureFixture[str]):
    moderator = desk.headers("moderator")
    answers = [await post(desk, SMS), await kannel(desk, b"oui"), await kannel(desk, id="")]
    async with desk.client() as client:
        id = (await kept(desk))[0].id
        for path in (
            "/v1/rooms/hall/submissions",
            f"/v1/submissions/{id}",
            f"/v1/submissions/{id}/history",
            "/v1/rooms/hall/transcript?view=internal",
            "/metrics",
        ):
            answers += [await client.get(path, headers=moderator)]
    said = "".join(answer.text for answer in answers) + "".join(capfd.readouterr())
    assert "612345678" not in said
    assert "eyJ" not in said


async def test_a_thousand_are_taken_at_once_and_no_more(desk: Site):
    many = [SMS | {"id": str(n)} for n in range(MAX_SMS)]
    assert (await post(desk, many)).json() == {"accepted": MAX_SMS, "repeated": 0}
    problem(await post(desk, [*many, SMS]), 413, "batch_too_long")
    problem(await post(desk, [SMS] * 10_000), 413, "batch_too_long")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"from": NUMBER, "text": "oui"}, "bad_field"),
        (SMS | {"id": " "}, "sms_id_missing"),
        (SMS | {"from": ""}, "sms_sender_missing"),
        (SMS | {"from": "1" * 1000}, "bad_phone"),
        (SMS | {"id": "x" * 1000}, "bad_source_id"),
        (SMS | {"id": "a\nb"}, "bad_source_id"),
        (SMS | {"at": -1}, "bad_time"),
        (SMS | {"at": 1e300}, "bad_time"),
        (SMS | {"at": "yesterday"}, "bad_time"),
        (SMS | {"text": None}, "bad_field"),
        ([[SMS]], "bad_field"),
        ([SMS, {}], "bad_field"),
    ],
)
async def test_one_that_is_wrong_is_named_and_none_is_kept(desk: Site, body: Any, code: str):
    problem(await post(desk, body), 400, code)
    problem(await post(desk, [SMS, body] if isinstance(body, dict) else body), 400, code)
    assert await kept(desk) == []


async def test_only_a_gateway_hands_in_and_only_where_it_may(desk: Site):
    problem(await post(desk, SMS, headers={}), 401, "token_missing")
    problem(await post(desk, SMS, headers=desk.headers("moderator")), 403, "role_refused")
    elsewhere = {"Authorization": f"Bearer {desk.token('gateway', rooms=('foyer',))}"}
    problem(await post(desk, SMS, headers=elsewhere), 403, "role_refused")
    problem(await post(desk, SMS, room=""), 400, "sms_room_missing")
    problem(await post(desk, SMS, room="nowhere"), 404, "room_not_found")
    problem(await post(desk, SMS, room="stage"), 400, "submissions_closed")


async def test_what_kannel_hands_over_is_answered_with_nothing_once_it_is_kept(desk: Site):
    for _ in range(2):
        answer = await kannel(desk, "Étudiante à Noël".encode("utf-16-be"), coding="2", charset="UTF-16BE")
        assert (answer.status_code, answer.content) == (200, b"")
    [only] = await kept(desk)
    assert only.text == "Étudiante à Noël"


async def test_bytes_that_are_no_text_are_kept_as_far_as_they_go(desk: Site, capfd: pytest.CaptureFixture[str]):
    assert (await kannel(desk, b"oui \xff\xfe", charset="UTF-8")).status_code == 200
    assert (await kannel(desk, b"\xd8\x3d\x00", coding="2", id="k-2")).status_code == 200
    assert (await kannel(desk, b"a\x00\x1b[2Jb \xe2\x80\xae", id="k-3")).status_code == 200
    texts = [one.text for one in await kept(desk)]
    assert texts[0].startswith("oui \ufffd")
    assert "\ufffd" in texts[1]
    assert not set(texts[2]) & {"\x00", "\x1b", "\u202e"}
    assert "".join(capfd.readouterr()).count("sms_damaged") == 2


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"id": ""}, 400, "sms_id_missing"),
        ({"from": ""}, 400, "sms_sender_missing"),
        ({"room": ""}, 400, "sms_room_missing"),
        ({"room": "nowhere"}, 404, "room_not_found"),
        ({"token": ""}, 401, "token_missing"),
        ({"token": "a.b.c"}, 401, "token_refused"),
        ({"token": "%FF%FE"}, 400, "bad_query"),
    ],
)
async def test_a_gateway_that_is_set_up_wrongly_is_told_what_is_wrong(
    desk: Site, more: dict[str, str], status: int, code: str
):
    problem(await kannel(desk, **more), status, code)
    assert await kept(desk) == []


async def test_with_the_store_broken_the_gateway_is_asked_to_come_again(desk: Site):
    desk.house.store.broken = True  # type: ignore[attr-defined]
    problem(await kannel(desk), 503, "store_unavailable")
    problem(await post(desk, [SMS, SMS | {"id": "a-2"}]), 503, "store_unavailable")
    desk.house.store.broken = False  # type: ignore[attr-defined]
    assert (await kannel(desk)).status_code == 200
    assert [one.source_id for one in await kept(desk)] == ["k-1"]


async def test_a_telephone_that_is_banned_from_the_event_is_refused_in_every_room(desk: Site):
    await post(desk, SMS)
    [first] = await kept(desk)
    ban = {"target": first.person, "reason": "Enough."}
    async with desk.client() as client:
        answer = await client.post("/v1/rooms/*/bans", json=ban, headers=desk.headers("moderator"))
        assert answer.status_code == 201, answer.text
        await client.post("/v1/sms", params={"room": "foyer"}, headers=desk.headers("gateway"), json=SMS)
        other = SMS | {"id": "a-2", "from": "+33612345679"}
        await client.post("/v1/sms", params={"room": "foyer"}, headers=desk.headers("gateway"), json=other)
        while await desk.house.store.unreviewed(0, 1):
            await trio.lowlevel.checkpoint()
    banned, stranger = await desk.house.store.page(Query(room="foyer"))
    assert (banned.person, banned.state, banned.reason) == (first.person, "rejected", "Enough.")
    assert stranger.state == "aired"
