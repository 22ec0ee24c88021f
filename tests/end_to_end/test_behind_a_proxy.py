"""The real server behind a real nginx and a real haproxy, each with the configuration that the documentation gives,
over TCP and over a Unix socket."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trio

from fanout.core.principal import Role
from fanout.web.tokens import Tokens
from fanout.wire.rendered import Format
from tests.components import component
from tests.edge.listener import Listener, handshake, sse_request
from tests.server_process import SECRET, ServerProcess

BOTH_WAYS = True

CONFIGS = Path(__file__).parents[2] / "docs" / "configs"
SECONDS = 20


@dataclass
class Proxied:
    """A server that is reached through `port` only."""

    server: ServerProcess
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def listener(
        self, format: Format, query: str = "", source: str = "127.0.0.1", *headers: str
    ) -> AsyncIterator[Listener]:
        with trio.socket.socket() as sock:
            await sock.bind((source, 0))
            await sock.connect(("127.0.0.1", self.port))
            stream = trio.SocketStream(sock)
            events = format is Format.EVENTS
            await stream.send_all(
                sse_request("stage", query, headers) if events else handshake(f"room=stage&{query}", format, headers)
            )
            yield await Listener(stream, format).upgraded()

    async def knows_who_is_there(self, listeners: int) -> None:
        """Wait until every edge knows of those whom another has let in: within a second."""
        while self.server.workers:
            async with httpx.AsyncClient(trust_env=False) as client:
                room = (await client.get(f"{self.url}/v1/rooms/stage")).json()
            if room["listeners"] == listeners:
                return

    async def publish(self, text: str) -> str:
        """Publish through the proxy; the position."""
        token = Tokens(SECRET.encode()).issue(Role.PUBLISHER, ["*"], ttl=600)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{self.url}/v1/rooms/stage/messages", json={"text": text}, headers={"Authorization": f"Bearer {token}"}
            )
        assert answer.status_code == 201, answer.text
        return answer.json()["position"]


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("nginx", "haproxy")])
def proxy(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["tcp", "unix"])
def proxied(
    request: pytest.FixtureRequest, proxy: str, start_server: Callable[..., ServerProcess]
) -> Iterator[Proxied]:
    """A server with two places for each address, behind the proxy."""
    with tempfile.TemporaryDirectory() as folder:  # short: a Unix socket's path has 107 bytes at most
        path = Path(folder) / "fanout.sock"
        where = ["--unix", str(path)] if request.param == "unix" else []
        server = start_server(
            "--memory",
            "--room",
            "stage:stage",
            "--trust-proxy",
            "--max-per-address",
            "2",
            "--drain-seconds",
            "1",
            *where,
        )
        port = _free_port()
        command = (_nginx if proxy == "nginx" else _haproxy)(Path(folder), port, path if where else server.port)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                _wait_for(port, process)
                yield Proxied(server, port)
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(400):
            assert process.poll() is None, process.communicate()[1]
            try:
                if client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            threading.Event().wait(0.025)
    raise AssertionError("the proxy does not let anything through")


def _nginx(folder: Path, port: int, upstream: Path | int) -> list[str]:
    server = f"unix:{upstream}" if isinstance(upstream, Path) else f"127.0.0.1:{upstream}"
    text = (CONFIGS / "nginx.conf").read_text()
    text = _replaced(text, "unix:/run/fanout/fanout.sock", server)
    text = _replaced(text, "listen 443 ssl;", f"listen 127.0.0.1:{port};")
    text = "\n".join(line for line in text.splitlines() if "ssl_certificate" not in line)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr warn; worker_processes 1;"
        f"events {{ worker_connections 500; }}\nhttp {{ access_log off; {paths}\n{text}\n}}\n"
    )
    return [_program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def _haproxy(folder: Path, port: int, upstream: Path | int) -> list[str]:
    server = f"unix@{upstream}" if isinstance(upstream, Path) else f"127.0.0.1:{upstream}"
    text = (CONFIGS / "haproxy.cfg").read_text()
    text = _replaced(text, "unix@/run/fanout/fanout.sock", server)
    text = _replaced(text, "bind :443 ssl crt /etc/haproxy/live.example.org.pem", f"bind 127.0.0.1:{port}")
    text = _replaced(text, "maxconn 20000", "maxconn 500")
    (folder / "haproxy.cfg").write_text(text)
    return [_program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def _program(marker: str) -> str:
    path = component(marker).path()
    assert path is not None
    return path


def _replaced(text: str, before: str, after: str) -> str:
    assert before in text, f"the documentation's configuration has no {before!r} any more"
    return text.replace(before, after)


async def test_messages_come_when_they_are_published(proxied: Proxied) -> None:
    """Nothing is held back in a buffer: the next message is published when the one before has come."""
    with trio.fail_after(SECONDS):
        async with (
            proxied.listener(Format.JSON) as first,
            proxied.listener(Format.EVENTS) as second,
            proxied.listener(Format.MSGPACK, "", "127.0.0.2") as third,
        ):
            for listener in (first, second, third):
                await listener.expect("welcome")
            for number in range(5):
                await proxied.publish(f"message {number}")
                for listener in (first, second, third):
                    assert await listener.texts(1) == [f"message {number}"]


async def test_who_comes_back_through_the_proxy_resumes(proxied: Proxied) -> None:
    with trio.fail_after(SECONDS):
        positions = [await proxied.publish(str(number)) for number in range(4)]
        async with proxied.listener(Format.JSON, f"after=stage@{positions[1]}") as listener:
            assert (await listener.expect("welcome"))["rooms"]["stage"]["recovery"] == "resumed"
            assert await listener.texts(2) == ["2", "3"]
        async with proxied.listener(Format.EVENTS, "", "127.0.0.1", f"Last-Event-ID: {positions[0]}") as listener:
            assert (await listener.expect("welcome"))["rooms"]["stage"]["recovery"] == "resumed"
            assert await listener.texts(3) == ["1", "2", "3"]


async def test_everybody_counts_for_the_address_that_the_proxy_saw(proxied: Proxied) -> None:
    """Also somebody who claims to be another; and an event stream is told when to come back."""
    forged = "X-Forwarded-For: 203.0.113.9"
    with trio.fail_after(SECONDS):
        async with (
            proxied.listener(Format.JSON, "", "127.0.0.1") as first,
            proxied.listener(Format.EVENTS, "", "127.0.0.1", forged) as second,
        ):
            for listener in (first, second):
                await listener.expect("welcome")
            await proxied.knows_who_is_there(2)
            async with proxied.listener(Format.JSON, "", "127.0.0.1", forged) as third:
                await third.expect("bye", code=4013, reconnect=True)
                assert (await third.end()).code == 4013
            async with proxied.listener(Format.EVENTS, "", "127.0.0.1") as third:
                bye = await third.expect("bye", code=4013)
                assert third.events.retry_ms == bye["after_ms"]
            async with proxied.listener(Format.JSON, "", "127.0.0.2") as other:
                await other.expect("welcome")


async def test_a_drained_server_says_goodbye_through_the_proxy(proxied: Proxied) -> None:
    with trio.fail_after(SECONDS):
        async with proxied.listener(Format.JSON) as first, proxied.listener(Format.EVENTS) as second:
            for listener in (first, second):
                await listener.expect("welcome")
            proxied.server.process.terminate()
            await first.expect("bye", code=4012, reconnect=True)
            assert (await first.end()).code == 4012
            await second.expect("bye", code=4012, reconnect=True)
            await second.end()
        assert await trio.to_thread.run_sync(proxied.server.wait) == 0


async def test_bad_requests_are_answered_by_whoever_sees_them_first(proxied: Proxied) -> None:
    """Through a proxy too: never a hang, never a 500."""
    with trio.fail_after(SECONDS):
        for path in ("/v1/ws", "/v1/rooms/nowhere/events", "/v1/rooms/stage/events?last=x"):
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(proxied.url + path)
            assert answer.status_code in (400, 404, 426)
