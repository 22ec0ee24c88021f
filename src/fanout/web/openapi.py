"""`/openapi.json`: everything that the server answers, for programs that write clients (OpenAPI 3.1)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fanout.core.limits import MAX_HISTORY_PAGE, MAX_KEY_CHARACTERS, MAX_LAST
from fanout.web.answers import answer
from fanout.web.openapi_schemas import SCHEMAS, Schema, listed, ref, text
from fanout.web.security import ANY_ORIGIN
from fanout.wire.join import SESSION_COOKIE
from fanout.wire.problem import PROBLEM_TYPE
from fanout.wire.rendered import encode_json

_REASONS: Final = {
    "400": "Malformed; `code` says what.",
    "401": "A staff token is needed, or this one does not hold.",
    "403": "The token's role or rooms do not allow this.",
    "404": "No such room, message or address.",
    "408": "The request did not come in time.",
    "409": "`epoch_changed`: the position is of another stream. `idempotency_key_reused`: with other content.",
    "413": "Something is larger than its limit.",
    "415": "The body is not application/json.",
    "422": "`unknown_follow`: a followed room is not there.",
    "426": "The request is not a WebSocket handshake of version 13.",
    "503": "The log can't commit, or the server drains; come back after Retry-After.",
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
        "paths": _paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
            },
            "responses": {
                f"Problem{status}": _content(reason, ref("Problem"), PROBLEM_TYPE)
                for status, reason in _REASONS.items()
            },
            "parameters": _PARAMETERS,
        },
    }


def _version() -> str:
    try:
        return version("fanout-live")
    except PackageNotFoundError:
        return "0"


def _in_query(name: str, schema: Schema, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_PARAMETERS: Final[dict[str, Any]] = {
    "room": {"name": "room", "in": "path", "required": True, "schema": ref("RoomName")},
    "after": _in_query("after", ref("Position"), "Only what comes after this position."),
    "last": _in_query("last", {"type": "integer", "minimum": 0}, f"Begin with the last N, at most {MAX_LAST}."),
}


def _content(description: str, schema: Schema, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _operation(
    summary: str, answers: dict[str, Any], problems: str = "", *, staff: bool = False, **more: Any
) -> dict[str, Any]:
    """One operation; `problems` are statuses, separated by spaces."""
    refused = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in f"{problems} 400 408".split()}
    return {
        "summary": summary,
        "responses": answers | refused,
        **({"security": [{"token": []}]} if staff else {}),
        **more,
    }


def _parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _body(schema: Schema) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _paths() -> dict[str, Any]:
    return {
        "/v1/rooms": {"get": _operation("All rooms", {"200": _content("Rooms by name.", _ROOM_LIST)})},
        "/v1/rooms/{room}": {
            "parameters": [_parameter("room")],
            "get": _operation("One room", {"200": _content("The room as it is now.", ref("Room"))}, "404"),
            "put": _operation(
                "Create or change a room (operator)",
                {"200": _content("Changed.", ref("Room")), "201": _content("Created.", ref("Room"))},
                "401 403 413 415 422 503",
                staff=True,
                requestBody=_body(ref("RoomChange")),
            ),
        },
        "/v1/rooms/{room}/messages": {
            "parameters": [_parameter("room")],
            "get": _operation(
                "History, oldest first",
                {"200": _content("One page; go on with `after=next` until it is empty.", ref("History"))},
                "404 409 503",
                parameters=[_parameter("after"), _in_query("limit", {"type": "integer", "minimum": 1}, _LIMIT)],
            ),
            "post": _operation(
                "Publish one message or several, all or none (staff)",
                {
                    "201": _content(
                        "Durable. A receipt for one message, a list of them for a list.",
                        {"oneOf": [ref("Receipt"), listed(ref("Receipt"))]},
                    )
                },
                "401 403 404 409 413 415 503",
                staff=True,
                parameters=[_KEY],
                requestBody=_body({"oneOf": [ref("NewMessage"), ref("NewMessages")]}),
            ),
        },
        "/v1/rooms/{room}/messages/{id}": {
            "parameters": [
                _parameter("room"),
                {"name": "id", "in": "path", "required": True, "schema": text("Its id.")},
            ],
            "delete": _operation(
                "Retract a message (moderator)",
                {"200": _content("Retracted, now or before.", ref("Retraction"))},
                "401 403 404 503",
                staff=True,
            ),
        },
        "/v1/rooms/{room}/events": {
            "parameters": [_parameter("room")],
            "get": _operation(
                "Listen by server-sent events",
                {
                    "200": _content(
                        "A stream that does not end; `id` is the position.", text("Events."), "text/event-stream"
                    )
                },
                "401 404 503",
                security=_ANYBODY,
                parameters=[
                    _parameter("after"),
                    _parameter("last"),
                    {"name": "Last-Event-ID", "in": "header", "schema": ref("Position")},
                ],
            ),
        },
        "/v1/ws": {
            "get": _operation(
                "Listen, and speak, by WebSocket",
                {"101": {"description": "The subprotocol is fanout.v1.json or fanout.v1.msgpack."}},
                "426 503",
                security=_ANYBODY,
                parameters=[
                    _in_query("room", listed(ref("RoomName")), "Repeat for several."),
                    _in_query("after", listed(text("NAME@POSITION")), "Where to resume; repeat for several rooms."),
                    _parameter("last"),
                ],
            )
        },
        "/healthz": {"get": _operation("Whether the server lives", {"200": _content("It does.", _STATUS)})},
        "/readyz": {
            "get": _operation("Whether it should get traffic", {"200": _content("It should.", _STATUS)}, "503")
        },
        "/metrics": {
            "get": _operation("Prometheus metrics", {"200": _content("As text.", text("Metrics."), "text/plain")})
        },
        "/openapi.json": {"get": _operation("This document", {"200": _content("OpenAPI 3.1.", {"type": "object"})})},
        "/": {"get": _operation("A page with the rooms", {"200": _content("HTML.", text("A page."), "text/html")})},
        "/rooms/{room}": {
            "parameters": [_parameter("room")],
            "get": _operation(
                "A page with one room, live",
                {status: _content(what, text("A page."), "text/html") for status, what in _PAGES.items()},
            ),
        },
        "/static/{digest}/{name}": {
            "parameters": [
                {"name": "digest", "in": "path", "required": True, "schema": text("Of the content.")},
                {"name": "name", "in": "path", "required": True, "schema": text("Of the file.")},
            ],
            "get": _operation("What the pages use", {"200": {"description": "A script, a style or a picture."}}, "404"),
        },
    }


_LIMIT: Final = f"Most messages in the page; at most {MAX_HISTORY_PAGE}, fewer when they are long."
_PAGES: Final = {"200": "HTML.", "404": "A page that says there is no such room."}
_ANYBODY: Final[list[dict[str, list[str]]]] = [{}, {"token": []}, {"query": []}, {"session": []}]
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
