"""While a server drains, newcomers are refused at once, and its successor may already take its place."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import SECRET, ServerProcess

TOKEN = tokens_of(Config(secret=SECRET)).issue("operator", ["*"], ttl=3600)
BODY = b'{"text":"said during the drain"}'
HEAD = (
    f"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


def _drains_with_a_request_in_progress(server: ServerProcess, sock: socket.socket) -> None:
    sock.settimeout(20)
    sock.sendall(HEAD + BODY[:5])
    with socket.socket(sock.family) as other:  # who came before has been let in once this one is answered
        other.settimeout(20)
        other.connect(sock.getpeername())
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 200 ")
    server.process.send_signal(signal.SIGTERM)
    server.says("draining")


def _is_answered(sock: socket.socket) -> None:
    sock.sendall(BODY[5:])
    assert sock.recv(100).startswith(b"HTTP/1.1 201 ")


def _until_refused(address: tuple[str, int] | str) -> None:
    """The log line comes just before the doors close, so one may still be let in, and is answered."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    for _ in range(1000):
        with socket.socket(family) as newcomer:
            newcomer.settimeout(5)
            try:
                newcomer.connect(address)
                newcomer.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert newcomer.recv(100), "somebody was let in and then left alone"
            except (ConnectionError, FileNotFoundError):
                return
    pytest.fail("it still takes newcomers")


def test_newcomers_are_refused_and_a_successor_takes_over_the_port(start_server: Callable[..., ServerProcess]):
    server = start_server("--memory", "--room", "stage:stage")
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        _drains_with_a_request_in_progress(server, sock)
        _until_refused(("127.0.0.1", server.port))
        successor = start_server("--memory", port=server.port)
        assert httpx.get(f"{successor.url}/readyz").status_code == 200
        _is_answered(sock)
    assert server.wait() == 0
    assert httpx.get(f"{successor.url}/readyz").status_code == 200


def test_a_unix_socket_goes_at_once_and_that_of_the_successor_stays(
    start_server: Callable[..., ServerProcess], tmp_path: Path
):
    path = tmp_path / "door"
    server = start_server("--memory", "--room", "stage:stage", "--unix", str(path))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        _drains_with_a_request_in_progress(server, sock)
        _until_refused(str(path))
        start_server("--memory", "--unix", str(path))
        _is_answered(sock)
    assert server.wait() == 0
    assert path.exists()
