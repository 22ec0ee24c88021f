"""Connections of ordinary HTTP: keeping, pipelining, bodies, deadlines, clients that leave, applications that fail."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from fanout.web import http, request_body, transport
from tests.web.site import Site, read_answer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
START = {"type": "http.response.start", "status": 200}
BODY = {"type": "http.response.body", "body": b"x"}


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers with the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_pipelined_requests_are_answered_in_order(bare_site: Site) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    await stream.send_all(b"".join(POST + b"Content-Length: 1\r\n\r\n%d" % number for number in range(5)))
    data = b""
    while data.count(b"HTTP/1.1 200 OK") < 5 or not data.endswith(b"4"):
        data += await stream.receive_some()
    assert [part[-1:] for part in data.split(b"HTTP/1.1 200 OK")[1:]] == [b"0", b"1", b"2", b"3", b"4"]
    await stream.aclose()


async def test_a_request_that_comes_byte_by_byte_is_one_request(bare_site: Site) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    for byte in POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n":
        await stream.send_all(bytes([byte]))
        await wait_all_tasks_blocked()
    assert body_of(await read_answer(stream)) == b"abc"
    await stream.aclose()


async def test_a_request_for_the_hub_on_a_kept_connection_goes_back_with_all_its_bytes(site: Site) -> None:
    stream = await site.connect()
    events = b"GET /v1/rooms/stage/events?last=1 HTTP/1.1\r\nHost: a\r\n\r\n"
    await stream.send_all(GET + events + b"and more")
    assert (await read_answer(stream)).startswith(b"HTTP/1.1 200 ")
    await wait_all_tasks_blocked()
    [handover] = site.adopted
    assert handover.received == events + b"and more"
    assert (handover.address, handover.secure) == ("127.0.0.1", False)
    handover.sock.send(b"from the hub")
    assert await stream.receive_some() == b"from the hub"
    handover.sock.close()
    await stream.aclose()


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(bare_site: Site) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    await stream.send_all(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await stream.receive_some() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await stream.send_all(b"ok")
    assert body_of(await read_answer(stream)) == b"ok"
    await stream.aclose()


async def test_a_client_that_waits_is_refused_without_being_asked_for_its_body(site: Site) -> None:
    stream = await site.connect()
    head = b"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    await stream.send_all(head)
    assert (await read_answer(stream)).startswith(b"HTTP/1.1 401 ")
    await stream.aclose()


async def test_head_gets_the_head_of_get_and_nothing_more(site: Site) -> None:
    async with site.client() as client:
        for path in ("/healthz", "/v1/rooms/stage", "/rooms/stage", "/nothing", "/metrics"):
            got, head = await client.get(path), await client.head(path)
            assert head.content == b""
            assert (head.status_code, head.headers["content-length"]) == (
                got.status_code,
                got.headers["content-length"],
            )


async def test_an_answer_of_unknown_length_goes_in_chunks_or_to_an_old_client_until_the_end(bare_site: Site) -> None:
    async def parts(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    await bare_site.listen(parts)
    async with bare_site.client() as client:
        for _ in range(2):
            assert (await client.get("/")).content == b"onetwo"
    stream = await bare_site.connect()
    await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
    data = b""
    while more := await stream.receive_some():
        data += more
    assert body_of(data) == b"onetwo"
    await stream.aclose()


async def test_a_body_over_the_limit_is_refused_before_all_of_it_has_come(bare_site: Site) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    sent = 0
    with trio.move_on_after(20):
        try:
            while sent < request_body.MAX_BODY_BYTES * 3:
                await stream.send_all(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        except trio.BrokenResourceError:
            pass
    assert sent < request_body.MAX_BODY_BYTES * 3
    await stream.aclose()


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (b"GET / HTTP/1.1\r\nHost:", http.HEAD_SECONDS),
        (b"G", http.HEAD_SECONDS),
        (POST + b"Content-Length: 5\r\n\r\nab", request_body.BODY_GRACE_SECONDS),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", request_body.BODY_GRACE_SECONDS),
    ],
)
async def test_what_was_begun_and_does_not_come_ends_in_408(
    bare_site: Site, autojump_clock: MockClock, raw: bytes, seconds: float
) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    await stream.send_all(raw)
    began = trio.current_time()
    answer = await read_answer(stream)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert seconds - 0.1 < trio.current_time() - began < seconds + 1
    await stream.aclose()


async def test_a_body_that_trickles_is_cut_though_each_byte_is_in_time(
    bare_site: Site, autojump_clock: MockClock
) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    await stream.send_all(POST + b"Content-Length: 1000\r\n\r\n")
    began = trio.current_time()
    answer = None
    async with trio.open_nursery() as nursery:

        async def trickle() -> None:
            for _ in range(1000):
                await stream.send_all(b"x")
                await trio.sleep(1)

        nursery.start_soon(trickle)
        answer = await read_answer(stream)
        nursery.cancel_scope.cancel()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert trio.current_time() - began < request_body.BODY_GRACE_SECONDS + 2
    await stream.aclose()


async def test_a_silent_connection_is_closed_without_a_word(bare_site: Site, autojump_clock: MockClock) -> None:
    await bare_site.listen(echo)
    stream = await bare_site.connect()
    began = trio.current_time()
    assert await stream.receive_some() == b""
    assert trio.current_time() - began == pytest.approx(http.IDLE_SECONDS, abs=0.5)
    await stream.aclose()


async def enormous(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """More than any socket buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 50_000_000})


async def test_a_client_that_stops_reading_is_cut(bare_site: Site, autojump_clock: MockClock) -> None:
    await bare_site.listen(enormous)
    stream = await bare_site.connect()
    began = trio.current_time()
    await stream.send_all(GET)
    while not bare_site.ended:  # noqa: ASYNC110  (virtual seconds)
        await trio.sleep(1)
    assert trio.current_time() - began <= transport.WRITE_SECONDS + 3
    await stream.aclose()


async def test_a_client_that_stops_reading_does_not_hold_up_a_shutdown(bare_site: Site) -> None:
    async with trio.open_nursery() as nursery:
        own = Site(bare_site.engine, bare_site.tokens, nursery)
        await own.listen(enormous)
        stream = await own.connect()
        await stream.send_all(GET)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        began = trio.current_time()
    assert own.ended == 1
    assert trio.current_time() - began < 2
    await stream.aclose()


async def test_an_application_is_told_when_its_client_leaves(bare_site: Site) -> None:
    heard: list[str] = []

    async def waiting(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request":
            pass
        heard.append(message["type"])

    await bare_site.listen(waiting)
    stream = await bare_site.connect()
    await stream.send_all(GET)
    await wait_all_tasks_blocked()
    await stream.aclose()
    while not bare_site.ended:
        await trio.lowlevel.checkpoint()
    assert heard == ["http.disconnect"]


async def test_a_failing_application_gets_a_500_that_tells_the_client_nothing_and_the_log_everything(
    bare_site: Site,
) -> None:
    async def failing(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        raise ValueError("the password is 1234")

    await bare_site.listen(failing)
    with structlog.testing.capture_logs() as logged:
        answer, closed = await bare_site.say_on(await bare_site.connect(), GET)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body_of(answer))["code"] == "internal_error"
    assert b"1234" not in answer
    assert b"Traceback" not in answer
    assert closed
    [line] = logged
    assert (line["event"], line["path"], line["exc_info"]) == ("request_failed", "/healthz", True)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [START],
        [BODY],
        [START, START],
        [START | {"headers": [(b"x", b"a\r\nb: c")]}, BODY],
        [START | {"headers": [(b"content-length", b"9")]}, BODY],
        [START | {"headers": [(b"content-length", b"0")]}, BODY],
        [START, BODY | {"more_body": True}],
    ],
    ids=["nothing", "a start alone", "no start", "two starts", "a split header", "too short", "too long", "no end"],
)
async def test_an_application_that_answers_wrongly_never_makes_the_connection_go_on(
    bare_site: Site, messages: list[dict[str, Any]]
) -> None:
    async def wrong(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    await bare_site.listen(wrong)
    stream = await bare_site.connect()
    data = b""
    with structlog.testing.capture_logs() as logged, trio.fail_after(5):
        await stream.send_all(GET)
        while more := await stream.receive_some():
            data += more
    assert b"\r\nb: c" not in data
    assert logged
    await stream.aclose()


async def test_draining_ends_idle_connections_at_once_and_busy_ones_with_their_answer(bare_site: Site) -> None:
    go = trio.Event()

    async def slow(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await go.wait()
        await echo(scope, receive, send)

    await bare_site.listen(slow)
    idle, busy = await bare_site.connect(), await bare_site.connect()
    await idle.send_all(GET)
    await read_answer(idle)
    await busy.send_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    await wait_all_tasks_blocked()
    bare_site.http.drain()
    assert await idle.receive_some() == b""
    go.set()
    answer = await read_answer(busy)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    assert await busy.receive_some() == b""


async def test_an_answer_takes_two_turns_of_the_scheduler(site: Site) -> None:
    """One to read the request, one in the log: under fan-out each may have to wait for a slice of it."""

    class Steps(trio.abc.Instrument):
        count = 0

        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name.endswith("_serve"):
                self.count += 1

    stream = await site.connect()
    body = b'{"text":"quick"}'
    request = (
        b"POST /v1/rooms/stage/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (site.token().encode(), len(body), body)
    )
    await stream.send_all(request)
    assert (await read_answer(stream)).startswith(b"HTTP/1.1 201 ")
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    for _ in range(10):
        await stream.send_all(request)
        await read_answer(stream)
    trio.lowlevel.remove_instrument(steps)
    assert steps.count <= 20
    await stream.aclose()
