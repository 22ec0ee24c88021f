"""A full disk and a locked database under a running server: publishing fails clearly, listening goes on, and the server
recovers by itself."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import trio

from fanout.client import Client, open_client
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import SECRET, ServerProcess

BOTH_WAYS = True

TOKEN = tokens_of(Config(secret=SECRET)).issue("operator", ["*"], ttl=3600)
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def _heard(server: ServerProcess) -> AsyncIterator[tuple[httpx.AsyncClient, Client]]:
    """Somebody who publishes, and somebody who listens."""
    with trio.fail_after(60):
        async with (
            httpx.AsyncClient(base_url=server.url, headers=HEADERS, timeout=30) as http,
            open_client(server.url, rooms=["stage"]) as listener,
        ):
            await listener.wait_live()
            yield http, listener


async def _publish(http: httpx.AsyncClient, text: str) -> httpx.Response:
    return await http.post("/v1/rooms/stage/messages", json={"text": text})


async def _is_refused(http: httpx.AsyncClient, answer: httpx.Response) -> None:
    """A clear problem, and a server that says that it is alive and not ready."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "log_unavailable"
    assert "nothing was published" in problem["detail"]
    assert (await http.get("/readyz")).status_code == 503
    assert (await http.get("/healthz")).status_code == 200


async def _is_ready(http: httpx.AsyncClient) -> None:
    """It finds out by itself, without anybody's message."""
    while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110  # the server is another process
        await trio.sleep(0.05)


async def _listener_noticed_nothing(http: httpx.AsyncClient, listener: Client, expected: list[str]) -> None:
    """It has everything that was acknowledged, nothing else, and is on the connection that it was on."""
    heard = [(await anext(listener)).text for _ in expected]
    assert heard == expected
    metrics = (await http.get("/metrics")).text
    assert "fanout_closes_total{" not in metrics
    joined = 'fanout_handshakes_total{result="accepted"} 1.0'
    assert joined in metrics, [line for line in metrics.splitlines() if "handshakes" in line]


async def test_a_full_disk_refuses_publications_and_nothing_else(start_server: Callable, small_disk: Path):
    server = start_server("--room", "stage:stage", "--data", str(small_disk / "data"))
    async with _heard(server) as (http, listener):
        said = ["before"]
        assert (await _publish(http, "before")).status_code == 201
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 1024):
                pass
        text = "x" * 3000
        while (answer := await _publish(http, text)).status_code == 201:  # until what SQLite holds in reserve is full
            said.append(text)
        await _is_refused(http, answer)
        assert (await http.get("/v1/rooms/stage/messages")).status_code == 200
        filler.unlink()
        await _is_ready(http)
        assert (await _publish(http, "after")).status_code == 201
        await _listener_noticed_nothing(http, listener, [*said, "after"])
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_a_locked_database_refuses_publications_and_nothing_else(start_server: Callable, tmp_path: Path):
    server = start_server("--room", "stage:stage", "--data", "data")
    async with _heard(server) as (http, listener):
        assert (await _publish(http, "before")).status_code == 201
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "log.sqlite3")) as stranger:
            stranger.execute("BEGIN EXCLUSIVE")
            await _is_refused(http, await _publish(http, "during"))
            assert (await http.get("/v1/rooms/stage/messages")).status_code == 200
        await _is_ready(http)
        assert (await _publish(http, "after")).status_code == 201
        await _listener_noticed_nothing(http, listener, ["before", "after"])
    assert server.terminate() == 0
    assert "Traceback" not in server.log
