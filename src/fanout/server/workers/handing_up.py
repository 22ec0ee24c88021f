"""An edge's way for ordinary requests: to the engine's process with their socket, and back when the next is a hub's."""

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
from fanout.server.workers.tls_relay import TlsRelay, inode
from fanout.wire.problem import last_response, problem_response

log = structlog.get_logger()

RETRY_SECONDS: Final = 0.1
"""Before the next try to reach the engine's process."""

LIVE: Final = last_response(200, "application/json", b'{"status":"live"}')
"""To whoever asks whether the server lives: it does, as long as an edge answers. Killed for it, it would lose the
listeners whom the edges keep."""

AWAY: Final = problem_response(
    503, "engine_away", "The engine is being started again; try in a moment.", (("Retry-After", "1"),)
)


class HandingUp:
    """Gives ordinary requests to the engine's process. `run` has to run.

    Args:
        path: Of the socket where it takes them. Somebody can be reached there even while that process is away, for the
            supervisor holds it: what is given then would wait until it comes.
        away: Whether it is.
    """

    def __init__(self, path: str, away: Callable[[], bool]) -> None:
        self._path = path
        self._away = away
        self._link: HandoverSocket | None = None
        self._relays: dict[int, TlsRelay] = {}
        self._adopt: Callable[[Handover], None]

    async def run(
        self, adopt: Callable[[Handover], None], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep in touch with it, for ever, and give to `adopt` what comes back."""
        self._adopt = adopt
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
                    self._returned(handover)
            finally:
                self._link = None
                link.close()

    async def serve(self, handover: Handover) -> None:
        """Give a connection away, or say that there is nobody to give it to.

        Returns when it is out of this process: over TLS when it has ended or is the hub's again. Cancellation: it is
        cut.
        """
        try:
            if isinstance(handover.sock, ssl.SSLSocket):
                if await self._through_here(handover):
                    return
            else:
                await self._give(handover)
        except OSError:
            await _refuse(handover)
        except BaseException:
            handover.sock.close()
            raise
        handover.sock.close()

    async def _give(self, handover: Handover) -> None:
        if self._link is None or self._away():
            raise ConnectionRefusedError
        await self._link.send(handover)

    async def _through_here(self, handover: Handover) -> bool:
        """Whether the hub has it in the end."""
        relay = TlsRelay(handover)
        self._relays[relay.number] = relay
        try:
            try:
                await self._give(relay.theirs)
            finally:
                relay.theirs.sock.close()
            back = await relay.run()
        finally:
            del self._relays[relay.number]
            relay.close()
        if back is not None:
            self._adopt(back)
        return back is not None

    def _returned(self, handover: Handover) -> None:
        """The next request on this connection is for the hub."""
        relay = self._relays.get(inode(handover.sock))
        if relay is None:
            self._adopt(handover)
        else:
            relay.returned(handover)


async def _refuse(handover: Handover) -> None:
    stream = SocketStream(handover.sock)
    with trio.move_on_after(1):
        try:
            await stream.send_all(LIVE if handover.received.startswith(b"GET /healthz ") else AWAY)
            await stream.send_eof()
            while await stream.receive_some():
                pass  # until the client has read it: closing with bytes unread would take the answer back
        except trio.BrokenResourceError:
            return
