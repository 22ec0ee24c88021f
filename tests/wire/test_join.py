"""Who gets to the hub, with which wishes; RFC 6455 §4.2 and the protocol's own rules."""

from __future__ import annotations

import pytest

from fanout.core.limits import MAX_LAST, MAX_ROOMS_PER_LISTENER
from fanout.core.position import Position
from fanout.wire.join import HubRequest, RoomWish, _asked_before, event_stream_head, handshake_response, hub_request
from fanout.wire.rendered import Format
from fanout.wire.request_head import BadRequest, parse_request_head

HANDSHAKE = {
    "Host": "example.org",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def ask(line: str, headers: dict[str, str | None]) -> HubRequest | None:
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value is not None), "", ""]
    return hub_request(parse_request_head("\r\n".join(lines).encode("latin-1")))


def websocket(query: str = "", line: str = "GET /v1/ws{} HTTP/1.1", **headers: str | None) -> HubRequest:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    request = ask(line.format(f"?{query}" if query else ""), {**HANDSHAKE, **more})
    assert request is not None
    return request


def events(query: str = "", room: str = "stage", **headers: str | None) -> HubRequest:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    line = f"GET /v1/rooms/{room}/events{'?' if query else ''}{query} HTTP/1.1"
    request = ask(line, {"Host": "example.org", **more})
    assert request is not None
    return request


# --- the opening handshake -------------------------------------------------------------------------------------------


def test_the_handshake_of_rfc_6455_section_1_3_is_answered_as_there() -> None:
    response = handshake_response(websocket())
    assert response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
    assert b"Sec-WebSocket-Protocol" not in response
    assert b"Sec-WebSocket-Extensions" not in response
    assert response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("section", "changed", "status"),
    [
        ("4.2.1", {"Upgrade": None}, 426),
        ("4.2.1", {"Upgrade": "h2c"}, 426),
        ("4.2.1", {"Connection": None}, 426),
        ("4.2.1", {"Connection": "keep-alive"}, 426),
        ("4.2.1", {"Connection": "Upgraded"}, 426),
        ("4.2.2", {"Sec-WebSocket-Version": None}, 426),
        ("4.2.2", {"Sec-WebSocket-Version": "8"}, 426),
        ("4.2.2", {"Sec-WebSocket-Version": "13, 8"}, 426),
        ("4.2.1", {"Sec-WebSocket-Key": None}, 400),
        ("4.2.1", {"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
        ("4.2.1", {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR=="}, 400),
        ("4.2.1", {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ"}, 400),
        ("4.2.1", {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j\u00b2Q=="}, 400),
        ("9110 §9.3.1", {"Content-Length": "5"}, 400),
        ("9110 §9.3.1", {"Transfer-Encoding": "chunked"}, 400),
        ("ours", {"Sec-WebSocket-Protocol": "chat"}, 400),
        ("ours", {"Sec-WebSocket-Protocol": ""}, 400),
    ],
)
def test_a_bad_handshake_is_refused(section: str, changed: dict[str, str | None], status: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        ask("GET /v1/ws HTTP/1.1", {**HANDSHAKE, **changed})
    assert refusal.value.status == status, section
    assert (("Sec-WebSocket-Version", "13") in refusal.value.headers) is (status == 426)
    assert (("Upgrade", "websocket") in refusal.value.headers) is (status == 426)


def test_there_is_no_upgrade_in_http_1_0() -> None:
    """RFC 6455 §4.2.1, RFC 9110 §7.8."""
    with pytest.raises(BadRequest):
        ask("GET /v1/ws HTTP/1.0", {**HANDSHAKE})


@pytest.mark.parametrize(
    "changed",
    [
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "KEEP-ALIVE ,\tUPGRADE"},
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, websocket"},
        {"Content-Length": "0"},
    ],
)
def test_every_right_way_to_write_a_handshake_is_taken(changed: dict[str, str]) -> None:
    assert ask("GET /v1/ws HTTP/1.1", {**HANDSHAKE, **changed}) is not None


@pytest.mark.parametrize(
    ("offered", "chosen", "format"),
    [
        (None, None, Format.JSON),
        ("fanout.v1.json", "fanout.v1.json", Format.JSON),
        ("fanout.v1.msgpack", "fanout.v1.msgpack", Format.MSGPACK),
        ("chat, fanout.v1.msgpack ,fanout.v1.json", "fanout.v1.msgpack", Format.MSGPACK),
    ],
)
def test_the_first_known_subprotocol_that_a_client_offers_is_chosen(
    offered: str | None, chosen: str | None, format: Format
) -> None:
    request = websocket(Sec_WebSocket_Protocol=offered)
    assert (request.subprotocol, request.format) == (chosen, format)
    assert (f"Sec-WebSocket-Protocol: {chosen}\r\n".encode() in handshake_response(request)) is (chosen is not None)


@pytest.mark.parametrize(
    "line",
    [
        "POST /v1/ws HTTP/1.1",
        "HEAD /v1/ws HTTP/1.1",
        "GET /v1/ws/ HTTP/1.1",
        "GET / HTTP/1.1",
        "HEAD /v1/rooms/stage/events HTTP/1.1",
        "OPTIONS /v1/rooms/stage/events HTTP/1.1",
        "GET /v1/rooms/stage/messages HTTP/1.1",
        "GET /v1/rooms//events HTTP/1.1",
        "GET /v1/rooms/a/b/events HTTP/1.1",
        "GET /v1/rooms/events HTTP/1.1",
        "OPTIONS * HTTP/1.1",
    ],
)
def test_anything_else_is_ordinary_http(line: str) -> None:
    assert ask(line, {**HANDSHAKE}) is None


# --- wishes ----------------------------------------------------------------------------------------------------------


def test_a_websocket_asks_for_rooms_positions_and_a_replay() -> None:
    request = websocket("room=stage&room=%40desk%2Fstage&after=stage@k3f9:18&last=7&room=stage&unknown=x")
    assert request.problem is None
    assert request.rooms == (
        RoomWish("stage", Position("k3f9", 18), 7),
        RoomWish("@desk/stage", None, 7),
    )
    assert websocket().rooms == ()


def test_the_same_wish_again_is_read_the_same() -> None:
    """Wishes are remembered: neither a token nor a problem may stick to the next who asks so."""
    for _ in range(2):
        assert websocket("room=stage&last=3").rooms == (RoomWish("stage", None, 3),)
        assert websocket("room=stage&last=3").token is None
        assert websocket("room=stage&last=3&token=a").token == "a"
    kept = _asked_before.cache_info().currsize
    websocket("room=stage&last=4&token=secret")
    websocket("room=stage&last=5&unknown=" + "x" * 200)
    assert _asked_before.cache_info().currsize == kept
    first, second = websocket("room=!"), websocket("room=!")
    assert first.problem is not None
    assert first.problem is not second.problem


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("room=", "bad_room_name"),
        ("room=a/b", "bad_room_name"),
        ("room=" + "a" * 65, "bad_room_name"),
        ("room=a%00", "bad_room_name"),
        ("room=%ff", "bad_query"),
        ("room=a&after=a@", "bad_position"),
        ("room=a&after=k3f9:18", "bad_position"),
        ("room=a&after=b@k3f9:18", "bad_position"),
        ("room=a&after=a@k3f9:-1", "bad_position"),
        ("room=a&after=a@k3f9:9007199254740992", "bad_position"),
        ("room=a&after=a@K3F9:1", "bad_position"),
        ("last=", "bad_last"),
        ("last=-1", "bad_last"),
        ("last=ten", "bad_last"),
        ("last=1.5", "bad_last"),
        ("last=%C2%B2", "bad_last"),
        ("last=1&last=2", "bad_query"),
        ("token=a&token=b", "bad_query"),
        ("&".join(f"room=r{n}" for n in range(MAX_ROOMS_PER_LISTENER + 1)), "too_many_rooms"),
    ],
)
def test_a_bad_wish_is_carried_along_so_that_the_client_can_be_told(query: str, code: str) -> None:
    request = websocket(query)
    assert request.problem is not None
    assert request.problem.code == code
    assert request.rooms == ()


@pytest.mark.parametrize(
    ("last", "replayed"),
    [("0", 0), ("007", 7), ("1001", MAX_LAST), ("9" * 18, MAX_LAST), ("9" * 5000, MAX_LAST), ("0" * 5000, 0)],
)
def test_a_replay_beyond_the_limit_is_cut_not_refused(last: str, replayed: int) -> None:
    assert events(f"last={last}").rooms == (RoomWish("stage", None, replayed),)


def test_as_many_rooms_as_are_allowed_are_taken() -> None:
    query = "&".join(f"room=r{n}" for n in range(MAX_ROOMS_PER_LISTENER))
    assert len(websocket(query).rooms) == MAX_ROOMS_PER_LISTENER


# --- event streams ---------------------------------------------------------------------------------------------------


def test_an_event_stream_asks_for_its_room() -> None:
    request = events("after=k3f9:18")
    assert (request.kind, request.format) == ("events", Format.EVENTS)
    assert request.rooms == (RoomWish("stage", Position("k3f9", 18)),)
    assert events(room="@desk/stage").rooms == events(room="@desk%2Fstage").rooms == (RoomWish("@desk/stage"),)


def test_the_last_event_id_wins_over_the_address_that_the_browser_began_with() -> None:
    """WHATWG HTML §9.2.3: a reconnect sends the same address, and the id it has come to."""
    assert events("after=k3f9:18", Last_Event_ID="k3f9:40").rooms == (RoomWish("stage", Position("k3f9", 40)),)
    assert events("after=k3f9:18", Last_Event_ID="").rooms == (RoomWish("stage", Position("k3f9", 18)),)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (events(Last_Event_ID="18"), "bad_position"),
        (events("after=stage@k3f9:18"), "bad_position"),
        (events(room="a%20b"), "bad_room_name"),
        (events("last=x"), "bad_last"),
    ],
)
def test_a_bad_wish_of_an_event_stream_is_carried_along_too(request_: HubRequest, code: str) -> None:
    assert request_.problem is not None
    assert request_.problem.code == code


def test_an_event_stream_begins_with_its_head_and_the_delay_of_a_reconnect() -> None:
    head, _, body = event_stream_head(1234).partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: text/event-stream\r\n" in head
    assert b"\r\nConnection: close\r\n" in head
    assert b"Content-Length" not in head
    assert body == b"retry: 1234\n\n"


# --- who asks --------------------------------------------------------------------------------------------------------


def test_a_token_comes_in_the_query_the_header_or_the_session_cookie_in_this_order() -> None:
    cookie = {"Cookie": 'a=b; fanout_session="c.c.c"; d=e', "Origin": "https://example.org"}
    assert websocket(Cookie=cookie["Cookie"], Origin=cookie["Origin"]).token == "c.c.c"
    assert websocket(Authorization="Bearer h.h.h", Cookie=cookie["Cookie"], Origin=cookie["Origin"]).token == "h.h.h"
    assert websocket("token=q.q.q", Authorization="Bearer h.h.h").token == "q.q.q"
    assert events(Authorization="bEARER  h.h.h").token == "h.h.h"
    assert websocket().token is None


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer a b", "h.h.h"])
def test_an_authorization_that_is_no_bearer_token_does_not_pass_for_a_visitors(authorization: str) -> None:
    assert websocket(Authorization=authorization).token == ""


@pytest.mark.parametrize(
    "origin", [None, "https://evil.org", "null", "https://example.org.evil.org", "https://example.org:1"]
)
def test_another_sites_page_can_not_use_the_session_cookie_over_a_websocket(origin: str | None) -> None:
    assert websocket(Cookie="fanout_session=c.c.c", Origin=origin).token is None


def test_an_event_stream_of_the_same_host_has_no_origin_and_may_use_the_cookie() -> None:
    assert events(Cookie="fanout_session=c.c.c").token == "c.c.c"
    assert events(Cookie="fanout_session=c.c.c", Origin="https://evil.org").token is None


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, None),
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6,2001:db8::1", "2001:db8::1"),
        ("1.2.3.4,", None),
        ("unknown", None),
        ("1.2.3.4" * 100, None),
    ],
)
def test_of_a_chain_of_addresses_the_one_counts_that_the_nearest_proxy_saw(
    forwarded: str | None, address: str | None
) -> None:
    assert websocket(X_Forwarded_For=forwarded).forwarded_for == address


def test_the_origin_is_passed_on() -> None:
    assert websocket(Origin="https://partner.org").origin == "https://partner.org"
    assert events(Origin="https://partner.org").origin == "https://partner.org"


SAME_HOST = "https://example.org"


def test_a_visitor_is_known_by_a_cookie_where_there_is_no_token() -> None:
    both = "fanout_session=s.s.s; fanout_visitor=v.v.v"
    request = websocket(Cookie="fanout_visitor=v.v.v", Origin=SAME_HOST)
    assert (request.token, request.visitor) == (None, "v.v.v")
    assert events(Cookie='other=1; fanout_visitor="v.v.v"').visitor == "v.v.v"
    for request in (
        websocket(Cookie=both, Origin=SAME_HOST),
        websocket("token=q.q.q", Cookie=both, Origin=SAME_HOST),
        websocket(Authorization="Bearer h.h.h", Cookie=both, Origin=SAME_HOST),
        websocket(Authorization="nonsense", Cookie=both, Origin=SAME_HOST),
    ):
        assert request.token is not None
        assert request.visitor is None


@pytest.mark.parametrize("origin", ["https://evil.org", "null", None])
def test_another_site_can_not_speak_for_a_visitor_either(origin: str | None) -> None:
    request = websocket(Cookie="fanout_visitor=v.v.v", Origin=origin)
    assert (request.token, request.visitor) == (None, None)
