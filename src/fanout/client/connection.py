"""One connection to a server, from the first byte to the ending: TCP, TLS, handshake, heartbeat. It never returns."""

from __future__ import annotations

import math
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import trio
import trio_websocket
from wsproto.utilities import LocalProtocolError

from fanout.client.comeback import CUT, NO_STATUS, Ending
from fanout.client.crowd.opening import refusal
from fanout.client.resume import Discontinuity
from fanout.client.speech import SUBPROTOCOL, NotUnderstood, Spoken, read_spoken, write_command
from fanout.client.target import Target, Wish
from fanout.core.closing import CloseCode
from fanout.wire.commands import Command
from fanout.wire.rendered import Format

OPENING_SECONDS: Final = 15.0
"""How long TCP, TLS and the handshake may take together: two lost SYNs (1 + 2 s), and a server with a full house."""

CLOSING_SECONDS: Final = 1.0
"""How long our own goodbye may take; then the line is cut."""

MAX_MESSAGE_BYTES: Final = 1 << 20
"""Largest message that is taken: several times the longest text and data, escaped. Beyond: closed with 1009."""

HEARTBEATS_MISSED: Final = 2
"""A server pings once a heartbeat; a line that was silent for this many is dead, whatever TCP says."""


class ListenedStream(trio.abc.Stream):
    """A stream that knows since when it has been waiting for bytes, pings included, and when there will be no more."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.waiting_since = math.inf
        self.ended = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        self.waiting_since = trio.current_time()
        try:
            received = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        finally:
            self.waiting_since = math.inf
        if not received:
            self.ended.set()
        return received

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


async def open_stream(target: Target, context: ssl.SSLContext | None) -> trio.abc.Stream:
    """Connect, with TLS for a secure target: the system's authorities unless a context says otherwise.

    Raises:
        OSError, trio.BrokenResourceError: It did not work. A certificate that is not good is the cause of the latter.
    """
    if not target.secure:
        return await trio.open_tcp_stream(target.host, target.port)
    stream = await trio.open_ssl_over_tcp_stream(target.host, target.port, ssl_context=context, https_compatible=True)
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


class Connection:
    """One WebSocket connection. `run` lives as long as it does; `send` and `close` are for other tasks meanwhile."""

    def __init__(self, target: Target, format: Format, token: str | None, context: ssl.SSLContext | None) -> None:
        self._target, self._format, self._token, self._context = target, format, token, context
        self._websocket: trio_websocket.WebSocketConnection | None = None
        self._bye: Ending | None = None
        self.heartbeat_seconds = OPENING_SECONDS / HEARTBEATS_MISSED
        """What the welcome announced; before it, silence is taken for a server that hangs in the handshake."""

    async def run(self, wishes: Iterable[Wish], hear: Callable[[Spoken], Awaitable[None]]) -> Ending:
        """Open, give everything that is said to `hear` one after the other, and return how it ended.

        What `hear` finds out of order (`Discontinuity`) ends the connection too. Cancellation: safe; the line is cut.
        """
        path = self._target.socket_path(wishes)
        try:
            with trio.fail_after(OPENING_SECONDS):
                plain = await open_stream(self._target, self._context)
        except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
            return Ending(CUT, f"could not connect: {innermost(error)}")
        stream = ListenedStream(plain)
        ending = Ending(CUT, "the connection broke during the handshake")
        try:
            async with trio.open_nursery() as nursery:
                self._websocket = await self._handshake(nursery, stream, path)
                if self._websocket is not None:
                    nursery.start_soon(self._cut_when_silent, stream)
                    ending = await self._listen(self._websocket, hear)
                nursery.cancel_scope.cancel()
        except* trio_websocket.ConnectionRejected as group:
            (rejected,) = group.exceptions
            assert isinstance(rejected, trio_websocket.ConnectionRejected)
            headers = {bytes(name).lower(): bytes(value) for name, value in rejected.headers}
            ending = refusal(rejected.status_code, headers.get(b"retry-after", b""), rejected.body or b"")
        except* LocalProtocolError:
            pass  # a ping came when we had said goodbye, and trio-websocket (0.12) tried to answer it
        finally:
            self._websocket = None
            await trio.aclose_forcefully(plain)
        return ending

    async def send(self, command: Command) -> None:
        """Say something.

        Raises:
            trio_websocket.ConnectionClosed: The connection is over.
        Cancellation: whether it was sent is not known then.
        """
        if self._websocket is None:
            raise trio_websocket.ConnectionClosed(None)
        await self._websocket.send_message(write_command(command, self._format))

    async def close(self) -> None:
        """Say goodbye; takes at most a second, and does nothing when the connection is over already."""
        if self._websocket is not None:
            with trio.move_on_after(CLOSING_SECONDS):
                await self._websocket.aclose(CloseCode.NORMAL)

    async def _handshake(
        self, nursery: trio.Nursery, stream: ListenedStream, path: str
    ) -> trio_websocket.WebSocketConnection | None:
        """The open WebSocket, or None when the line ended or too much time passed before there was one."""
        headers = [(b"Authorization", b"Bearer " + self._token.encode("ascii", "replace"))] if self._token else []
        with trio.move_on_after(OPENING_SECONDS) as scope:

            async def give_up_at_the_end() -> None:
                await stream.ended.wait()
                scope.cancel()

            nursery.start_soon(give_up_at_the_end)
            return await trio_websocket.wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type]  # any stream does; it is annotated too narrowly
                self._target.authority,
                path,
                subprotocols=[SUBPROTOCOL[self._format]],
                extra_headers=headers,
                max_message_size=MAX_MESSAGE_BYTES,
            )
        return None

    async def _listen(
        self, websocket: trio_websocket.WebSocketConnection, hear: Callable[[Spoken], Awaitable[None]]
    ) -> Ending:
        try:
            while True:
                spoken = read_spoken(await websocket.get_message())
                if isinstance(spoken, Ending):
                    self._bye = spoken
                elif spoken is not None:
                    await hear(spoken)
        except trio_websocket.ConnectionClosed as closed:
            return self._ending(closed.reason)
        except NotUnderstood as error:
            return Ending(CUT, error.detail)
        except Discontinuity as error:
            return Ending(CUT, str(error))

    def _ending(self, reason: trio_websocket.CloseReason | None) -> Ending:
        code = reason.code if reason is not None else NO_STATUS
        text = (reason.reason or "") if reason is not None else ""
        bye = self._bye
        if bye is None:
            return Ending(code, text)
        return Ending(bye.close_code if code == CUT else code, bye.reason or text, bye.after_ms, bye.reconnect)

    async def _cut_when_silent(self, stream: ListenedStream) -> None:
        while True:
            deadline = stream.waiting_since + HEARTBEATS_MISSED * self.heartbeat_seconds
            if trio.current_time() >= deadline:
                await trio.aclose_forcefully(stream)
                return
            silence = min(deadline, trio.current_time() + HEARTBEATS_MISSED * self.heartbeat_seconds)
            await trio.sleep_until(min(silence, trio.current_time() + 1))


def innermost(error: BaseException) -> str:
    """The sentence of the innermost cause: trio wraps a refused connection, and a bad certificate, in its own words."""
    while (cause := error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__) is not None:
        error = cause
    return str(error) or type(error).__name__
