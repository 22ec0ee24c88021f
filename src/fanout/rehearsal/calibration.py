"""How fast this machine sends: a bare loop over real connections, for a second or two. What a plan is reckoned from."""

from __future__ import annotations

import os
import socket
import time
from typing import Final

from fanout.rehearsal.needs import Machine
from fanout.server.doctor.demand import seats_of
from fanout.server.resources import raise_descriptor_limit

CONNECTIONS: Final = 2_000
"""So many that they do not all stay in the processor's caches: with 100, twice as much is sent."""
ROUNDS: Final = 8
LINE: Final = b"x" * 300
"""As long as a line with what is around it."""


def calibrate() -> Machine:
    """Measure, and look at what the machine has."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        seats=seats_of(raise_descriptor_limit()),
        sends=_sends_per_second(),
    )


def _sends_per_second() -> float:
    """The best of several rounds: others on the machine only make it worse. Each send wakes a reader's socket, as it
    does for a listener; reading is not timed."""
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as door:
        pairs = []
        for _ in range(CONNECTIONS):
            client = socket.create_connection(door.getsockname())
            served, _ = door.accept()
            served.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs.append((served, client))
    best = float("inf")
    try:
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            for served, _ in pairs:
                served.send(LINE)
            best = min(best, time.perf_counter() - begin)
            for _, client in pairs:
                client.recv(65536)
    finally:
        for pair in pairs:
            for each in pair:
                each.close()
    return CONNECTIONS / best
