"""Who asks for the hub, and for what: the WebSocket opening handshake (RFC 6455 §4.2) and event-stream requests.

What the request asks of rooms is read here too, but a mistake in that is carried along as `problem`: a WebSocket client
can only be told after it has been upgraded.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote

import msgspec

from fanout.core.limits import MAX_LAST, MAX_ROOMS_PER_LISTENER
from fanout.core.position import Position
from fanout.core.room import room_name
from fanout.errors import InvalidInput
from fanout.wire.rendered import Format
from fanout.wire.request_head import BadRequest, RequestHead

WEBSOCKET_PATH: Final = "/v1/ws"
SESSION_COOKIE: Final = "fanout_session"
VISITOR_COOKIE: Final = "fanout_visitor"

SUBPROTOCOLS: Final = {"fanout.v1.json": Format.JSON, "fanout.v1.msgpack": Format.MSGPACK}

_EVENTS_PATH = re.compile(r"/v1/rooms/(@[^/]+/[^/]+|[^/@][^/]*)/events")
_ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
KEY_CHARACTERS: Final = 24
"""Length of a Sec-WebSocket-Key: 16 bytes in base64 (RFC 6455 §4.1)."""
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
_NEEDED: Final = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))


class RoomWish(msgspec.Struct, frozen=True):
    """A room to listen to, and where to begin."""

    room: str
    after: Position | None = None
    last: int | None = None


class HubRequest(msgspec.Struct, frozen=True):
    """A request that the hub serves.

    `accept` and `subprotocol` are for WebSocket alone. `forwarded_for` is what the nearest proxy says of where the
    connection comes from: believe it only of a proxy that you trust. `visitor` is the token that a visitor is known by,
    where there is no other. With a `problem`, `rooms` is empty.
    """

    kind: Literal["websocket", "events"]
    rooms: tuple[RoomWish, ...]
    token: str | None
    format: Format
    accept: bytes = b""
    subprotocol: str | None = None
    origin: str | None = None
    forwarded_for: str | None = None
    problem: InvalidInput | None = None
    visitor: str | None = None


def hub_request(head: RequestHead) -> HubRequest | None:
    """What the hub is asked for, or None if this is for the ordinary HTTP.

    Raises:
        BadRequest: 400 or 426: a bad WebSocket handshake, or a body where there can be none.
    """
    if head.method != "GET":
        return None
    if head.path == WEBSOCKET_PATH:
        return _websocket(head)
    if head.path.endswith("/events") and (match := _EVENTS_PATH.fullmatch(head.path)):
        return _events(head, match[1])
    return None


def accept_of(key: bytes) -> bytes | None:
    """The Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2), or None if it is not a key."""
    if not _KEY.fullmatch(key):
        return None
    digest = hashlib.sha1(key + _ACCEPT_GUID, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False)


def handshake_response(request: HubRequest) -> bytes:
    """The 101 that opens a WebSocket (RFC 6455 §4.2.2)."""
    protocol = b"" if request.subprotocol is None else b"Sec-WebSocket-Protocol: %b\r\n" % request.subprotocol.encode()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n" % (request.accept, protocol)
    )


def event_stream_head(retry_ms: int) -> bytes:
    """The response head of an event stream, and its first line: how long to wait before coming back, in milliseconds.

    The stream ends with the connection. Any page may read it: rooms are public, and `*` never goes with cookies.
    """
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n"
        b"X-Accel-Buffering: no\r\nAccess-Control-Allow-Origin: *\r\n\r\nretry: %d\n\n" % retry_ms
    )


def _websocket(head: RequestHead) -> HubRequest:
    headers = head.headers
    if head.minor_version == 0:
        raise BadRequest("A WebSocket needs HTTP/1.1 (RFC 6455 §4.1).", code="bad_handshake")
    if not (_has(headers.get("upgrade"), "websocket") and _has(headers.get("connection"), "upgrade")):
        raise BadRequest(
            "This address takes WebSocket connections.", code="upgrade_required", status=426, headers=_NEEDED
        )
    if headers.get("sec-websocket-version") != "13":
        raise BadRequest(
            "The WebSocket version is 13 (RFC 6455).", code="bad_websocket_version", status=426, headers=_NEEDED
        )
    accept = accept_of(headers.get("sec-websocket-key", "").encode("latin-1", "replace"))
    if accept is None:
        raise BadRequest("Sec-WebSocket-Key is 16 bytes in base64.", code="bad_handshake")
    _refuse_body(headers)
    subprotocol = _subprotocol(headers.get("sec-websocket-protocol"))
    # Everybody who comes to an event asks for the same; but no token is kept.
    cached = len(head.query) <= 200 and "token=" not in head.query
    rooms, token, problem = _asked_before(head.query) if cached else _asked(head.query)
    token, visitor = _tokens(token, headers, anonymous_origin=False)
    return HubRequest(
        "websocket",
        rooms,
        token,
        Format.JSON if subprotocol is None else SUBPROTOCOLS[subprotocol],
        accept,
        subprotocol,
        headers.get("origin"),
        forwarded_for(headers),
        None if problem is None else InvalidInput(problem[0], code=problem[1]),
        visitor,
    )


def _events(head: RequestHead, room: str) -> HubRequest:
    headers = head.headers
    _refuse_body(headers)
    rooms, token, problem = _asked(head.query, room, headers.get("last-event-id"))
    token, visitor = _tokens(token, headers, anonymous_origin=True)
    return HubRequest(
        "events",
        rooms,
        token,
        Format.EVENTS,
        origin=headers.get("origin"),
        forwarded_for=forwarded_for(headers),
        problem=None if problem is None else InvalidInput(problem[0], code=problem[1]),
        visitor=visitor,
    )


def _refuse_body(headers: dict[str, str]) -> None:
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
        raise BadRequest("This request has no body.", code="unexpected_body")


def _subprotocol(offered: str | None) -> str | None:
    if offered is None:
        return None
    if offered in SUBPROTOCOLS:
        return offered
    chosen = next((name for name in map(str.strip, offered.split(",")) if name in SUBPROTOCOLS), None)
    if chosen is None:
        raise BadRequest(f"The subprotocols here are {' and '.join(SUBPROTOCOLS)}.", code="unknown_subprotocol")
    return chosen


_Asked = tuple[tuple[RoomWish, ...], str | None, tuple[str, str] | None]


def _asked(query: str, room: str | None = None, last_event_id: str | None = None) -> _Asked:
    """The rooms and the token in a query, and the detail and code of what is wrong with it.

    `room` and `last_event_id` are an event stream's. The header wins over `after`: a browser that reconnects sends the
    address it began with, and the id it has come to.
    """
    try:
        fields = _fields(query)
        token = _one(fields, "token")
        last = _count(_one(fields, "last"))
        if room is not None:
            written = last_event_id or _one(fields, "after")
            after = None if written is None else Position.parse(written)
            return (RoomWish(room_name(room), after, last),), token, None
        return _wishes(fields.get("room", []), fields.get("after", []), last), token, None
    except InvalidInput as error:
        return (), None, (error.detail, error.code)


_asked_before = lru_cache(maxsize=256)(_asked)


def _fields(query: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in ("room", "after", "last", "token"):
            if "%" in value or "+" in value:
                try:
                    value = unquote(value.replace("+", " "), errors="strict")
                except UnicodeDecodeError:
                    raise InvalidInput(f"{name} is not UTF-8.", code="bad_query") from None
            fields.setdefault(name, []).append(value)
    return fields


def _one(fields: dict[str, list[str]], name: str) -> str | None:
    values = fields.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise InvalidInput(f"{name} may stand only once.", code="bad_query")
    return values[0]


def _count(written: str | None) -> int | None:
    if written is None:
        return None
    if not _DIGITS.fullmatch(written):
        raise InvalidInput("last is a number of messages.", code="bad_last")
    return min(int(written[-18:]) if len(written.lstrip("0")) <= 18 else MAX_LAST, MAX_LAST)


def _wishes(rooms: list[str], afters: list[str], last: int | None) -> tuple[RoomWish, ...]:
    names = dict.fromkeys(map(room_name, rooms))
    if len(names) > MAX_ROOMS_PER_LISTENER:
        raise InvalidInput(f"One connection listens to at most {MAX_ROOMS_PER_LISTENER} rooms.", code="too_many_rooms")
    positions: dict[str, Position] = {}
    for written in afters:
        name, at, position = written.rpartition("@")
        if not at or name not in names:
            raise InvalidInput("after is ROOM@POSITION, for a room that is asked for.", code="bad_position")
        positions[name] = Position.parse(position)
    return tuple(RoomWish(name, positions.get(name), last) for name in names)


def _tokens(token: str | None, headers: dict[str, str], *, anonymous_origin: bool) -> tuple[str | None, str | None]:
    """The token: of the query, else the bearer token, else the session cookie's; and without any, the visitor's cookie.

    A cookie comes along wherever a page is from, so it counts only for a page of this very host: else any site could
    open a WebSocket in the name of a moderator who visits it. Browsers always send an Origin with a WebSocket, but none
    with an event stream of the same host.
    """
    if token:
        return token, None
    authorization = headers.get("authorization")
    if authorization is not None:
        match = _BEARER.fullmatch(authorization)
        return match[1] if match else "", None
    cookies = headers.get("cookie")
    if cookies is None or "fanout_" not in cookies:
        return None, None
    origin = headers.get("origin")
    same_host = (
        anonymous_origin if origin is None else origin.partition("://")[2].lower() == headers.get("host", "").lower()
    )
    if not same_host:
        return None, None
    session = _cookie(cookies, SESSION_COOKIE)
    return (session, None) if session else (None, _cookie(cookies, VISITOR_COOKIE))


def _cookie(cookies: str, wanted: str) -> str | None:
    for pair in cookies.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == wanted:
            return value.strip().strip('"') or None
    return None


def forwarded_for(headers: dict[str, str]) -> str | None:
    """The last address of X-Forwarded-For, which the nearest proxy saw itself; the others anybody can make up."""
    forwarded = headers.get("x-forwarded-for")
    if forwarded is None:
        return None
    address = forwarded.rpartition(",")[2].strip()
    return address if _ADDRESS.fullmatch(address) else None


def forwarded_over_tls(headers: dict[str, str]) -> bool:
    """Whether the nearest proxy says in X-Forwarded-Proto that the client spoke TLS to it."""
    return headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https"


def _has(field: str | None, token: str) -> bool:
    """Whether a list of tokens has this one, in whatever case (RFC 9110 §7.6.1, §7.8)."""
    if field is None:
        return False
    field = field.lower()
    return field == token or token in [member.strip(" \t") for member in field.split(",")]
