"""An edge's way for ordinary requests: to the engine's process with their socket, and back when the next is for a hub.

TLS can't be handed over, its state is in this process. Such a connection stays here, and its bytes go through a pair of
sockets of which the engine's process gets the other end.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Final

import structlog
import trio

from fanout.edge.handover import Handover
from fanout.edge.socket_stream import SocketStream
from fanout.server.workers.handovers import HandoverSocket
from fanout.wire.problem import problem_response

log = structlog.get_logger()

RETRY_SECONDS: Final = 0.1
"""Before the next try to reach the engine's process."""

AWAY: Final = problem_response(
    503, "engine_away", "The engine is being started again; try in a moment.", (("Retry-After", "1"),)
)


class HandingUp:
    """Gives ordinary requests to the engine's process. `run` has to run.

    Args:
        path: Of the socket where it takes them.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._link: HandoverSocket | None = None

    async def run(
        self, adopt: Callable[[Handover], None], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep in touch with it, for ever, and give to `adopt` what comes back."""
        while True:
            sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                await sock.connect(self._path)
            except OSError as error:
                sock.close()
                log.warning("engine_unreachable", reason=str(error))
                await trio.sleep(RETRY_SECONDS)
                continue
            link = self._link = HandoverSocket(socket.socket(fileno=sock.detach()))
            task_status.started()
            task_status = trio.TASK_STATUS_IGNORED
            try:
                while (handover := await link.receive()) is not None:
                    adopt(handover)
            finally:
                self._link = None
                link.close()

    async def serve(self, handover: Handover) -> None:
        """Give a connection away, or say that there is nobody to give it to. The socket is closed here in any case.

        Returns when it is out of this process: over TLS when it has ended. Cancellation: it is cut.
        """
        try:
            if isinstance(handover.sock, ssl.SSLSocket):
                await self._through_here(handover)
            else:
                await self._give(handover)
        except OSError:
            await _refuse(handover)
        finally:
            handover.sock.close()

    async def _give(self, handover: Handover) -> None:
        if self._link is None:
            raise ConnectionRefusedError
        await self._link.send(handover)

    async def _through_here(self, handover: Handover) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours:
            with theirs:
                await self._give(Handover(theirs, handover.received, handover.address, handover.secure))
            client, server = SocketStream(handover.sock), SocketStream(ours)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pump, client, server)
                await _pump(server, client)
                nursery.cancel_scope.cancel()


async def _pump(source: SocketStream, sink: SocketStream) -> None:
    try:
        while data := await source.receive_some():
            await sink.send_all(data)
        await sink.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


async def _refuse(handover: Handover) -> None:
    stream = SocketStream(handover.sock)
    with trio.move_on_after(1):
        try:
            await stream.send_all(AWAY)
            await stream.send_eof()
            while await stream.receive_some():
                pass  # until the client has read it: closing with bytes unread would take the answer back
        except trio.BrokenResourceError:
            return
