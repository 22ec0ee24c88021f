"""What RFC 9110 and 9112 say to refuse, as raw bytes on the ordinary path: the status, and whether to hang up.

Each is sent both on a fresh connection and after a good request on a kept one; nothing of it may reach the application.
"""

from __future__ import annotations

import json
import socket

import pytest
import trio
import trio.testing

from fanout.edge.socket_stream import SocketStream
from fanout.web.request_body import RequestBody
from fanout.web.transport import Transport
from fanout.wire.request_head import parse_request_head
from tests.web.site import Site, read_answer

GOOD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
PUT = b"PUT /v1/rooms/made HTTP/1.1\r\nHost: a\r\n"

REFUSED: dict[str, tuple[bytes, int]] = {
    "a line end that is LF alone": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "LF alone after a header": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "CR alone in a header": (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    "CR alone in the request line": (b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "NUL in a header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    "a control character": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x07b\r\n\r\n", 400),
    "white space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    "white space before the first header": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost: a\r\nrubbish\r\n\r\n", 400),
    "a header without a name": (b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    "a name that is no token": (b"GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "a Host that is none": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "a malformed version": (b"GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", 400),
    "a version in small letters": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "version 2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "two spaces in the request line": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tab in the request line": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a target with a space": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a target that is no path": (b"GET rooms HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a path that is not UTF-8": (b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a path with NUL": (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a cut escape": (b"GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long head": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
    "a long method": (b"A" * 50 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "a method that is no token": (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tunnel": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
    "two different lengths": (PUT + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400),
    "two equal lengths": (PUT + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a list of lengths": (PUT + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "a signed length": (PUT + b"Content-Length: +2\r\n\r\n{}", 400),
    "a negative length": (PUT + b"Content-Length: -2\r\n\r\n{}", 400),
    "a hexadecimal length": (PUT + b"Content-Length: 0x2\r\n\r\n{}", 400),
    "a length in other digits": (PUT + "Content-Length: ٢\r\n\r\n{}".encode(), 400),
    "an enormous length": (PUT + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", 400),
    "a length over the limit": (PUT + b"Content-Length: 9999999999\r\n\r\n", 413),
    "a length with chunked": (PUT + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked with HTTP/1.0": (
        b"PUT /v1/rooms/made HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked that is not last": (PUT + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "another coding": (PUT + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a coding that is almost chunked": (PUT + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "another expectation": (PUT + b"Expect: a-miracle\r\nContent-Length: 2\r\n\r\n{}", 417),
    "an event stream with a body": (
        b"GET /v1/rooms/stage/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        400,
    ),
    "a WebSocket over HTTP/1.0": (b"GET /v1/ws HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
    "no WebSocket handshake": (b"GET /v1/ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
    "binary rubbish": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}

CHUNKED = PUT + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

BAD_CHUNKS = {
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a size that is none": b"g\r\n{}\r\n0\r\n\r\n",
    "a signed size": b"+2\r\n{}\r\n0\r\n\r\n",
    "a size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "an enormous size": b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
    "a size that is too small": b"1\r\n{}\r\n0\r\n\r\n",
    "LF alone after the size": b"2\n{}\r\n0\r\n\r\n",
    "rubbish after the chunk": b"2\r\n{}xx0\r\n\r\n",
    "a long extension": b"2;" + b"a" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
    "a folded trailer": b"2\r\n{}\r\n0\r\n x: y\r\n\r\n",
    "chunks of one byte without end": b"1\r\n \r\n" * 2000 + b"2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("before", [b"", GOOD], ids=["first", "on a kept connection"])
@pytest.mark.parametrize("what", REFUSED)
async def test_a_request_that_the_rfcs_refuse_is_refused_and_the_connection_closed(
    site: Site, what: str, before: bytes
) -> None:
    raw, status = REFUSED[what]
    stream = await site.connect()
    if before:
        await stream.send_all(before)
        assert (await read_answer(stream)).startswith(b"HTTP/1.1 200 ")
    answer, closed = await site.say_on(stream, raw)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"%d" % status, head
    assert b"application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head.lower()
    assert json.loads(body)["status"] == status
    assert closed
    assert site.adopted == []
    assert list(site.engine.rooms) == ["stage"]


async def test_many_chunks_of_a_sensible_size_are_a_body(site: Site) -> None:
    token = b"Authorization: Bearer " + site.token().encode() + b"\r\nTransfer-Encoding"
    body = (b"40\r\n" + b" " * 64 + b"\r\n") * 5000 + b"2\r\n{}\r\n0\r\n\r\n"
    answer, _ = await site.say_on(await site.connect(), CHUNKED.replace(b"Transfer-Encoding", token) + body)
    assert answer.startswith(b"HTTP/1.1 201 "), answer


async def test_a_body_of_many_chunks_takes_turns_with_everybody_else() -> None:
    """They may have come all at once: between two of them, others are served."""
    with socket.socket() as sock:
        body = RequestBody(parse_request_head(CHUNKED), Transport(SocketStream(sock), b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"))
        for part in (b"{", b"}", b""):
            with trio.testing.assert_checkpoints():
                assert await body.next_part() == part


@pytest.mark.parametrize("what", BAD_CHUNKS)
async def test_malformed_chunks_are_refused(site: Site, what: str) -> None:
    token = b"Authorization: Bearer " + site.token().encode() + b"\r\nTransfer-Encoding"
    raw = CHUNKED.replace(b"Transfer-Encoding", token) + BAD_CHUNKS[what]
    answer, closed = await site.say_on(await site.connect(), raw)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "bad_chunk"
    assert closed
    assert list(site.engine.rooms) == ["stage"]


@pytest.mark.parametrize(
    ("raw", "status", "closed"),
    [
        (b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, False),
        (b"GET http://other.example/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, False),
        (b"GET /%68ealthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, False),
        (b"GET /healthz HTTP/1.9\r\nHost: a\r\n\r\n", 200, False),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200, True),
        (b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, True),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, True),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: X, CLOSE\r\n\r\n", 200, True),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200, False),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, False),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, False),
        (b"OPTIONS /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 204, False),
        (b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, False),
        (b"TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405, False),
        (b"GET /../healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404, False),
        (b"GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404, False),
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, False),
        (PUT + b"Content-Length: 2\r\n\r\n{}", 401, False),
        (PUT + b"Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n", 401, False),
        (PUT + b"Content-Length: 20000\r\n\r\n{", 401, True),
    ],
)
async def test_a_request_in_order_keeps_the_connection_unless_it_says_otherwise(
    site: Site, raw: bytes, status: int, closed: bool
) -> None:
    stream = await site.connect()
    head_only = raw.startswith(b"HEAD")
    answer, was_closed = await site.say_on(stream, raw, head_only=head_only)
    assert answer.split(b" ")[1] == b"%d" % status, answer
    assert was_closed == closed
    assert (b"\r\nconnection: close\r\n" in answer.lower()) == closed


async def test_a_refused_client_that_goes_on_sending_still_reads_the_refusal(site: Site) -> None:
    """Closing with bytes unread would reset the connection, and the answer be lost (RFC 9112 §9.6)."""
    stream = await site.connect()
    await stream.send_all(PUT + b"Content-Length: 9999999999\r\n\r\n")
    for _ in range(3):
        await stream.send_all(b"x" * 60_000)
    assert (await read_answer(stream)).startswith(b"HTTP/1.1 413 ")
    with trio.fail_after(5):
        assert await stream.receive_some() == b""
    await stream.aclose()
