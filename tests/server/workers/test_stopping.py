"""A server that is told to stop while it is at something else."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import trio

from tests.edge.listener import handshake
from tests.server.workers.fleet import opened

LISTENERS = 12

WORDS = [f"{number} " + "x" * 16_000 for number in range(20)]


async def test_no_edge_is_begun_once_the_server_stops(start_server: Callable):
    """It is replacing them, and the first is held up by those who do not read. Its successor may have the port."""
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2", "--drain-seconds", "0")
    with ExitStack() as stuck:
        async with opened(server) as fleet:
            for _ in range(LISTENERS):
                sock = stuck.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", server.port))
                sock.sendall(handshake())
            await fleet.metric_is('fanout_room_listeners{room="stage"}', lambda listeners: listeners == LISTENERS)
            await fleet.publish(*WORDS)
            await fleet.metric_is("fanout_slow_listeners", lambda slow: slow == LISTENERS)
            server.process.send_signal(signal.SIGHUP)
            await fleet.logs("draining", reason="SIGHUP")
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            await fleet.logs("draining", signal="SIGTERM")
            with suppress(ConnectionRefusedError):
                while True:
                    socket.create_connection(("127.0.0.1", server.port)).close()
                    await trio.lowlevel.checkpoint()
            assert server.process.poll() is None, "it has not waited for those who do not read"
            server.process.send_signal(signal.SIGTERM)
        assert await trio.to_thread.run_sync(server.wait) == 0
        assert time.monotonic() - began < 5, "a first signal alone waits so long for those who do not read"
        assert len(fleet.logged("replacing")) == 1
        assert not fleet.logged("not_replaced")
        assert "Traceback" not in server.log
