"""The people of a scripted evening, each over HTTP and WebSocket alone. A call that a break swallowed is made again,
once the house is open again: that it is then done once is what the evening is to show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx
import trio

from fanout.client import NotConfirmed, open_client
from fanout.client.client import Client
from fanout.core.message import Message

ROOM = "salon"
LOOKED_AT = 300
"""Of the imported questions and of the SMS, so many are decided on; nobody reads sixteen thousand."""


class House:
    """The server's address, and whether it is open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.open = trio.Event()
        self.open.set()
        self.decided: dict[str, str] = {}
        """Who decided on which submission."""


class Body(httpx.AsyncByteStream):
    """What is sent, all at once. httpx makes an async generator of it, and leaves that to the garbage collector when
    the connection breaks meanwhile."""

    def __init__(self, content: bytes) -> None:
        self._left = [content] if content else []

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class Person:
    """Somebody with a token, or a visitor with a cookie."""

    def __init__(self, house: House, name: str, token: str | None = None) -> None:
        self.house, self.name, self.token = house, name, token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=house.url, headers=headers, timeout=30)

    async def __aenter__(self) -> Person:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self._http.__aexit__(*problem)  # type: ignore[arg-type]

    async def ask(self, method: str, path: str, json: object = None) -> tuple[httpx.Response, bool]:
        """The answer, and whether the question had to be asked again: then the first one may have been heard too."""
        again = False
        while True:
            try:
                await self.house.open.wait()
                request = self._http.build_request(method, f"/v1/{path}", json=json)
                request.stream = Body(request.content)
                answer = await self._http.send(request)
                if answer.status_code != 503:
                    return answer, again
            except httpx.TransportError:
                pass
            again = True

    async def get(self, path: str) -> dict:
        answer, _ = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, method: str, path: str, json: object = None) -> dict:
        answer, _ = await self.ask(method, path, json)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    async def decide(self, submission: str, action: str, **more: object) -> bool:
        """Whether it was we who did it."""
        answer, again = await self.ask("POST", f"submissions/{submission}/decisions", {"action": action, **more})
        if answer.status_code == 409 and again:
            history = (await self.get(f"submissions/{submission}/history"))["entries"]
            return any(entry["action"] == action and entry["by"].startswith(self.name) for entry in history)
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200

    @asynccontextmanager
    async def follow(self, room: str) -> AsyncIterator[Client]:
        async with open_client(self.house.url, rooms=[room], token=self.token, last=1000) as client:
            yield client


# --- what each does --------------------------------------------------------------------------------------------------


async def moderate(moderator: Person, candidates: int) -> None:
    """Approve every tenth question and refuse the others, until all candidates have been decided on."""
    decided = moderator.house.decided
    async with moderator.follow(f"@desk/{ROOM}") as desk:
        await desk.wait_live()
        while len(decided) < candidates:
            found = 0
            for source in ("web", "sms", "import"):
                page = await moderator.get(f"rooms/{ROOM}/submissions?state=held&source={source}&limit=50")
                for submission in page["submissions"]:
                    if number_of(submission["text"]) < LOOKED_AT and await _decide(moderator, submission):
                        found += 1
            if not found and len(decided) < candidates:
                await anext(desk)  # nothing to do until something changes


async def _decide(moderator: Person, submission: dict) -> bool:
    taken, _ = await moderator.ask("POST", f"submissions/{submission['id']}/lease")
    if taken.status_code == 409:  # somebody else has it
        return False
    good = number_of(submission["text"]) % 10 == 0
    if good:
        ours = await moderator.decide(submission["id"], "approve")
    else:
        ours = await moderator.decide(submission["id"], "reject", reason="Asked already.")
    if not ours:  # decided on since the page was read; nobody should wait for us
        await moderator.do("DELETE", f"submissions/{submission['id']}/lease")
    else:
        other = moderator.house.decided.setdefault(submission["id"], moderator.name)
        assert other == moderator.name, "two have decided on the same one"
    return ours


async def animate(animator: Person, questions: int) -> None:
    """Cue what is approved, and air it in the order of the run sheet."""
    aired: set[str] = set()
    async with animator.follow(f"@desk/{ROOM}") as desk:
        await desk.wait_live()
        while len(aired) < questions:
            approved = await animator.get(f"rooms/{ROOM}/submissions?state=approved&limit=50")
            for submission in approved["submissions"]:
                await animator.decide(submission["id"], "cue")
            run_sheet = (await animator.get(f"rooms/{ROOM}/run-sheet"))["submissions"]
            before = len(aired)
            for submission in run_sheet:
                if await animator.decide(submission["id"], "air"):  # else a moderator has it in hand for a moment
                    aired.add(submission["id"])
            if len(aired) == before:
                await anext(desk)


async def take_down(scribe: Person, questions: int) -> None:
    """For each question on air two lines, the first drafted and later put right."""
    answered: set[str] = set()
    async with scribe.follow(ROOM) as stage:
        async for item in stage:
            if not isinstance(item, Message) or item.kind != "question" or item.id in answered:
                continue
            lines = f"submissions/{item.data['submission']}/lines"
            await scribe.do("PUT", f"{lines}/a", {"text": "On 1 Ju"})
            first = await scribe.do("PUT", f"{lines}/a", {"text": "On 1 June.", "final": True})
            await scribe.do("PUT", f"{lines}/b", {"text": f"So much for: {item.text}", "final": True})
            await scribe.do("POST", f"rooms/{ROOM}/messages/{first['id']}/corrections", {"text": "On 1 July."})
            answered.add(item.id)
            if len(answered) == questions:
                return


async def hand_in(gateway: Person, texts: Iterable[str]) -> None:
    """SMS in batches; each batch twice, as providers do that are not sure."""
    sms = [{"id": f"sms-{n}", "from": f"+336{n % 1500:08}", "text": text} for n, text in enumerate(texts)]
    for begin in range(0, len(sms), 200):
        batch = sms[begin : begin + 200]
        await gateway.do("POST", f"sms?room={ROOM}", batch)
        repeated = await gateway.do("POST", f"sms?room={ROOM}", batch)
        assert repeated == {"accepted": 0, "repeated": len(batch)}


async def ask_over_http(visitor: Person, texts: Iterable[str]) -> None:
    identity = await visitor.do("POST", "visitors", {})
    visitor._http.headers["authorization"] = f"Bearer {identity['token']}"
    for number, text in enumerate(texts):
        submission = {"text": text, "name": visitor.name, "ref": f"r{number}"}
        assert (await visitor.do("POST", f"rooms/{ROOM}/submissions", submission))["state"] == "held"


async def ask_over_websocket(visitor: Person, texts: Iterable[str]) -> None:
    visitor.token = (await visitor.do("POST", "visitors", {}))["token"]
    async with visitor.follow(ROOM) as client:
        for number, text in enumerate(texts):
            while True:
                try:
                    await client.submit(ROOM, text, name=visitor.name, ref=f"r{number}")
                    break
                except NotConfirmed:
                    continue


def number_of(text: str) -> int:
    """`SMS 17: …`: 17."""
    return int(text.split(":")[0].split()[1])
