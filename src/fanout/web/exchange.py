"""One request and its answer, between a connection and an ASGI application (ASGI 3.0, HTTP 2.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, MutableMapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any, Final

import trio

from fanout.core.limits import KIB
from fanout.web.request_body import RequestBody
from fanout.web.transport import ClientGone, Transport
from fanout.wire.request_head import RequestHead

Message = MutableMapping[str, Any]

MAX_AHEAD_BYTES: Final = 64 * KIB
"""What a client may send ahead of the answer to its last request before we stop reading from it."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


class Exchange:
    """What an application gets as `scope`, `receive` and `send`.

    The answer's head is held back until its first part of the body is there, so that an ordinary answer is one write.
    Whatever the application does, what goes out is well-formed (RFC 9112 §6): HEAD, 204 and 304 carry no body, a body
    of unknown length goes in chunks, and the connection is kept only when the request was read to its end.

    Args:
        draining: Whether the server wants no more requests; asked when the answer begins.
    """

    def __init__(
        self, head: RequestHead, body: RequestBody, transport: Transport, draining: Callable[[], bool]
    ) -> None:
        self._head, self._body, self._transport, self._draining = head, body, transport, draining
        connection = head.headers.get("connection", "").lower()
        asked_to_close = "close" in [option.strip() for option in connection.split(",")]
        self.keep = head.minor_version == 1 and not asked_to_close
        self.started = False
        self.complete = False
        self.gone = False
        self._finished = trio.Event()
        self._body_told = False
        self._start: Message | None = None
        self._without_body = False
        self._chunked = False
        self._left: int | None = None

    def scope(self, address: str, *, secure: bool) -> dict[str, Any]:
        """The request, as ASGI has it."""
        head = self._head
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": f"1.{head.minor_version}",
            "method": head.method,
            "scheme": "https" if secure else "http",
            "path": head.path,
            "raw_path": head.target.partition("?")[0].encode("latin-1"),
            "query_string": head.query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.headers.items()],
            "client": (address, 0) if address else None,
            "server": None,
        }

    async def receive(self) -> Message:
        """The next part of the body; after it, the client's leaving or the end of the answer, whichever comes first."""
        try:
            if not self._body_told:
                part = await self._body.next_part()
                self._body_told = self._body.complete
                return {"type": "http.request", "body": part, "more_body": not self._body.complete}
            while not self.complete:
                if len(self._transport.buffer) > MAX_AHEAD_BYTES:
                    await self._finished.wait()
                elif not await self._transport.read_more():
                    raise ClientGone
        except ClientGone:
            self.gone = True
            self.keep = False
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a part of the answer; once the client is gone, quietly nothing."""
        if self.gone:
            return
        if message["type"] == "http.response.start":
            if self._start is not None:
                raise RuntimeError("an answer has one start")
            self._start = message
            return
        if self._start is None or self.complete:
            raise RuntimeError("an answer's body comes after its start and before its end")
        part, more = message.get("body", b""), message.get("more_body", False)
        data = b""
        if not self.started:
            data = self._begin(self._start, part, more)
            self.started = True
        data += self._framed(part, more)
        self.complete = not more
        try:
            if data:
                await self._transport.write(data)
        except ClientGone:
            self.gone = True
            self.keep = False
        if self.complete:
            self._finished.set()

    def _begin(self, start: Message, part: bytes, more: bool) -> bytes:
        """The head of the answer, with whatever framing and connection fields it needs."""
        status: int = start["status"]
        headers = [(bytes(name).lower(), bytes(value)) for name, value in start.get("headers", ())]
        names = dict(headers)
        if self._draining() or names.get(b"connection") == b"close" or not self._body.finish_from_buffer():
            self.keep = False
        bodiless = status in (204, 304)
        self._without_body = bodiless or self._head.method == "HEAD"
        if b"content-length" in names:
            self._left = int(names[b"content-length"])
        elif not bodiless and not more:
            self._left = len(part)
            headers.append((b"content-length", b"%d" % len(part)))
        elif not bodiless and self._head.minor_version == 1:
            self._chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        elif not bodiless:
            self.keep = False  # HTTP/1.0: the body ends with the connection
        if not self.keep and b"connection" not in names:
            headers.append((b"connection", b"close"))
        return _rendered_head(status, headers)

    def _framed(self, part: bytes, more: bool) -> bytes:
        if self._without_body:
            return b""
        if self._chunked:
            framed = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
            return framed if more else framed + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(part)
            if self._left < 0 or (self._left and not more):
                self.keep = False
                raise RuntimeError("the answer's body has not the length that was announced")
        return part


def _rendered_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    fields = b"".join([_field(name, value) for name, value in headers])
    return b"%b%b\r\n%b\r\n" % (_status_line(status), _date(int(time())), fields)


@lru_cache(maxsize=256)
def _field(name: bytes, value: bytes) -> bytes:
    """One header line. Nearly all are the same on every answer, so they are checked and written once."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise RuntimeError(f"the answer's header field {name!r} is malformed")
    return b"%b: %b\r\n" % (name, value)


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode("ascii")


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    """The Date field, which every answer of a server with a clock has (RFC 9110 §6.6.1); made once a second."""
    return f"date: {formatdate(second, usegmt=True)}".encode("ascii")
