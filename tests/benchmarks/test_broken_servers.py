"""The load client finds what a server does wrong: real sockets, a server that errs on purpose."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from benchmarks.load import frames, payload
from benchmarks.load.control import LoadClient, LoadFailed, Target

LISTENERS = 20
MESSAGES = 10
SIZE = 60

Script = Callable[[int], list[bytes]]
"""What the server sends to the listener with this index, piece by piece."""


@cache
def message(number: int) -> bytes:
    """The same bytes for every listener, as in a broadcast: what was seen once is only compared after that."""
    return frames.server_frame(payload.text(number, time.monotonic_ns(), SIZE))


@contextmanager
def server(script: Script, head: bytes = b"", received: list[bytes] | None = None) -> Iterator[Target]:
    """Accept LISTENERS WebSocket connections, then send to each what the script says, in as many segments, and, where
    asked, note what each says in return."""
    answer = head or (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + frames.ACCEPT + b"\r\n\r\n"
    )
    go, over = threading.Event(), threading.Event()

    def serve() -> None:
        sockets = []
        for _ in range(LISTENERS):
            connection, _ = door.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(4096)
            connection.sendall(answer)
            sockets.append(connection)
        go.wait(10)
        for index, connection in enumerate(sockets):
            for piece in script(index):
                connection.sendall(piece)
        for connection in sockets:
            if received is not None:
                received.append(connection.recv(4096))
        over.wait(10)
        for connection in sockets:
            connection.close()

    with socket.create_server(("127.0.0.1", 0), backlog=LISTENERS) as door:
        thread = threading.Thread(target=serve)
        thread.start()
        target = Target("127.0.0.1", door.getsockname()[1], "/")
        try:
            server_go[target.port] = go
            yield target
        finally:
            go.set()
            over.set()
            thread.join()


server_go: dict[int, threading.Event] = {}


def found(script: Script, *, waits: bool = True, received: list[bytes] | None = None) -> dict[str, int]:
    """Run the client against the script; return the faults it found."""
    with server(script, received=received) as target, LoadClient() as client:
        client.connect(target, LISTENERS, size=SIZE)
        client.begin()
        client.expect(MESSAGES)
        server_go[target.port].set()
        if waits:
            client.wait(LISTENERS, 10)
        else:
            with pytest.raises(LoadFailed, match=f"of {LISTENERS} listeners had the message"):
                client.wait(LISTENERS, 1)
        report = client.report()
        assert report["deliveries"] >= (LISTENERS - 1) * MESSAGES
        faults: dict[str, int] = report["faults"]
        return faults


def in_order(numbers: list[int]) -> list[bytes]:
    return [message(number) for number in numbers]


ALL = list(range(1, MESSAGES + 1))


def only_for(victim: int, numbers: list[int]) -> Script:
    """Send everything in order to everybody but one listener, so that a sample would most likely miss it."""
    return lambda index: in_order(numbers if index == victim else ALL)


def test_a_faultless_server_has_no_faults() -> None:
    assert found(lambda index: in_order(ALL)) == {}


def test_a_dropped_message_is_found() -> None:
    assert found(only_for(13, [1, 2, 3, 5, 6, 7, 8, 9, 10])) == {"missing": 1}


def test_a_dropped_last_message_is_found() -> None:
    assert found(only_for(13, [1, 2, 3, 4, 5, 6, 7, 8, 9]), waits=False) == {"missing": 1}


def test_a_repeated_message_is_found() -> None:
    assert found(only_for(13, [1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10])) == {"repeated": 1}


def test_two_messages_in_the_wrong_order_are_found() -> None:
    assert found(only_for(13, [1, 2, 4, 3, 5, 6, 7, 8, 9, 10])) == {"reordered": 1}


def test_a_shortened_message_is_found() -> None:
    def script(index: int) -> list[bytes]:
        pieces = in_order(ALL)
        if index == 13:
            pieces[4] = frames.server_frame(payload.text(5, time.monotonic_ns(), SIZE - 1))
        return pieces

    assert found(script) == {"damaged": 1}


def test_a_message_in_the_place_of_another_is_found() -> None:
    """As many bytes as the others had at that place: only their content differs."""
    assert found(only_for(13, [1, 2, 3, 4, 5, 5, 7, 8, 9, 10])) == {"repeated": 1, "missing": 1}


def test_a_connection_that_ends_by_itself_is_found() -> None:
    close = b"\x88\x02\x03\xe8"
    faults = found(lambda index: [*in_order(ALL[:4]), close] if index == 13 else in_order(ALL), waits=False)
    assert faults == {"disconnected": 1}


def test_a_masked_frame_is_found() -> None:
    masked = frames.client_frame(frames.TEXT, b"servers must not mask")
    assert found(lambda index: [masked] if index == 13 else in_order(ALL), waits=False)["broken"] == 1


@pytest.mark.parametrize("cut", [1, 7, 64, 100, 10_000])
def test_messages_are_whole_however_they_are_cut_into_segments(cut: int) -> None:
    def script(index: int) -> list[bytes]:
        whole = b"".join(in_order(ALL))
        return [whole[at : at + cut] for at in range(0, len(whole), cut)]

    assert found(script) == {}


def test_what_is_not_a_message_is_skipped() -> None:
    other = frames.server_frame(b'{"type":"presence","room":"bench","listeners":20}')
    assert found(lambda index: [other, *in_order(ALL[:5]), other, *in_order(ALL[5:])]) == {}


def test_a_ping_between_messages_is_answered() -> None:
    received: list[bytes] = []
    pong = frames.client_frame(frames.PONG, b"hi")
    assert found(lambda index: [*in_order(ALL[:5]), b"\x89\x02hi", *in_order(ALL[5:])], received=received) == {}
    assert received == [pong] * LISTENERS


def test_a_refused_handshake_says_why() -> None:
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    with (
        server(lambda index: [], refusal) as target,
        LoadClient() as client,
        pytest.raises(LoadFailed, match=r"only 0 of 20 listeners connected: HTTP/1\.1 503"),
    ):
        client.connect(target, LISTENERS, size=SIZE)


def test_a_wrong_answer_to_the_key_is_refused() -> None:
    wrong = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
    with (
        server(lambda index: [], wrong) as target,
        LoadClient() as client,
        pytest.raises(LoadFailed, match="Sec-WebSocket-Accept is wrong"),
    ):
        client.connect(target, LISTENERS, size=SIZE)
