"""A head that is remembered says exactly what the parser says, and nothing else is taken for it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.wire.join import HubRequest, hub_request
from fanout.wire.repeated_heads import MAX_HEADS, RepeatedHeads
from fanout.wire.request_head import BadRequest, parse_request_head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def head(key: str = KEY, *, target: str = "/v1/ws?room=stage", more: str = "") -> bytes:
    return (
        f"GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    ).encode()


def parsed(written: bytes) -> HubRequest:
    request = hub_request(parse_request_head(written))
    assert request is not None
    return request


@given(st.binary(min_size=16, max_size=16))
def test_a_repeated_head_with_another_key_gets_the_parsers_answer(key: bytes) -> None:
    heads = RepeatedHeads()
    heads.remember(head(), parsed(head()))
    again = head(base64.b64encode(key).decode())
    assert heads.recall(again) == parsed(again)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=0, max_size=30))
def test_what_is_no_key_is_never_recalled(key: str) -> None:
    """The parser refuses it, so it must not get in as one of the crowd."""
    heads = RepeatedHeads()
    heads.remember(head(), parsed(head()))
    again = head(key)
    try:
        expected = parsed(again)
    except BadRequest:
        assert heads.recall(again) is None
    else:
        assert heads.recall(again) in (None, expected)


@pytest.mark.parametrize(
    "written",
    [
        head(more="Cookie: fanout_session=x\r\n"),
        head(more="Authorization: Bearer abc\r\n"),
        head(target="/v1/ws?room=stage&token=abc"),
        head(target="/v1/ws?room=stage&last=x"),
        head(f" {KEY}"),
        head(more=f"X-Long: {'x' * 2048}\r\n"),
    ],
    ids=["a cookie", "a bearer token", "a token", "a mistake", "a key behind two spaces", "too long"],
)
def test_secrets_mistakes_and_odd_heads_are_not_remembered(written: bytes) -> None:
    heads = RepeatedHeads()
    heads.remember(written, parsed(written))
    assert heads.recall(written) is None


def test_another_room_is_another_head() -> None:
    heads = RepeatedHeads()
    heads.remember(head(), parsed(head()))
    assert heads.recall(head(target="/v1/ws?room=other")) is None


def test_only_so_many_heads_are_remembered_and_the_oldest_goes_first() -> None:
    heads = RepeatedHeads()
    targets = [f"/v1/ws?room=room{number}" for number in range(MAX_HEADS + 1)]
    for target in targets:
        heads.remember(head(target=target), parsed(head(target=target)))
    assert heads.recall(head(target=targets[0])) is None
    assert heads.recall(head(target=targets[1])) is not None
    assert heads.recall(head(target=targets[-1])) is not None
