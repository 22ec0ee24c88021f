"""The senders do the same over real sockets: a loop of `send()`, and io_uring where the kernel has it."""

from __future__ import annotations

import errno
import socket
from array import array
from collections.abc import Iterator

import pytest

from fanout.edge.line import NOBODY
from fanout.edge.sender import FULL, Sender, SendLoop
from fanout.edge.uring import ENTRIES, UringSender

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=[SendLoop, UringSender])
def sender(request: pytest.FixtureRequest) -> Iterator[Sender]:
    try:
        made = request.param()
    except OSError as refused:
        pytest.skip(f"this kernel or sandbox refuses io_uring: {refused}")
    yield made
    made.close()


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Connected sockets, ours non-blocking."""
    made = [socket.socketpair() for _ in range(40)]
    for ours, theirs in made:
        ours.setblocking(False)
        theirs.setblocking(False)
    yield made
    for ours, theirs in made:
        ours.close()
        theirs.close()


def descriptors(pairs: list[Pair]) -> array[int]:
    return array("i", [ours.fileno() for ours, _ in pairs])


def test_everybody_gets_the_same_bytes(sender: Sender, pairs: list[Pair]) -> None:
    results = sender.send(descriptors(pairs), b"hello")
    assert results == [5] * len(pairs)
    assert {theirs.recv(100) for _, theirs in pairs} == {b"hello"}


def test_results_are_in_the_order_of_the_descriptors(sender: Sender, pairs: list[Pair]) -> None:
    """One is full, one has left, one place is empty; the rest take everything."""
    while True:
        try:
            pairs[3][0].send(b"x" * 65536)
        except BlockingIOError:
            break
    pairs[7][1].close()
    fds = descriptors(pairs)
    fds[11] = NOBODY
    results = sender.send(fds, b"hello")
    assert results[3] == FULL
    assert results[7] == -errno.EPIPE
    assert results[11] < 0
    others = [result for place, result in enumerate(results) if place not in (3, 7, 11)]
    assert others == [5] * len(others)


def test_a_socket_that_takes_a_part_says_how_much(sender: Sender, pairs: list[Pair]) -> None:
    ours, theirs = pairs[0]
    data = bytes(range(256)) * 16384
    [sent] = sender.send(array("i", [ours.fileno()]), data)
    assert 0 < sent < len(data)
    received = b""
    while len(received) < sent:
        received += theirs.recv(1 << 20)
    assert received == data[:sent]


def test_more_than_one_system_call_takes_and_many_rounds_of_the_ring(sender: Sender, pairs: list[Pair]) -> None:
    """Lines longer than the ring, of a length that meets its end at a different place each time."""
    line = array("i", list(descriptors(pairs)) * (ENTRIES // 20))[: 2 * ENTRIES + 7]
    for number in range(20):
        data = b"%05d" % number
        assert sender.send(line, data) == [5] * len(line)
        for place, (_, theirs) in enumerate(pairs):
            times = list(line).count(pairs[place][0].fileno())
            assert theirs.recv(1 << 16) == data * times


def test_nobody_to_send_to_is_no_fault(sender: Sender) -> None:
    assert sender.send(array("i"), b"hello") == []
