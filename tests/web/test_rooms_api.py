"""Rooms and messages over HTTP, through a real socket."""

from __future__ import annotations

from tests.web.site import Site


async def test_a_published_message_is_in_the_history(site: Site) -> None:
    async with site.client() as client:
        said = await client.post(
            "/v1/rooms/stage/messages",
            headers=site.headers("guest"),
            json={"text": "Bonsoir", "kind": "answer", "data": {"n": 1}, "unknown": True},
        )
        assert said.status_code == 201
        history = (await client.get("/v1/rooms/stage/messages")).json()
    [message] = history["messages"]
    assert (message["id"], message["position"]) == (said.json()["id"], said.json()["position"])
    assert message["author"] == {"name": "", "role": "guest"}
    assert (message["text"], message["kind"], message["data"]) == ("Bonsoir", "answer", {"n": 1})
    assert history["next"] == message["position"]
