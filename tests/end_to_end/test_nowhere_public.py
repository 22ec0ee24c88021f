"""What was taken back is nowhere public: at no address that anybody may read, in no way to listen, from the start or
from a position before it, in the room itself or in one that follows it; also after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

import httpx
import trio
from trio_websocket import open_websocket_url

from fanout.moderation.transcript import TranscriptFormat
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import SECRET, ServerProcess

BOTH_WAYS = True

SECRETS = ("zebulon", "wrongword", "firstwording", "lastwording")
"""The author's name, what was asked, what was answered, and its correction."""

STAYS = "goodword"
"""Said before and after: were it missing too, the test would have looked in the wrong places."""


class Site:
    """One server, as staff and as the public."""

    def __init__(self, url: str) -> None:
        self.url = url
        tokens = tokens_of(Config(secret=SECRET))
        self._staff = {"authorization": f"Bearer {tokens.issue('moderator', ['*'], name='Ann', ttl=600)}"}

    async def do(self, method: str, path: str, **body: object) -> dict:
        async with httpx.AsyncClient(base_url=self.url, headers=self._staff) as client:
            answer = await client.request(method, f"/v1/{path}", json=body or None)
            assert answer.status_code in (200, 201, 202), answer.text
            return answer.json()

    async def public(self, ids: list[str], before: str) -> AsyncIterator[tuple[str, bytes]]:
        """Whatever anybody gets, and where."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            paths = (await client.get("/openapi.json")).json()["paths"]
            for path in [path for path, operations in paths.items() if "get" in operations]:
                for one in self._addresses(path, ids):
                    if not path.endswith(("/events", "/ws")):
                        yield one, (await client.get(one)).content
            for room in ("salon", "foyer"):
                for format in TranscriptFormat:
                    where = f"/v1/rooms/{room}/transcript?format={format}"
                    yield where, (await client.get(where)).content
                for begin in ("last=1000", f"after={quote(before)}") if room == "salon" else ("last=1000",):
                    yield f"{room}: events {begin}", await self._events(f"/v1/rooms/{room}/events?{begin}")
                    socket_begin = begin.replace("after=", f"after={room}@")
                    for protocol in ("fanout.v1.json", "fanout.v1.msgpack"):
                        yield f"{room}: {protocol} {begin}", await self._websocket(room, socket_begin, protocol)

    def _addresses(self, path: str, ids: list[str]) -> list[str]:
        rooms = [path.replace("{room}", room) for room in ("salon", "foyer")] if "{room}" in path else [path]
        return [
            one.replace("{id}", id) for one in rooms for id in (ids if "{id}" in one else [""]) if "{name}" not in one
        ]

    async def _events(self, where: str) -> bytes:
        host, port = self.url.removeprefix("http://").split(":")
        said = b""
        with trio.fail_after(5):
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                await stream.send_all(f"GET {where} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                while b"the end" not in said:
                    said += await stream.receive_some()
        return said

    async def _websocket(self, room: str, begin: str, protocol: str) -> bytes:
        said = b""
        url = f"{self.url.replace('http', 'ws')}/v1/ws?room={room}&{begin}"
        with trio.fail_after(5):
            async with open_websocket_url(url, subprotocols=[protocol]) as socket:
                while b"the end" not in said:
                    message = await socket.get_message()
                    said += message if isinstance(message, bytes) else message.encode()
        return said


async def test_what_was_taken_back_is_nowhere_public(start_server: Callable[..., ServerProcess]):
    rooms = ("--room", "salon:moderated", "--room", "foyer:moderated")
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "data", *rooms))
    site = Site(server.url)
    tokens = tokens_of(Config(secret=SECRET))
    async with httpx.AsyncClient(
        base_url=server.url, headers={"authorization": f"Bearer {tokens.issue('operator', ['*'], ttl=600)}"}
    ) as operator:
        await operator.put("/v1/rooms/foyer", json={"follows": ["salon"]})
    before = (await site.do("POST", "rooms/salon/messages", text=f"{STAYS} to begin with"))["position"]
    async with httpx.AsyncClient(base_url=server.url) as visitor:
        asked = await visitor.post("/v1/rooms/salon/submissions", json={"text": "Why wrongword?", "name": "Zebulon"})
        submission = asked.json()["id"]
    await site.do("POST", f"submissions/{submission}/decisions", action="approve")
    question = (await site.do("POST", f"submissions/{submission}/decisions", action="air"))["message"]
    lines = f"submissions/{submission}/lines"
    answer = (await site.do("PUT", f"{lines}/a", text="Because firstwording.", final=True))["id"]
    corrected = (await site.do("POST", f"rooms/salon/messages/{answer}/corrections", text="Because lastwording."))["id"]
    await site.do("POST", "rooms/salon/messages", text=f"{STAYS}, the end")
    ids = [submission, question, answer, corrected]

    async def found(word: str) -> set[str]:
        return {where async for where, content in site.public(ids, before) if word.encode() in content.lower()}

    shown = {word: await found(word) for word in (*SECRETS, STAYS)}
    assert all(len(places) >= 11 for places in shown.values()), {word: len(places) for word, places in shown.items()}
    await site.do("DELETE", f"rooms/salon/messages/{question}")
    await site.do("DELETE", f"rooms/salon/messages/{answer}")
    for word in SECRETS:
        assert await found(word) == set()
    assert await found(STAYS) == shown[STAYS]

    await trio.to_thread.run_sync(server.terminate)
    site.url = (await trio.to_thread.run_sync(lambda: start_server("--data", "data"))).url
    for word in SECRETS:
        assert await found(word) == set()
    assert await found(STAYS) == shown[STAYS]
