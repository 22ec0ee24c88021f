"""A real server of several processes, and what is done to them one by one."""

from __future__ import annotations

import json
import os
import re
import select
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import trio

from fanout.client import Publisher, open_publisher
from fanout.core.principal import Role
from fanout.server.edge_share import NUMBERS
from fanout.web.tokens import Tokens
from fanout.wire.rendered import Format
from tests.edge.listener import Listener, handshake
from tests.server_process import SECRET, ServerProcess

SECONDS = 120
"""How long a test may take on a machine that is busy."""


def token(role: str = "operator", subject: str = "", name: str = "") -> str:
    """A token for every room."""
    more = {"subject": subject} if subject else {}
    return Tokens(SECRET.encode()).issue(Role(role), ["*"], ttl=3600, name=name, **more)


AS_MODERATOR = {"Authorization": f"Bearer {token('moderator', name='Ann')}"}


class Patient(Listener):
    """One who is told on top, in `notices`, that the engine is away or back: how long that takes is the machine's."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__(stream, Format.JSON)
        self.notices: list[str] = []

    async def item(self) -> dict[str, Any]:
        while (item := await super().item())["type"] == "notice":
            self.notices.append(item["code"])
        return item


class Fleet:
    """One server. `http` and `publisher` ask it as an operator, each on a connection that it keeps."""

    def __init__(self, server: ServerProcess, http: httpx.AsyncClient, publisher: Publisher) -> None:
        self.server = server
        self.http = http
        self.publisher = publisher
        self.streams: list[trio.abc.Stream] = []

    # --- processes ----------------------------------------------------------------------------------------------------

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """What the processes have logged of this so far."""
        lines = [json.loads(line) for line in self.server.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event and fields.items() <= line.items()]

    async def logs(self, event: str, *, times: int = 1, **fields: object) -> list[dict[str, Any]]:
        """The same, once there are so many."""
        news = self.server._news

        def wait() -> bool:
            with news:
                return news.wait_for(lambda: len(self.logged(event, **fields)) >= times, SECONDS)

        assert await trio.to_thread.run_sync(wait), f"no {event} {fields}:\n{self.server.log}"
        return self.logged(event, **fields)

    def pid(self, process: str) -> int:
        """The process that has this name now."""
        edges = {line["process"]: line["pid"] for line in self.logged("edge_joined")}
        if process != "engine":
            return edges[process]
        (pid,) = set(self.server.children()) - {line["pid"] for line in self.logged("edge_joined")}
        return pid

    def kill(self, process: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one of them; its number."""
        pid = self.pid(process)
        os.kill(pid, number)
        return pid

    # --- people -------------------------------------------------------------------------------------------------------

    async def connect(self) -> trio.abc.Stream:
        """A connection with nothing said yet; it is closed at the end."""
        self.streams.append(await trio.open_tcp_stream("127.0.0.1", self.server.port))
        return self.streams[-1]

    async def websocket(self, query: str = "room=stage", subject: str = "") -> Patient:
        """Somebody who listens, wherever the kernel puts them."""
        stream = await self.connect()
        if subject:
            query += f"&token={token('visitor', subject)}"
        await stream.send_all(handshake(query))
        listener = Patient(stream)
        await listener.upgraded()
        return listener

    async def at(self, edge: int, query: str = "room=stage", subject: str = "") -> Patient:
        """Somebody who listens at the edge of this number (from 1), welcome taken."""
        while True:
            listener = await self.websocket(query, subject)
            first = await listener.item()  # another edge may have no room for it just now, and say goodbye
            if first["type"] == "welcome" and edge_of(first["listener"]) == edge:
                listener.welcome = first
                return listener
            await listener.aclose()

    async def publish(self, *texts: str, room: str = "stage", **more: Any) -> list[str]:
        """Publish as somebody does who tries again until it is acknowledged; the ids."""
        return [(await self.publisher.publish(room, text, **more)).id for text in texts]

    async def metric(self, sample: str) -> float:
        """One sample, as it would be written: `fanout_listeners{transport="websocket"}`."""
        text = (await self.http.get("/metrics")).text
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return 0.0 if found is None else float(found[1])

    async def metric_is(self, sample: str, wanted: Callable[[float], bool]) -> None:
        """Wait until it is so."""
        while not wanted(await self.metric(sample)):  # noqa: ASYNC110  # it is another process's
            await trio.sleep(0.02)

    async def readyz(self, wanted: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
        """The answer of `/readyz`, once it is as wanted."""
        while True:
            with suppress(httpx.TransportError):
                answer = await self.http.get("/readyz", headers={"Connection": "close"})
                if wanted(answer.status_code, answer.json()):
                    return answer.json()
            await trio.sleep(0.02)


def edge_of(listener: str) -> int:
    """The number, from 1, of the edge that has called a listener so."""
    return int(listener.removeprefix("l"), 16) // NUMBERS + 1


@asynccontextmanager
async def opened(server: ServerProcess, **options: Any) -> AsyncIterator[Fleet]:
    """This server, for so long as a test may take."""
    headers = {"Authorization": f"Bearer {token()}"}
    with trio.fail_after(SECONDS):
        async with (
            httpx.AsyncClient(base_url=server.url, headers=headers, timeout=SECONDS, **options) as http,
            open_publisher(server.url, token=token(), ssl_context=options.get("verify")) as publisher,
        ):
            fleet = Fleet(server, http, publisher)
            try:
                yield fleet
            finally:
                for stream in fleet.streams:
                    await trio.aclose_forcefully(stream)


async def ended(*pids: int) -> None:
    """Wait until these processes have ended."""
    for pid in pids:
        try:
            watch = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            await trio.to_thread.run_sync(select.select, [watch], [], [], SECONDS)
        finally:
            os.close(watch)
        assert _is_over(pid), f"{pid} is still there"


def _is_over(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
