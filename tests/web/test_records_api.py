"""Transcripts over HTTP: as things stand when they are asked for, and nothing of what was taken back."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import trio

from fanout.core.say import Say
from tests.web.site import Site

TRANSCRIPT = "/v1/rooms/hall/transcript"


async def test_what_was_taken_back_is_in_no_transcript_from_then_on(desk: Site):
    [message] = await desk.engine.room("hall").publish_all([Say("A slip of the tongue.")])
    async with desk.client() as client:
        for format in ("html", "md", "json", "csv", "txt"):
            assert "slip" in (await client.get(TRANSCRIPT, params={"format": format})).text
        gone = await client.delete(f"/v1/rooms/hall/messages/{message.id}", headers=desk.headers("moderator"))
        assert gone.status_code == 200
        for format in ("html", "md", "json", "csv", "txt"):
            assert "slip" not in (await client.get(TRANSCRIPT, params={"format": format})).text


async def test_a_crowd_that_asks_at_once_gets_the_same_bytes(desk: Site):
    await desk.engine.room("hall").publish_all([Say(f"Line {number}") for number in range(50)])
    bodies: set[bytes] = set()
    async with desk.client() as client, trio.open_nursery() as nursery:

        async def ask() -> None:
            bodies.add((await client.get(TRANSCRIPT)).content)

        for _ in range(20):
            nursery.start_soon(ask)
    assert len(bodies) == 1


async def test_the_language_is_the_readers(desk: Site):
    async with desk.client() as client:
        french = (await client.get(TRANSCRIPT, headers={"Accept-Language": "fr"})).text
        assert french == (await client.get(TRANSCRIPT, params={"language": "fr"})).text
        assert french != (await client.get(TRANSCRIPT, headers={"Accept-Language": "de"})).text


async def test_the_tallies_count_messages_and_people_apart(desk: Site):
    sms = [{"id": str(n), "from": f"+3361234567{n % 2}", "text": "oui"} for n in range(5)]
    async with desk.client() as client:
        await client.post("/v1/sms", params={"room": "hall"}, headers=desk.headers("gateway"), json=[*sms, sms[0]])
        body = {"text": "When?", "name": "Zoe"}
        await client.post("/v1/rooms/hall/submissions", json=body)
        tallies = (await client.get("/v1/rooms/hall/tallies", headers=desk.headers("moderator"))).json()
    assert (tallies["messages"], tallies["people"]) == (6, 3)
    assert tallies["by_source"]["sms"] == {"messages": 5, "people": 2}
    assert tallies["by_source"]["web"] == {"messages": 1, "people": 1}


async def test_a_browser_may_use_the_style_sheet_of_a_transcript_and_nothing_else(desk: Site):
    """Of two policies both hold: that of the document is worth nothing where the answer's allows less."""
    await desk.engine.room("hall").publish_all([Say("Good evening.")])
    async with desk.client() as client:
        for view in ("public", "internal"):
            shown = await client.get(TRANSCRIPT, params={"view": view}, headers=desk.headers("operator"))
            [style] = re.findall(r"<style>(.*?)</style>", shown.text, re.DOTALL)
            digest = b64encode(sha256(style.encode()).digest()).decode()
            policy = shown.headers["content-security-policy"].split("; ")
            assert policy == [
                "default-src 'none'", f"style-src 'sha256-{digest}'", "frame-ancestors 'none'", "sandbox",
            ]  # fmt: skip
        plain = await client.get(TRANSCRIPT, params={"format": "csv"})
        assert "style-src" not in plain.headers["content-security-policy"]
