"""`/openapi.json`: everything that the server answers, for programs that write clients (OpenAPI 3.1)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fanout.core.limits import MAX_HISTORY_PAGE, MAX_KEY_CHARACTERS, MAX_LAST
from fanout.web.answers import answer
from fanout.web.openapi_moderation import MODERATION_PATHS
from fanout.web.openapi_moderation_schemas import MODERATION_SCHEMAS
from fanout.web.openapi_pages import PAGE_PATHS
from fanout.web.openapi_parts import ANYBODY, body, content, in_query, operation, parameter
from fanout.web.openapi_schemas import SCHEMAS, Schema, listed, ref, text
from fanout.web.security import ANY_ORIGIN
from fanout.wire.join import SESSION_COOKIE, VISITOR_COOKIE
from fanout.wire.problem import PROBLEM_TYPE
from fanout.wire.rendered import encode_json

_REASONS: Final = {
    "400": "Malformed; `code` says what.",
    "401": "A staff token is needed, or this one does not hold.",
    "403": "The token's role or rooms do not allow this; or `banned`, `muted`: staff have sent this visitor away.",
    "404": "No such room, message, submission, record or address.",
    "408": "The request did not come in time.",
    "409": "The world moved on; `code` says how, and `detail` who did it: `already_decided`, `leased`…",
    "413": "Something is larger than its limit.",
    "415": "The body is not application/json.",
    "422": "`unknown_follow`: a followed room is not there. `rejected`…: not taken; `detail` is for visitors.",
    "426": "The request is not a WebSocket handshake of version 13.",
    "429": "`rate_limited`: come back after Retry-After.",
    "503": "The log or the store can't commit, or the server drains; come back after Retry-After.",
}


class OpenApi:
    """The document, made once."""

    def __init__(self) -> None:
        self._body = encode_json(document())

    async def show(self, request: Request) -> Response:
        return answer(self._body, "application/json", headers=(ANY_ORIGIN, ("Cache-Control", "no-cache")))


def document() -> dict[str, Any]:
    """The OpenAPI document as an object."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fanout",
            "version": _version(),
            "summary": "A live event: few writers, many listeners, nothing lost.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths() | MODERATION_PATHS | PAGE_PATHS,
        "components": {
            "schemas": SCHEMAS | MODERATION_SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
                "visitor": {"type": "apiKey", "in": "cookie", "name": VISITOR_COOKIE},
            },
            "responses": {
                f"Problem{status}": content(reason, ref("Problem"), PROBLEM_TYPE) for status, reason in _REASONS.items()
            },
            "parameters": _PARAMETERS,
        },
    }


def _version() -> str:
    try:
        return version("fanout-live")
    except PackageNotFoundError:
        return "0"


_PARAMETERS: Final[dict[str, Any]] = {
    "room": {"name": "room", "in": "path", "required": True, "schema": ref("RoomName")},
    "after": in_query("after", ref("Position"), "Only what comes after this position."),
    "last": in_query("last", {"type": "integer", "minimum": 0}, f"Begin with the last N, at most {MAX_LAST}."),
}


def _paths() -> dict[str, Any]:
    return {
        "/v1/rooms": {"get": operation("All rooms", {"200": content("Rooms by name.", _ROOM_LIST)})},
        "/v1/rooms/{room}": {
            "parameters": [parameter("room")],
            "get": operation("One room", {"200": content("The room as it is now.", ref("Room"))}, "404"),
            "put": operation(
                "Create or change a room (operator)",
                {"200": content("Changed.", ref("Room")), "201": content("Created.", ref("Room"))},
                "401 403 413 415 422 503",
                staff=True,
                requestBody=body(ref("RoomChange")),
            ),
        },
        "/v1/rooms/{room}/messages": {
            "parameters": [parameter("room")],
            "get": operation(
                "History, oldest first",
                {"200": content("One page; go on with `after=next` until it is empty.", ref("History"))},
                "404 409 503",
                parameters=[parameter("after"), in_query("limit", {"type": "integer", "minimum": 1}, _LIMIT)],
            ),
            "post": operation(
                "Publish one message or several, all or none (staff)",
                {
                    "201": content(
                        "Durable. A receipt for one message, a list of them for a list.",
                        {"oneOf": [ref("Receipt"), listed(ref("Receipt"))]},
                    )
                },
                "401 403 404 409 413 415 503",
                staff=True,
                parameters=[_KEY],
                requestBody=body({"oneOf": [ref("NewMessage"), ref("NewMessages")]}),
            ),
        },
        "/v1/rooms/{room}/messages/{id}": {
            "parameters": [
                parameter("room"),
                {"name": "id", "in": "path", "required": True, "schema": text("Its id.")},
            ],
            "delete": operation(
                "Retract a message (moderator, operator; an answer: who said it)",
                {"200": content("Retracted, now or before.", ref("Retraction"))},
                "401 403 404 503",
                staff=True,
            ),
        },
        "/v1/rooms/{room}/events": {
            "parameters": [parameter("room")],
            "get": operation(
                "Listen by server-sent events",
                {
                    "200": content(
                        "A stream that does not end; `id` is the position.", text("Events."), "text/event-stream"
                    )
                },
                "401 404 503",
                security=ANYBODY,
                parameters=[
                    parameter("after"),
                    parameter("last"),
                    {"name": "Last-Event-ID", "in": "header", "schema": ref("Position")},
                ],
            ),
        },
        "/v1/ws": {
            "get": operation(
                "Listen, and speak, by WebSocket",
                {"101": {"description": "The subprotocol is fanout.v1.json or fanout.v1.msgpack."}},
                "426 503",
                security=ANYBODY,
                parameters=[
                    in_query("room", listed(ref("RoomName")), "Repeat for several."),
                    in_query("after", listed(text("NAME@POSITION")), "Where to resume; repeat for several rooms."),
                    parameter("last"),
                ],
            )
        },
        "/healthz": {"get": operation("Whether the server lives", {"200": content("It does.", _STATUS)})},
        "/readyz": {"get": operation("Whether it should get traffic", {"200": content("It should.", _STATUS)}, "503")},
        "/metrics": {
            "get": operation("Prometheus metrics", {"200": content("As text.", text("Metrics."), "text/plain")})
        },
        "/openapi.json": {"get": operation("This document", {"200": content("OpenAPI 3.1.", {"type": "object"})})},
    }


_LIMIT: Final = f"Most messages in the page; at most {MAX_HISTORY_PAGE}, fewer when they are long."
_STATUS: Final[Schema] = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
_ROOM_LIST: Final[Schema] = {
    "type": "object",
    "properties": {"rooms": listed(ref("Room"))},
    "required": ["rooms"],
}

_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": text("The same key and content again: the same answer, nothing twice.", maxLength=MAX_KEY_CHARACTERS),
}
