"""A simulated listener over an event stream: bytes in, counts out, wherever the chunks are cut."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.client.crowd.listener import Ended
from fanout.client.crowd.reading import Readings
from fanout.client.crowd.stream import StreamListener
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 2828\n\n"


def event(kind: str, **said: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **said})}\n\n".encode()


def message(seq: int) -> bytes:
    return event("message", room="hall", position=f"k3f9:{seq}", id=f"m{seq}", text="Hello.")


WELCOME = event("welcome", heartbeat_s=25, rooms={"hall": {"position": "k3f9:3", "recovery": "live"}})


def listener() -> StreamListener:
    return StreamListener(Target.parse("http://[::1]:8700/live"), ["hall"], Tally(), Readings(), token="t0k3n")


@given(st.sets(st.integers(1, 700), max_size=8))
def test_it_hears_everything_wherever_the_chunks_are_cut(cuts: set[int]):
    one = listener()
    one.opening()
    stream = HEAD + WELCOME + b": \n\n" + message(4) + message(5) + message(7) + event("bye", code=4012, after_ms=70)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for begin, end in pairwise(bounds):
        assert one.receive(stream[begin:end], time.monotonic()) == b"", "it says nothing"
    counts = one.tally.counts
    assert one.live
    assert (counts.connected, counts.resumed, counts.delivered, counts.lost) == (1, 0, 3, 1)


def test_it_comes_back_with_the_position_that_it_has_had():
    one = listener()
    assert one.opening().split(b"\r\n")[:4] == [
        b"GET /live/v1/rooms/hall/events? HTTP/1.1", b"Host: [::1]:8700", b"Accept: text/event-stream",
        b"Authorization: Bearer t0k3n",
    ]  # fmt: skip
    one.receive(HEAD + WELCOME + message(4), time.monotonic())
    assert b"/events?after=k3f9%3A4 " in one.opening()
    one.receive(HEAD + event("welcome", heartbeat_s=25, rooms={"hall": {"position": "k3f9:4"}}), time.monotonic())
    assert (one.tally.counts.connected, one.tally.counts.resumed) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\n\r\n", 404),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", 200),
        (b"SSH-2.0-dropbear\r\n\r\n", None),
        (b"x" * 70_000, None),
    ],
)
def test_what_is_no_event_stream_is_refused(answer: bytes, status: int | None):
    one = listener()
    one.opening()
    with pytest.raises(Ended) as ended:
        one.receive(answer, time.monotonic())
    assert ended.value.ending.status == status
    assert one.tally.counts.refused == 1


def test_what_is_no_object_of_the_protocol_ends_it():
    one = listener()
    one.opening()
    with pytest.raises(Ended, match="out of step"):
        one.receive(HEAD + WELCOME + b"event: message\ndata: [1]\n\n", time.monotonic())
    assert one.tally.counts.out_of_step == 1
