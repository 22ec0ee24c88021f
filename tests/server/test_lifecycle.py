"""A server from start to stop, as its operator sees it: real processes, real signals."""

import os
import pty
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading
import warnings
from pathlib import Path

import httpx
import pytest
import trio
import trustme

from fanout.client import Finished, Stopped, Waiting, open_client, open_publisher
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import FANOUT, SECRET, ServerProcess, fanout

BOTH_WAYS = True


async def get(url: str, **options: object) -> httpx.Response:
    async with httpx.AsyncClient(**options) as client:
        return await client.get(url)


TOKEN = tokens_of(Config(secret=SECRET)).issue("operator", ["*"], ttl=3600)


def test_it_says_one_line_on_stdout_and_ends_with_zero(start_server):
    server = start_server("--memory")
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert server.terminate() == 0
    assert re.fullmatch(r"fanout listening on http://127\.0\.0\.1:\d+\n", server.out)
    assert "Traceback" not in server.log


async def test_a_publication_in_progress_is_answered_before_the_server_ends(start_server):
    server = start_server("--room", "stage:stage", "--drain-seconds", "0")
    body = b'{"text":"half of it came before the signal"}'
    with trio.fail_after(30):
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        head = f"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += "Content-Type: application/json\r\n"
        await stream.send_all(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        await get(f"{server.url}/healthz")  # who came before has been let in by now
        server.process.send_signal(signal.SIGTERM)
        await trio.to_thread.run_sync(server.says, "draining")
        with pytest.raises(subprocess.TimeoutExpired):  # nobody else is there: it waits for this request alone
            await trio.to_thread.run_sync(server.process.wait, 1)
        await stream.send_all(body[10:])
        answer = b""
        async with stream:
            async for received in stream:
                answer += received
    assert answer.startswith(b"HTTP/1.1 201 "), answer
    assert server.wait() == 0
    again = start_server()
    messages = (await get(f"{again.url}/v1/rooms/stage/messages")).json()["messages"]
    assert [message["text"] for message in messages] == ["half of it came before the signal"]


async def test_a_listener_resumes_over_a_restart_and_hears_everything_once(start_server):
    server = start_server("--room", "stage:stage", "--drain-seconds", "0.2")
    port = server.port
    heard: list[str] = []
    with trio.fail_after(60):
        async with (
            open_client(server.url, rooms=["stage"]) as client,
            open_publisher(server.url, token=TOKEN) as publisher,
        ):
            await client.wait_live()
            for number in range(5):
                await publisher.publish("stage", f"before {number}")
            assert server.terminate() == 0
            start_server(port=port)
            for number in range(5):
                await publisher.publish("stage", f"after {number}")
            while len(heard) < 10:
                heard.append((await anext(client)).text)
    assert heard == [f"before {n}" for n in range(5)] + [f"after {n}" for n in range(5)]


async def test_a_kill_in_the_middle_of_ten_thousand_publications_loses_none_and_repeats_none(start_server):
    """Ten publishers, each waiting for every acknowledgement; the server is killed with SIGKILL and started again."""
    server = start_server("--room", "stage:stage")
    port, acknowledged, heard = server.port, {}, []
    half_way = trio.Event()

    async def publish(name: int) -> None:
        async with open_publisher(f"http://127.0.0.1:{port}", token=TOKEN) as publisher:
            for first in range(0, 1000, 4):
                texts = [f"{name}:{number}" for number in range(first, first + 4)]
                receipts = await publisher.publish_all("stage", [{"text": text} for text in texts])
                acknowledged.update(zip((str(receipt.position) for receipt in receipts), texts, strict=True))
                if len(acknowledged) >= 5000:
                    half_way.set()

    async def kill_and_restart() -> None:
        await half_way.wait()
        server.kill()
        start_server(port=port)

    async def listen(task_status) -> None:
        async with open_client(f"http://127.0.0.1:{port}", rooms=["stage"]) as client:
            await client.wait_live()
            task_status.started()
            while len(heard) < 10_000:
                heard.append(await anext(client))

    with trio.fail_after(110):
        async with trio.open_nursery() as nursery:
            await nursery.start(listen)
            nursery.start_soon(kill_and_restart)
            for name in range(10):
                nursery.start_soon(publish, name)
    assert [entry.position.seq for entry in heard] == list(range(1, 10_001))
    assert {str(entry.position): entry.text for entry in heard} == acknowledged
    assert len(set(acknowledged.values())) == 10_000


def test_a_port_in_use_is_one_line_and_exit_code_2(start_server, tmp_path: Path):
    port = str(start_server("--memory").port)
    second = fanout("serve", "--memory", "--port", port, folder=tmp_path)
    assert second.returncode == 2
    assert (
        second.stderr.strip()
        == f"fanout: port: {port} on 127.0.0.1 is in use by another program; choose another, or 0."
    )


def test_a_data_directory_in_use_is_one_line_and_exit_code_2(start_server, tmp_path: Path):
    start_server()
    second = fanout("serve", "--port", "0", folder=tmp_path)
    assert (second.returncode, second.stdout) == (2, "")
    (line,) = second.stderr.splitlines()
    assert line.startswith("fanout: data: ")


def test_what_it_keeps_is_for_its_owner_alone(start_server, tmp_path: Path):
    server = start_server("--room", "stage:stage")
    fanout("token", "--role", "operator", folder=tmp_path)
    server.terminate()
    kept = tmp_path / "fanout-data"
    assert kept.stat().st_mode & 0o777 == 0o700
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in kept.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


def test_a_token_made_beside_the_running_server_is_good_for_it(tmp_path: Path):
    server = ServerProcess("--port", "0", "--room", "stage:stage", folder=tmp_path).listens()
    try:
        token = fanout("token", "--role", "publisher", folder=tmp_path).stdout.strip()
        said = fanout("publish", "stage", "hello", "--url", server.url, folder=tmp_path, env={"FANOUT_TOKEN": token})
        assert (said.returncode, said.stderr) == (0, "")
        assert token not in server.log
    finally:
        assert server.terminate() == 0


def test_rooms_of_the_file_may_follow_each_other_and_are_changed_at_the_next_start(start_server, tmp_path: Path):
    file = tmp_path / "fanout.toml"
    file.write_text('[rooms.a]\nfollows = ["b"]\n[rooms.b]\nfollows = ["a"]\ntitle = "one"\n')
    server = start_server("--config", str(file))
    assert {room["name"] for room in httpx.get(f"{server.url}/v1/rooms").json()["rooms"]} == {"a", "b"}
    server.terminate()
    file.write_text('[rooms.b]\ntitle = "two"\n')
    server = start_server("--config", str(file))
    room = httpx.get(f"{server.url}/v1/rooms/b").json()
    assert room["title"] == "two"


def test_a_room_that_follows_nobody_known_is_named(tmp_path: Path):
    (tmp_path / "fanout.toml").write_text('[rooms.a]\nfollows = ["nobody"]\n')
    done = fanout("serve", "--memory", "--port", "0", "--config", "fanout.toml", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("fanout: rooms.a: ")
    assert "nobody" in done.stderr


def test_a_unix_socket_carries_everything_and_goes_with_the_server(start_server, tmp_path: Path):
    server = start_server("--memory", "--unix", "fanout.sock", "--room", "stage:stage")
    assert server.url == "unix:fanout.sock"
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "fanout.sock"))) as client:
        assert client.get("http://fanout/readyz").status_code == 200
        with client.stream("GET", "http://fanout/v1/rooms/stage/events?last=1") as events:
            assert events.headers["content-type"].startswith("text/event-stream")
    server.kill()
    again = start_server("--memory", "--unix", "fanout.sock")  # over the stale file of the one that was killed
    assert again.terminate() == 0
    assert not (tmp_path / "fanout.sock").exists()


async def test_tls_carries_listeners_and_requests(start_server, tmp_path: Path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = start_server("--memory", "--room", "stage:stage", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
    assert server.url.startswith("https://")
    with trio.fail_after(30):
        async with (
            open_client(server.url, rooms=["stage"], ssl_context=trusting) as client,
            open_publisher(server.url, token=TOKEN, ssl_context=trusting) as publisher,
        ):
            await client.wait_live()
            await publisher.publish("stage", "in private")
            assert (await anext(client)).text == "in private"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        old.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1")
    assert (await get(f"{server.url}/readyz", verify=trusting)).status_code == 200


def test_ipv6_is_spoken_and_written_in_brackets(start_server):
    server = start_server("--memory", "--host", "::1")
    assert server.url.startswith("http://[::1]:")
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_the_soft_limit_on_descriptors_is_raised_to_the_hard_one(start_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = start_server("--memory")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    assert re.search(rf"^Max open files +{hard} +{hard} ", limits, re.MULTILINE)


def test_more_listeners_than_descriptors_are_refused_with_the_number_that_fits(tmp_path: Path):
    done = fanout("serve", "--memory", "--port", "0", "--max-listeners", "2000000000", folder=tmp_path)
    assert done.returncode == 2
    assert re.match(r"fanout: max_listeners: at most \d+, since", done.stderr)


async def test_one_listener_too_many_is_told_when_to_come_back(start_server):
    server = start_server("--memory", "--room", "stage:stage", "--max-listeners", "1")
    waits: list[Waiting] = []
    told = trio.Event()

    def watch(news: object) -> None:
        if isinstance(news, Waiting):
            waits.append(news)
            told.set()

    with trio.fail_after(30):
        async with open_client(server.url, rooms=["stage"]) as first:
            await first.wait_live()
            while not told.is_set():  # with workers, a limit is known to all edges within a second
                async with open_client(server.url, rooms=["stage"], watch=watch) as another:
                    with trio.move_on_after(1):
                        await (told.wait() if not server.workers else another.wait_live())
    assert 1 <= waits[0].seconds <= 30


async def test_a_wrong_token_stops_a_client_for_good(start_server):
    server = start_server("--memory", "--room", "stage:stage")
    with trio.fail_after(30):
        async with open_client(server.url, rooms=["stage"], token="not.a.token") as client:
            with pytest.raises(Stopped):
                await client.wait_live()
            assert isinstance(client.state, Finished)
    server.terminate()
    assert "not.a.token" not in server.log


def test_on_a_terminal_a_live_line_shows_who_listens(tmp_path: Path, workers: int):
    ours, theirs = pty.openpty()
    command = [*FANOUT, "serve", "--memory", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    stuck = threading.Timer(30, process.kill)
    stuck.start()
    shown = b""
    try:
        while b"0 listeners  0.0 messages/s" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGTERM)
        while b"stopped" not in shown:
            shown += os.read(ours, 4096)
        assert process.wait(30) == 0
    finally:
        stuck.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(ours)
