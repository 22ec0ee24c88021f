"""The load client finds what a server does wrong: real sockets, a server that errs on purpose."""

from __future__ import annotations

import time

import pytest

from benchmarks.load import frames, payload
from benchmarks.load.control import LoadClient, LoadFailed
from tests.benchmarks.broken_server import (
    ALL,
    LISTENERS,
    MESSAGES,
    SIZE,
    Script,
    begin_to_send,
    in_order,
    only_for,
    server,
)


def found(script: Script, *, waits: bool = True, received: list[bytes] | None = None) -> dict[str, int]:
    """Run the client against the script; return the faults it found."""
    with server(script, received=received) as target, LoadClient() as client:
        client.connect(target, LISTENERS, size=SIZE)
        client.begin()
        client.expect(MESSAGES)
        begin_to_send(target)
        if waits:
            client.wait(LISTENERS, 10)
        else:
            with pytest.raises(LoadFailed, match=f"of {LISTENERS} listeners had the message"):
                client.wait(LISTENERS, 1)
        report = client.report()
        assert report["deliveries"] >= (LISTENERS - 1) * MESSAGES
        faults: dict[str, int] = report["faults"]
        return faults


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
