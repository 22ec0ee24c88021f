"""The witness in the crowd, without a socket: what it is sent, and what it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fanout.client.crowd.listener import Ended, Listener, count_behind
from fanout.client.crowd.opening import expected_accept
from fanout.client.crowd.reading import Readings
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target
from fanout.wire.frames import close_frame, ping_frame, text_frame

TARGET = Target("127.0.0.1", 8700, False)


def said(**fields: Any) -> bytes:
    return text_frame(json.dumps(fields).encode())


def entry(seq: int, epoch: str = "aaaa") -> bytes:
    return said(type="message", room="stage", position=f"{epoch}:{seq}", data={"sent_ns": 2**52})


def seated(tally: Tally | None = None) -> Listener:
    """A listener that has been welcomed at aaaa:0."""
    listener = Listener(TARGET, ["stage"], tally or Tally(), Readings())
    request = listener.opening()
    assert request.startswith(b"GET /v1/ws?room=stage HTTP/1.1\r\nHost: 127.0.0.1:8700\r\n")
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    answer = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + expected_accept(key) + b"\r\n\r\n"
    rooms = {"stage": {"position": "aaaa:0", "mode": "stage", "recovery": "live"}}
    assert listener.receive(answer + said(type="welcome", listener="1", heartbeat_s=25, rooms=rooms), 0.0) == b""
    assert listener.live
    return listener


def counted(listener: Listener) -> dict[str, int]:
    """Only what is not zero, without the welcome."""
    figures = listener.tally.figures()
    return {
        name: figures[name]
        for name in ("delivered", "lost", "repeated", "disordered", "gaps", "announced")
        if figures[name]
    }


def test_frames_are_understood_wherever_the_bytes_are_cut() -> None:
    listener = seated()
    for byte in b"".join(entry(seq) for seq in range(1, 4)):
        listener.receive(bytes([byte]), 0.0)
    assert counted(listener) == {"delivered": 3}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([1, 2, 3], {"delivered": 3}),
        ([1, 3], {"delivered": 2, "lost": 1}),
        ([1, 1, 2], {"delivered": 2, "repeated": 1}),
        ([1, 3, 2, 4], {"delivered": 4, "disordered": 1}),
        ([1, 4, 2, 2], {"delivered": 3, "lost": 1, "disordered": 1, "repeated": 1}),
    ],
)
def test_every_fault_is_called_by_its_name(sent: list[int], expected: dict[str, int]) -> None:
    listener = seated()
    for seq in sent:
        listener.receive(entry(seq), 0.0)
    assert counted(listener) == expected


def test_another_stream_without_a_gap_is_a_loss_and_with_one_is_not() -> None:
    silent, announced = seated(), seated()
    silent.receive(entry(1) + entry(3, "bbbb"), 0.0)
    assert counted(silent) == {"delivered": 2, "lost": 3}
    gap = said(type="gap", room="stage", missed=2, reason="epoch", **{"from": "bbbb:1", "to": "bbbb:2"})
    announced.receive(entry(1) + gap + entry(3, "bbbb"), 0.0)
    assert counted(announced) == {"delivered": 2, "gaps": 1, "announced": 2}


def test_it_resumes_where_it_was_and_answers_pings() -> None:
    listener = seated()
    assert len(listener.receive(entry(1) + ping_frame(b"hi"), 0.0)) == 2 + 4 + 2
    with pytest.raises(Ended) as ended:
        listener.receive(
            said(type="bye", code=4012, reason="drain", reconnect=True, after_ms=700) + close_frame(4012), 0.0
        )
    assert listener.wait_seconds(ended.value.ending, 0.5) == 0.7
    assert b"&after=stage%40aaaa%3A1 " in listener.opening()


@pytest.mark.parametrize(
    "rubbish",
    [b"\x01\x01x", b"\x81\x81maskx", b"\xc1\x01x", b"\x81\x7f\xff" + bytes(7), text_frame(b"not json"),
     text_frame(b'{"type":"message","room":"stage","position":"x"}'),
     text_frame(b'{"type":"message","room":"other","position":"a:1"}')],
)  # fmt: skip
def test_what_no_server_of_ours_sends_ends_the_connection(rubbish: bytes) -> None:
    listener = seated()
    with pytest.raises(Ended):
        listener.receive(rubbish, 0.0)
    assert listener.tally.counts.out_of_step == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: wrong\r\n\r\n", b"HELLO\r\n\r\n", b"x" * 70_000]
)
def test_an_answer_that_is_no_good_opening_is_refused(answer: bytes) -> None:
    listener = Listener(TARGET, ["stage"], Tally(), Readings())
    listener.opening()
    with pytest.raises(Ended):
        listener.receive(answer, 0.0)
    assert listener.tally.counts.refused == 1


def test_who_is_behind_the_others_is_counted() -> None:
    first, second = seated(), seated()
    first.receive(entry(1) + entry(2), 0.0)
    second.receive(entry(1), 0.0)
    assert count_behind([first, second]) == 1


def test_a_tally_handed_over_and_added_is_the_same_tally() -> None:
    worker, master = Tally(), Tally()
    listener = seated(worker)
    listener._live_since_ns = 0
    listener.receive(entry(1), 0.0)
    assert worker.flush(2**52 + 1_000_000) == [(0.001, 1, "stage")]
    before = worker.figures()
    master.add(worker.taken())
    assert master.figures() == before
    assert worker.figures()["delivered"] == 0
