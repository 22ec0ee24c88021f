"""Publishing over HTTP: acknowledged once, repeated safely, refused clearly."""

from __future__ import annotations

import ssl

import pytest
import trio
import trustme

from fanout import errors
from fanout.client import Unreachable, open_client, open_publisher
from fanout.core.message import Message
from tests.client.small_server import small_server


async def test_messages_are_published_on_one_kept_connection_and_their_positions_come_back() -> None:
    async with small_server() as server, open_publisher(server.url, token="t") as publisher:
        with trio.fail_after(5):
            first = await publisher.publish("stage", "one", data={"n": 1})
            both = await publisher.publish_all("stage", [{"text": "two"}, {"text": "three"}])
    assert [str(receipt.position) for receipt in (first, *both)] == ["aaaa:1", "aaaa:2", "aaaa:3"]
    assert [entry["text"] for entry in server.rooms["stage"].entries] == ["one", "two", "three"]
    assert len(server.requests) == 1, "the connection was kept"


async def test_a_connection_that_breaks_after_the_commit_repeats_nothing() -> None:
    async with small_server() as server, open_publisher(server.url) as publisher:
        server.break_after_commit = 2
        with trio.fail_after(20):
            receipt = await publisher.publish("stage", "once")
    assert str(receipt.position) == "aaaa:1"
    assert len(server.rooms["stage"].entries) == 1
    assert len(server.requests) == 3


async def test_a_kept_connection_that_the_server_has_closed_is_replaced() -> None:
    async with small_server() as server, open_publisher(server.url) as publisher:
        with trio.fail_after(20):
            await publisher.publish("stage", "one")
            server.break_after_commit = 1
            await publisher.publish("stage", "two")
            await publisher.publish("stage", "three")
    assert [entry["text"] for entry in server.rooms["stage"].entries] == ["one", "two", "three"]


async def test_a_server_that_can_not_commit_for_a_moment_is_asked_again() -> None:
    async with small_server() as server, open_publisher(server.url) as publisher:
        server.http_answers = [(503, {"code": "log_unavailable", "detail": "The disk is full."})] * 2
        with trio.fail_after(20):
            assert str((await publisher.publish("stage", "at last")).position) == "aaaa:1"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad_json", errors.InvalidInput),
        (401, "token_missing", errors.NotAllowed),
        (403, "role_refused", errors.NotAllowed),
        (404, "room_not_found", errors.RoomNotFound),
        (409, "idempotency_key_reused", errors.KeyReused),
        (413, "text_too_long", errors.InvalidInput),
    ],
)
async def test_a_refusal_is_an_error_with_the_servers_code_and_words(
    status: int, code: str, kind: type[errors.FanoutError]
) -> None:
    async with small_server() as server, open_publisher(server.url) as publisher:
        server.http_answers = [(status, {"code": code, "detail": "Because."})]
        with trio.fail_after(5), pytest.raises(kind, match="Because") as caught:
            await publisher.publish("stage", "x")
        assert caught.value.code == code
        assert len(server.requests) == 1, "it is not tried again"
        with trio.fail_after(5):
            await publisher.publish("stage", "the connection is good for more")


async def test_nobody_there_is_said_with_the_key_for_a_later_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanout.client.publisher.ATTEMPTS", 2)
    async with small_server() as server:
        url = server.url
    async with open_publisher(url) as publisher:
        with trio.fail_after(10), pytest.raises(Unreachable, match="refused") as caught:
            await publisher.publish("stage", "x", key="mine")
    assert caught.value.key == "mine"


async def test_an_answer_that_is_not_ours_is_an_error_not_a_crash() -> None:
    async with small_server() as server, open_publisher(server.url) as publisher:
        for nonsense in ("a page", {"id": 1}, [3], {"id": "x", "position": "far away"}):
            server.http_answers = [(201, nonsense)]  # type: ignore[list-item]
            with trio.fail_after(5), pytest.raises(errors.FanoutError):
                await publisher.publish("stage", "x")


async def test_publishing_and_listening_work_over_tls_and_a_stranger_is_not_trusted() -> None:
    authority = trustme.CA()
    server_side, client_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.configure_trust(client_side)
    async with small_server(server_side) as server:
        with trio.fail_after(15):
            async with open_client(server.url, rooms=["stage"], ssl_context=client_side) as client:
                await client.wait_live()
                async with open_publisher(server.url, ssl_context=client_side) as publisher:
                    await publisher.publish("stage", "secret")
                item = await anext(client)
                assert isinstance(item, Message)
                assert item.text == "secret"
        reasons: list[str] = []
        with trio.move_on_after(1):
            watch = lambda news: reasons.append(getattr(news, "reason", ""))  # noqa: E731
            async with open_client(server.url, rooms=["stage"], watch=watch) as client:
                await client.wait_live()
        assert any("certificate" in reason for reason in reasons)
