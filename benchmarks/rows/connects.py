"""Question: how fast do listeners get in when the doors open?

10,000 WebSocket handshakes, 256 under way at any time. The client is a small C program (load/storm.c) where there is a
compiler: Python needs as long for a handshake as the servers do, and would only measure itself.

Timed: from the first SYN until the last right answer (101 and Sec-WebSocket-Accept); and the server's CPU for it. Its
inverse, handshakes per second of the server's core, holds even where the client is the slower of the two. The floor is
a loop in Python that accepts, reads and answers, and does nothing else.
Not timed: start of the server, and a first hundred handshakes that warm it up.

Rerun: python -m benchmarks connects
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.load.control import LoadClient, LoadFailed, on_core
from benchmarks.load.frames import websocket_request
from benchmarks.peers.catalogue import Options, Peer
from benchmarks.peers.install import STORM
from benchmarks.peers.process import Server
from benchmarks.rows.row import Goal, Measured, Row, Size

IN_FLIGHT = 256
FIRST = 100


@contextmanager
def storm(server: Server, listeners: int) -> Iterator[dict[str, Any]]:
    """Connect by the C program; its sockets close at the end of the block."""
    request = websocket_request(server.target.path, f"{server.host}:{server.port}")
    command = [str(STORM), str(server.port), str(listeners), str(IN_FLIGHT)]
    with on_core(1), subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(request)
        program.stdin.flush()
        answer: dict[str, Any] = json.loads(program.stdout.readline())
        if answer["wrong"]:
            raise LoadFailed(f"only {answer['opened']} of {listeners} listeners connected: {answer['wrong']}")
        yield answer
        program.stdin.close()


def measure(peer: Peer, size: Size) -> Measured:
    notes = []
    with peer.start(Options()) as server, LoadClient() as client:
        client.connect(server.target, FIRST, size=200)
        before = server.cpu()
        if STORM.exists():
            with storm(server, size.listeners) as answer:
                used = server.cpu().since(before)
            seconds = answer["seconds"]
        else:
            answer = client.connect(server.target, size.listeners, size=200, in_flight=IN_FLIGHT)
            used = server.cpu().since(before)
            seconds = answer["open_s"]
            notes.append("measured with the Python client: there is no C compiler")
        values = {
            "connects_per_s": size.listeners / seconds,
            "server_us": sum(used) / size.listeners * 1e6,
            "client_share": answer["cpu_share"],
        }
        return Measured(values, answer["cpu_share"], notes=notes)


ROW = Row(
    "connects",
    "connects/s, doors open",
    ("fanout", "bun", "uws", "ws", "nchan", "websockets", "trio-websocket", "floor-handshake"),
    Size(10_000, 0),
    Size(1_000, 0),
    measure,
    {"connects_per_s": "connects/s", "server_us": "server µs each", "client_share": "client's core"},
    (
        Goal("connects/s at least the best peer's", "connects_per_s", 1.0, "least", "peers"),
        Goal("server CPU per handshake at most the best peer's", "server_us", 1.0, "most", "peers"),
    ),
)
