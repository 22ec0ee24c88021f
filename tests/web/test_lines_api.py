"""Answers over HTTP, and what nobody can put in their way."""

from __future__ import annotations

import httpx
import pytest

from tests.web.site import Site
from tests.web.test_rooms_api import problem
from tests.web.test_submissions_api import ask

MESSAGES = "/v1/rooms/hall/messages"


@pytest.fixture
async def client(desk: Site):
    async with desk.client() as client:
        yield client


async def on_air(desk: Site, client: httpx.AsyncClient) -> dict:
    """A question on air, as staff see it."""
    asked = (await ask(client)).json()["id"]
    for action in ("approve", "air"):
        decided = await client.post(
            f"/v1/submissions/{asked}/decisions", headers=desk.headers("moderator"), json={"action": action}
        )
    return decided.json()


async def said(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    history = (await client.get(MESSAGES)).json()["messages"]
    return [(message["kind"], message["text"]) for message in history if message["type"] == "message"]


async def raw_publication(desk: Site, key: str) -> bytes:
    """The answer to a publication under a key that no HTTP library would send."""
    head = f"POST {MESSAGES} HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nContent-Type: application/json\r\n"
    token = desk.headers("publisher")["Authorization"]
    raw = f'{head}Authorization: {token}\r\nIdempotency-Key: {key}\r\n\r\n{{"text":"a"}}'
    answer, _ = await desk.say_on(await desk.connect(), raw.encode())
    return answer


async def test_no_idempotency_key_that_somebody_has_used_is_in_the_way_of_an_answer_or_a_retraction(
    desk: Site, client: httpx.AsyncClient
):
    """Whoever publishes could know what the server's own publications are called by, and use the keys before it."""
    question = await on_air(desk, client)
    line = f"answer:{question['id']}:a"
    for key in (line, f"lines{line}", f"lines {line}", f"retract {question['message']}"):
        spoken = {"text": f"under {key}"}
        taken = await client.post(MESSAGES, headers=desk.headers("publisher", **{"Idempotency-Key": key}), json=spoken)
        assert taken.status_code == 201
    for key in (f"lines\n{line}", f"lines\x0b{line}"):
        assert not (await raw_publication(desk, key)).startswith(b"HTTP/1.1 201 ")
    final = {"text": "On 1 July.", "final": True}
    aired = await client.put(f"/v1/submissions/{question['id']}/lines/a", headers=desk.headers("scribe"), json=final)
    assert aired.status_code == 200, aired.text
    assert ("answer", "On 1 July.") in await said(client)
    gone = await client.delete(f"{MESSAGES}/{question['message']}", headers=desk.headers("moderator"))
    assert (gone.status_code, gone.json()["type"]) == (200, "retraction")


async def test_no_line_that_somebody_has_written_is_in_the_way_of_a_prepared_answer(
    desk: Site, client: httpx.AsyncClient
):
    question = await on_air(desk, client)
    animator = desk.headers("animator")
    await client.put("/v1/rooms/hall/prepared-answers/smic", headers=animator, json={"text": "On 1 July."})
    lines = f"/v1/submissions/{question['id']}/lines"
    other = {"text": "Something else.", "final": True}
    problem(await client.put(f"{lines}/prepared:smic", headers=animator, json=other), 400, "bad_line")
    assert (await client.put(f"{lines}/prepared-smic", headers=animator, json=other)).status_code == 200
    for _ in range(2):
        used = await client.post(
            f"/v1/submissions/{question['id']}/decisions",
            headers=animator,
            json={"action": "answer", "prepared": "smic"},
        )
        assert used.status_code == 200, used.text
    assert [text for kind, text in await said(client) if kind == "answer"] == ["Something else.", "On 1 July."]


async def test_who_writes_a_draft_is_told_what_visitors_see_of_it_and_may_take_it_back(
    desk: Site, client: httpx.AsyncClient
):
    question = await on_air(desk, client)
    scribe, line = desk.headers("scribe"), f"/v1/submissions/{question['id']}/lines/a"
    assert (await client.put(line, headers=scribe, json={"text": "On"})).json()["shown"] == "who"
    rule = await client.patch("/v1/rooms/hall/rules", headers=desk.headers("moderator"), json={"typing": "text"})
    assert rule.json()["typing"] == "text"
    assert (await client.put(line, headers=scribe, json={"text": "On 1"})).json()["shown"] == "text"
    problem(await client.delete(line), 401, "token_missing")
    assert (await client.delete(line, headers=scribe)).json() == {}
    assert (await client.get(f"/v1/submissions/{question['id']}/lines", headers=scribe)).json() == {"lines": []}
    await client.put(line, headers=scribe, json={"text": "On 1 July.", "final": True})
    problem(await client.delete(line, headers=scribe), 409, "line_is_final")
    bad = await client.patch("/v1/rooms/hall/rules", headers=desk.headers("moderator"), json={"typing": "all"})
    problem(bad, 400, "bad_rule")
    assert "typing" not in (await client.get("/v1/rooms/hall/rules")).json()
