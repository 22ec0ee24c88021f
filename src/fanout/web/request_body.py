"""The body of one request, as it comes in: by Content-Length or in chunks, with a limit on its size and on its
slowness."""

from __future__ import annotations

from typing import Final

import h11
import trio

from fanout.core.limits import KIB, MAX_BATCH_MESSAGES, MAX_DATA_BYTES, MAX_TEXT_BYTES
from fanout.web.transport import ClientGone, Transport
from fanout.wire.request_head import BadRequest, RequestHead

MAX_BODY_BYTES: Final = MAX_BATCH_MESSAGES * (MAX_TEXT_BYTES + MAX_DATA_BYTES) * 5 // 4
"""4 MiB: the largest publication, with a quarter more for its punctuation. Beyond: 413 `body_too_long`."""

BODY_GRACE_SECONDS: Final = 10.0
"""Time that any body may take. What an ordinary client posts comes with its head or a moment after."""

BODY_BYTES_PER_SECOND: Final = 16 * KIB
"""Each second beyond the grace must have brought this much: an old phone network can, and the largest body is over in
four minutes. Beyond: 408 `body_too_slow`."""

FREE_CHUNKS: Final = 1000
CHUNK_BYTES: Final = 64
"""Chunks of a body that may be of any size; beyond, their average is so many bytes. Each costs some 50 microseconds of
everybody's loop, so a body of single bytes would take it for minutes."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

CHUNKED_HEAD: Final = b"POST / HTTP/1.1\r\nHost: chunks\r\nTransfer-Encoding: chunked\r\n\r\n"
"""What h11 is told in place of the head, which has been parsed already (and more strictly); it decodes the chunks that
follow."""


class RequestBody:
    """Takes a body out of `transport.buffer` and leaves there what follows it.

    Raises:
        BadRequest: On construction, for an announced length over the limit (413) or an expectation that can't be met
            (417).
    """

    def __init__(self, head: RequestHead, transport: Transport) -> None:
        self._transport = transport
        self._taken = 0
        self._chunks_begun = 0
        self._length = int(head.headers.get("content-length", "0"))
        self._chunks: h11.Connection | None = None
        if self._length > MAX_BODY_BYTES:
            raise too_large()
        if "transfer-encoding" in head.headers:
            self._chunks = h11.Connection(h11.SERVER)
            self._chunks.receive_data(CHUNKED_HEAD)
            self._chunks.next_event()
        self.complete = self._chunks is None and self._length == 0
        expectation = head.headers.get("expect", "").lower() if head.minor_version == 1 else ""
        if expectation not in ("", "100-continue"):
            raise BadRequest("The only expectation that is met is 100-continue.", status=417, code="bad_expectation")
        self._client_waits = expectation != "" and not self.complete
        self._deadline = trio.current_time() + BODY_GRACE_SECONDS

    async def next_part(self) -> bytes:
        """The next bytes of the body, empty when it is complete.

        Raises:
            BadRequest: Too large (413), too slow (408), or chunks that are not as RFC 9112 §7.1 has them (400).
            ClientGone: The client left in the middle.
        """
        if self.complete:
            return b""
        if self._chunks is not None:
            await trio.lowlevel.checkpoint()  # many may have come at once: others take turns
        while True:
            part = self._take()
            if part or self.complete:
                return part
            if self._client_waits:
                self._client_waits = False
                if not self._transport.buffer:
                    await self._transport.write(CONTINUE)
            with trio.move_on_at(self._deadline + self._taken / BODY_BYTES_PER_SECOND) as deadline:
                if not await self._transport.read_more():
                    raise ClientGone
            if deadline.cancelled_caught:
                raise BadRequest("The rest of the body did not come in time.", status=408, code="body_too_slow")

    def finish_from_buffer(self) -> bool:
        """Skip what nobody asked for, as far as it has come already; whether the body is complete then."""
        try:
            while not self.complete and self._take():
                pass
        except BadRequest:
            return False
        return self.complete

    def _take(self) -> bytes:
        """The part of the body that has come, which may be empty."""
        part = self._take_chunks(self._chunks) if self._chunks else self._take_length()
        self._taken += len(part)
        if self._taken > MAX_BODY_BYTES:
            raise too_large()
        return part

    def _take_length(self) -> bytes:
        buffer = self._transport.buffer
        part = bytes(buffer[: self._length - self._taken])
        del buffer[: len(part)]
        self.complete = self._taken + len(part) == self._length
        return part

    def _take_chunks(self, chunks: h11.Connection) -> bytes:
        buffer = self._transport.buffer
        try:
            if buffer:
                chunks.receive_data(bytes(buffer))
                buffer.clear()
            event = chunks.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequest("The chunks of the body are malformed.", status=400, code="bad_chunk") from error
        if isinstance(event, h11.Data):
            self._chunks_begun += event.chunk_start
            if self._chunks_begun > FREE_CHUNKS + self._taken // CHUNK_BYTES:
                raise BadRequest(
                    f"Beyond {FREE_CHUNKS}, the chunks of a body have {CHUNK_BYTES} bytes on average.",
                    status=400,
                    code="bad_chunk",
                )
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self.complete = True
            buffer += chunks.trailing_data[0]
        return b""


def too_large() -> BadRequest:
    return BadRequest(f"A body has at most {MAX_BODY_BYTES} bytes.", status=413, code="body_too_long")
