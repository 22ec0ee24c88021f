"""Ordinary requests to a server of several processes: they go to the engine's with their socket, and come back for a
stream."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trio
import trustme

from fanout.wire.rendered import Format
from tests.edge.listener import HttpAnswer, Listener, sse_request
from tests.server.workers.fleet import opened, token
from tests.server_process import fanout

GET = b"GET /v1/rooms/stage HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _pages_then_a_stream(stream: trio.abc.Stream) -> Listener:
    """As a browser does that keeps its connection: two requests, the second with the third behind it."""
    await stream.send_all(GET)
    assert (await HttpAnswer.one(stream)).raw.startswith(b"HTTP/1.1 200 ")
    await stream.send_all(GET + sse_request("stage"))
    assert (await HttpAnswer.one(stream)).raw.startswith(b"HTTP/1.1 200 ")
    listener = await Listener(stream, Format.EVENTS).upgraded()
    listener.welcome = await listener.expect("welcome")
    return listener


OVER_TLS = ("--tls-cert", "tls.pem", "--tls-key", "tls.pem")


def _trusting(folder: Path) -> ssl.SSLContext:
    """What trusts the certificate that is in this folder then."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


async def test_a_connection_that_was_kept_comes_back_to_an_edge_for_its_stream(start_server: Callable):
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2", "--drain-seconds", "0")
    async with opened(server) as fleet:
        listeners = [await _pages_then_a_stream(await fleet.connect()) for _ in range(3)]
        await fleet.publish("to all of them")
        for listener in listeners:
            assert await listener.texts(1) == ["to all of them"]
        assert await fleet.metric('fanout_listeners{transport="events"}') == 3
    assert server.terminate() == 0
    assert "Traceback" not in server.log


async def test_over_tls_it_does_too_and_is_then_a_listener_like_any_other(start_server: Callable, tmp_path: Path):
    """One descriptor, and no task that passes its bytes on."""
    context = _trusting(tmp_path)
    server = start_server("--memory", "--room", "stage:stage", "--workers", "1", "--drain-seconds", "0", *OVER_TLS)
    async with opened(server, verify=context) as fleet:
        await fleet.http.get("/readyz")
        before = _descriptors(fleet.pid("edge-1"))
        listeners = []
        for _ in range(5):
            stream = trio.SSLStream(await fleet.connect(), context, server_hostname="127.0.0.1", https_compatible=True)
            listeners.append(await _pages_then_a_stream(stream))
        assert await fleet.metric('fanout_listeners{transport="events"}') == 5
        assert _descriptors(fleet.pid("edge-1")) == before + len(listeners)
        await fleet.publish("to all of them")
        for listener in listeners:
            assert await listener.texts(1) == ["to all of them"]
    assert server.terminate() == 0
    assert "Traceback" not in server.log


@pytest.mark.parametrize("how", ["drained", "edges replaced"])
async def test_over_tls_what_is_under_way_is_answered_meanwhile(start_server: Callable, tmp_path: Path, how: str):
    """It goes through an edge, which has nobody left by then."""
    context = _trusting(tmp_path)
    server = start_server("--memory", "--room", "stage:stage", "--workers", "1", "--drain-seconds", "0", *OVER_TLS)
    body = b'{"text":"said during the drain"}'
    head = (
        f"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with opened(server, verify=context) as fleet:
        stream = trio.SSLStream(await fleet.connect(), context, server_hostname="127.0.0.1", https_compatible=True)
        await stream.send_all(head + body[:5])
        assert (await fleet.http.get("/healthz")).status_code == 200
        if how == "drained":
            told = await fleet.http.post("/v1/drain")
            assert told.text.splitlines()[-1].startswith('{"state":"drained"'), told.text
        else:
            await fleet.http.aclose()  # its own connection would be waited for as well
            server.process.send_signal(signal.SIGHUP)
            await fleet.logs("draining", process="edge-1")
        await stream.send_all(body[5:])
        assert (await HttpAnswer.one(stream)).raw.startswith(b"HTTP/1.1 201 ")
    assert how == "drained" or server.terminate() == 0
    assert server.wait() == 0
    assert "Traceback" not in server.log


async def test_behind_a_unix_socket_all_edges_accept_at_one_path(start_server: Callable, tmp_path: Path):
    path = tmp_path / "fanout.sock"
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2", "--unix", str(path))
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    with trio.fail_after(30):
        async with httpx.AsyncClient(transport=transport, base_url="http://fanout") as http:
            assert (await http.get("/readyz")).json()["edges"] == {"running": 2, "wanted": 2, "failing": []}
        stream = await trio.open_unix_socket(str(path))
        async with stream:
            await stream.send_all(sse_request("stage"))
            listener = await Listener(stream, Format.EVENTS).upgraded()
            await listener.expect("welcome")
            server.process.send_signal(signal.SIGTERM)
            await listener.expect("bye")
    assert server.wait() == 0
    assert not path.exists()


def test_what_the_settings_have_wrong_is_said_in_one_line(tmp_path: Path):
    """Whoever finds it: this process, the engine's, or an edge's."""
    (tmp_path / "tls.pem").write_text("no certificate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong = {
            "port": ("--port", port),
            "tls_key": ("--tls-cert", "tls.pem", "--tls-key", "tls.pem"),
            "max_listeners": ("--max-listeners", "100000000"),
            "--room": ("--room", "stage:loud"),
            "plugin nothing:Here": ("--plugin", "nothing:Here"),
        }
        for key, arguments in wrong.items():
            done = fanout("serve", "--workers", "2", "--memory", "--port", "0", *arguments, folder=tmp_path)
            assert (done.returncode, done.stdout) == (2, ""), (key, done)
            lines = [line for line in done.stderr.splitlines() if "{" not in line]
            assert len(lines) == 1, (key, done.stderr)
            assert key in lines[0], lines
