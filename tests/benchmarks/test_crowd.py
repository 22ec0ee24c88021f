"""The clients in C find what a server does wrong, as the one in Python does."""

from __future__ import annotations

import time

import pytest

from benchmarks.load import frames, payload
from benchmarks.load.control import LoadFailed
from benchmarks.load.crowd import Crowd
from benchmarks.peers.install import compile_programs
from tests.benchmarks.broken_server import (
    ALL,
    LISTENERS,
    MESSAGES,
    SIZE,
    Script,
    begin_to_send,
    in_order,
    message,
    only_for,
    server,
)

pytestmark = pytest.mark.skipif(compile_programs() != [], reason="there is no C compiler")


def found(
    script: Script, *, waits: bool = True, late: bool = False, received: list[bytes] | None = None
) -> dict[str, int]:
    """Run the clients against the script; return the faults they found."""
    with server(script, received=received) as target, Crowd([(target, LISTENERS)], SIZE, ["bench"], late=late) as crowd:
        crowd.connect(10)
        crowd.ask("begin")
        crowd.expect(MESSAGES)
        begin_to_send(target)
        if late:
            first, last = crowd.read()
            assert 0 < first <= last <= time.monotonic_ns()
        elif waits:
            crowd.wait(10)
        else:
            with pytest.raises(LoadFailed, match=f"of {LISTENERS} listeners had the message"):
                crowd.wait(1)
        report = crowd.report()
        assert report["deliveries"] >= (LISTENERS - 1) * MESSAGES
        faults: dict[str, int] = report["faults"]
        return faults


def test_a_faultless_server_has_no_faults() -> None:
    assert found(lambda index: in_order(ALL)) == {}


def test_those_who_read_late_find_everything_and_know_when_it_came() -> None:
    assert found(lambda index: in_order(ALL), late=True) == {}


@pytest.mark.parametrize(
    ("numbers", "faults"),
    [
        ([1, 2, 3, 5, 6, 7, 8, 9, 10], {"missing": 1}),
        ([1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10], {"again": 1}),
        ([1, 2, 4, 3, 5, 6, 7, 8, 9, 10], {"missing": 1, "again": 1}),
        ([1, 2, 3, 4, 5, 5, 7, 8, 9, 10], {"missing": 1, "again": 1}),
    ],
)
def test_what_one_listener_misses_or_gets_again_is_found(numbers: list[int], faults: dict[str, int]) -> None:
    assert found(only_for(13, numbers)) == faults


def test_a_dropped_last_message_is_found() -> None:
    assert found(only_for(13, ALL[:-1]), waits=False) == {"missing": 1}


def test_a_message_with_a_byte_changed_is_found() -> None:
    def script(index: int) -> list[bytes]:
        pieces = in_order(ALL)
        if index == 13:
            pieces[4] = pieces[4].replace(b"..>", b".,>")
        return pieces

    assert found(script) == {"damaged": 1, "missing": 1}


def test_a_shortened_message_is_found() -> None:
    def script(index: int) -> list[bytes]:
        pieces = in_order(ALL)
        if index == 13:
            pieces[4] = frames.server_frame(payload.text(5, 1, SIZE - 1))
        return pieces

    assert found(script) == {"damaged": 1, "missing": 1}


def test_a_connection_that_ends_by_itself_is_found() -> None:
    goodbye = b"\x88\x02\x03\xe8"
    assert found(lambda index: [*in_order(ALL[:4]), goodbye] if index == 13 else in_order(ALL), waits=False) == {
        "disconnected": 1
    }


def test_a_masked_frame_is_found() -> None:
    masked = frames.client_frame(frames.TEXT, b"servers must not mask")
    assert found(lambda index: [masked] if index == 13 else in_order(ALL), waits=False)["broken"] == 1


@pytest.mark.parametrize("cut", [1, 7, 64, 100, 10_000])
def test_messages_are_whole_however_they_are_cut_into_segments(cut: int) -> None:
    def script(index: int) -> list[bytes]:
        whole = b"".join(in_order(ALL))
        return [whole[at : at + cut] for at in range(0, len(whole), cut)]

    assert found(script) == {}


def test_a_ping_between_messages_is_answered() -> None:
    received: list[bytes] = []
    pong = frames.client_frame(frames.PONG, b"hi")
    assert found(lambda index: [*in_order(ALL[:5]), b"\x89\x02hi", *in_order(ALL[5:])], received=received) == {}
    assert received == [pong] * LISTENERS


def test_a_gap_is_counted() -> None:
    gap = frames.server_frame(b'{"type":"gap","room":"bench","missed":3}')
    with server(lambda index: [gap, message(1)]) as target, Crowd([(target, LISTENERS)], SIZE, ["bench"]) as crowd:
        crowd.connect(10)
        crowd.expect(1)
        begin_to_send(target)
        crowd.wait(10)
        assert crowd.report()["gaps"] == LISTENERS


def test_a_refused_handshake_says_why() -> None:
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    with (
        server(lambda index: [], refusal) as target,
        Crowd([(target, LISTENERS)], SIZE, ["bench"]) as crowd,
        pytest.raises(LoadFailed, match=r"only 0 of 20 listeners connected: HTTP/1\.1 503"),
    ):
        crowd.connect(10)


def test_a_wrong_answer_to_the_key_is_refused() -> None:
    wrong = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
    with (
        server(lambda index: [], wrong) as target,
        Crowd([(target, LISTENERS)], SIZE, ["bench"]) as crowd,
        pytest.raises(LoadFailed, match="only 0 of 20 listeners connected"),
    ):
        crowd.connect(10)
