"""The webhook against a real service on a real socket: signed, bounded, a failure unless the answer is a verdict."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from fanout.plugins import ConfigurationError, RoomView, Source, Submission, Verdict, accept, hold, reject, replace
from fanout.plugins.webhook import MAX_ANSWER_BYTES, BadAnswer, Webhook
from fanout.plugins.webhook_signature import WINDOW_SECONDS, WebhookVerifier, sign

SECRET = "a secret of some length"
ROOM = RoomView("questions")
SENT = Submission(
    1, "abcdefghijkl", "questions", Source.WEB, "1", "visitor:ann", "Zoé", "Où ça ? 👋", 1_700_000_000_000
)


class Service:
    """Answers whatever it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = b'{"verdict":"accept"}'
        self.status = "200 OK"
        self.more = ""
        self.silent = False
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def talk(self, stream: trio.SocketStream) -> None:
        read = b""
        while True:
            while b"\r\n\r\n" not in read:
                part = await stream.receive_some()
                if not part:
                    return
                read += part
            head, _, read = read.partition(b"\r\n\r\n")
            _, *lines = head.decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            length = int({name.lower(): value for name, value in headers.items()}["content-length"])
            while len(read) < length:
                read += await stream.receive_some()
            self.asked.append((headers, read[:length]))
            read = read[length:]
            if self.silent:
                await trio.sleep_forever()
            reply = f"HTTP/1.1 {self.status}\r\n{self.more}Content-Length: {len(self.answer)}\r\n\r\n".encode()
            await stream.send_all(reply + self.answer)


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    there = Service()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            there.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/review"

            async def talk(stream: trio.SocketStream) -> None:
                try:
                    await there.talk(stream)
                except trio.BrokenResourceError:
                    return

            nursery.start_soon(trio.serve_listeners, talk, [listener])
            yield there
            nursery.cancel_scope.cancel()


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    (tmp_path / "secret").write_text(SECRET + "\n")
    return str(tmp_path / "secret")


async def ask(there: Service, secret_file: str) -> Verdict | None:
    plugin = Webhook(url=there.url, secret_file=secret_file)
    try:
        return await plugin.review_submission(SENT, ROOM)
    finally:
        await plugin._client.aclose()


async def test_the_service_is_told_the_text_and_not_who_wrote_it_and_can_trust_it_once(secret_file: str):
    async with service() as there:
        assert await ask(there, secret_file) == accept()
        [(headers, body)] = there.asked
    assert json.loads(body) == {
        "id": "abcdefghijkl", "room": "questions", "source": "web", "name": "Zoé", "text": "Où ça ? 👋",
        "at": 1_700_000_000_000,
    }  # fmt: skip
    assert SECRET not in str(headers)
    verifier = WebhookVerifier(SECRET.encode())
    assert verifier.fault(headers, body + b" ") == "its signature does not match"
    assert verifier.fault(headers, body) == ""
    assert verifier.fault(headers, body) == "it came before"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"verdict": "accept"}, accept()),
        ({"verdict": "hold", "reason": "Look."}, hold("Look.", rule="service")),
        ({"verdict": "reject", "reason": "No."}, reject("No.", rule="service")),
        ({"verdict": "replace", "text": "Better."}, replace("Better.", rule="service")),
    ],
)
async def test_its_answer_is_the_verdict(secret_file: str, answer: dict[str, str], verdict: Verdict):
    async with service() as there:
        there.answer = json.dumps(answer).encode()
        assert await ask(there, secret_file) == verdict


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"yes", b"[]", b"{}", b'{"verdict":"ban"}', b'{"verdict":"reject"}', b'{"verdict":"replace"}',
        b'{"verdict":"hold","reason":3}', b'{"verdict":["accept"]}', b"[" * 60_000, b"\xff\xfe",
        b'{"verdict":"accept"}'.ljust(MAX_ANSWER_BYTES + 1), b'{"verdict":"accept"}'.ljust(50 * MAX_ANSWER_BYTES),
    ],
)  # fmt: skip
async def test_anything_else_is_a_failure(secret_file: str, answer: bytes):
    async with service() as there:
        there.answer = answer
        with pytest.raises(BadAnswer):
            await ask(there, secret_file)


@pytest.mark.parametrize(
    ("status", "more"),
    [
        ("302 Found", "Location: /elsewhere\r\n"), ("204 No Content", ""), ("202 Accepted", ""), ("500 Oops", ""),
        ("200 OK", "Content-Encoding: gzip\r\n"),
    ],
)  # fmt: skip
async def test_no_redirect_is_followed_and_nothing_is_unpacked(secret_file: str, status: str, more: str):
    async with service() as there:
        there.status, there.more = status, more
        with pytest.raises((BadAnswer, httpx.RemoteProtocolError)):
            await ask(there, secret_file)
        assert len(there.asked) == 1


async def test_a_service_that_is_silent_is_left_at_the_deadline_and_one_that_is_away_is_a_failure(secret_file: str):
    async with service() as there:
        there.silent = True
        with trio.move_on_after(0.3) as scope:
            await ask(there, secret_file)
        assert scope.cancelled_caught
    with pytest.raises(httpx.ConnectError):
        await ask(there, secret_file)


def delivery(at: float, id: str = "one", secret: bytes = SECRET.encode()) -> dict[str, str]:
    stamp = str(int(at))
    return {
        "fanout-delivery": id, "FANOUT-TIMESTAMP": stamp, "Fanout-Signature": sign(secret, stamp, id, b"{}"),
    }  # fmt: skip


def test_the_verifier_refuses_what_is_forged_old_or_sent_again_as_long_as_it_could_be():
    now = 1_700_000_000.0
    verifier = WebhookVerifier(SECRET.encode(), clock=lambda: now)
    assert verifier.fault({}, b"{}") == "it has no delivery id"
    assert verifier.fault(delivery(now) | {"FANOUT-TIMESTAMP": "soon"}, b"{}") == "it has no timestamp"
    assert verifier.fault(delivery(now, secret=b"another secret!!"), b"{}") == "its signature does not match"
    assert verifier.fault(delivery(now) | {"fanout-delivery": "two"}, b"{}") == "its signature does not match"
    assert verifier.fault(delivery(now) | {"Fanout-Signature": "é"}, b"{}") == "its signature does not match"
    for far in (-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1):
        assert verifier.fault(delivery(now + far), b"{}") == "it is too old or too new"
    early = delivery(now + WINDOW_SECONDS)
    assert verifier.fault(early, b"{}") == ""
    now += 2 * WINDOW_SECONDS
    assert verifier.fault(early, b"{}") == "it came before", "its time is still within the window"
    now += 1
    assert verifier.fault(early, b"{}") == "it is too old or too new"
    assert verifier.fault(delivery(now, "two"), b"{}") == ""
    assert len(verifier._known) == 1, "what can't come again is forgotten"
    with pytest.raises(ValueError, match="16 bytes"):
        WebhookVerifier(b"short")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https://ann:pw@example.org/", "https://a b/",
        "example.org", "http://127.0.0.1.example.org/", "http://127.0.0.1@example.org/", "https://example.org:99999/", "https://[::1",
        "https://example.org/#x", "https://example.org\\@evil.net/",
    ],
)  # fmt: skip
def test_an_address_that_anybody_could_listen_to_is_refused(url: str, secret_file: str):
    with pytest.raises(ConfigurationError, match=r"^plugins\.webhook\.url:"):
        Webhook(url=url, secret_file=secret_file)


@pytest.mark.parametrize(
    "url", ["https://example.org/x?y=z", "http://[::1]:80/", "http://localhost/", "http://127.9.9.9/"]
)
def test_one_over_tls_or_on_this_machine_is_taken(url: str, secret_file: str):
    Webhook(url=url, secret_file=secret_file)


def test_the_secret_comes_from_one_place_is_long_enough_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret_file: str
):
    url = "https://example.org/"
    (tmp_path / "short").write_text("too short")
    monkeypatch.setenv("HOOK_SECRET", "short too")
    for options, named in (
        ({}, "secret_env"),
        ({"secret_env": "HOOK_SECRET", "secret_file": secret_file}, "secret_env"),
        ({"secret_env": "HOOK_SECRET"}, "secret_env"),
        ({"secret_env": "NOT_SET"}, "secret_env"),
        ({"secret_file": str(tmp_path / "nowhere")}, "secret_file"),
        ({"secret_file": str(tmp_path / "short")}, "secret_file"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            Webhook(url=url, **options)
        assert str(refused.value).startswith(f"plugins.webhook.{named}:")
        assert "short too" not in str(refused.value)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert Webhook(url=url, secret_env="HOOK_SECRET")._secret == SECRET.encode()


def test_without_httpx_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, secret_file: str):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ConfigurationError, match=r"fanout-live\[webhook\]"):
        Webhook(url="https://example.org/", secret_file=secret_file)
