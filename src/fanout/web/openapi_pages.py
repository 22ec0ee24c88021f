"""The pages and their files in the OpenAPI document: what people see, listed among what programs ask."""

from __future__ import annotations

from typing import Any, Final

from fanout.web.openapi_parts import body, content, operation, parameter
from fanout.web.openapi_schemas import Schema, text


def _page(summary: str, *, missing: bool = True) -> dict[str, Any]:
    answers = {"200": "HTML.", **({"404": "A page that says there is no such room."} if missing else {})}
    shown: Schema = text("A page.")
    return operation(summary, {status: content(what, shown, "text/html") for status, what in answers.items()})


def _script(summary: str) -> dict[str, Any]:
    return {"get": operation(summary, {"200": content("A script.", text("A script."), "text/javascript")})}


_SESSION: Final[Schema] = {
    "type": "object",
    "properties": {"role": text("Of the token."), "name": text("Of the token."), "rooms": {"type": "array"}},
    "required": ["role", "name", "rooms"],
}
_TOKEN: Final[Schema] = {"type": "object", "properties": {"token": text("A JWT.")}, "required": ["token"]}


def _staff_page(summary: str, *, room: bool = True) -> dict[str, Any]:
    page = _page(summary, missing=room)
    page["responses"]["200"] = content("The page, or one to sign in.", text("A page."), "text/html")
    page["responses"]["403"] = content("A page to sign in, for who has no place there.", text("A page."), "text/html")
    return {"get": page, **({"parameters": [parameter("room")]} if room else {})}


PAGE_PATHS: Final[dict[str, Any]] = {
    "/": {"get": _page("A page with the rooms", missing=False)},
    "/rooms/{room}": {"parameters": [parameter("room")], "get": _page("A page with one room, live")},
    "/rooms/{room}/desk": _staff_page("The moderators' page"),
    "/rooms/{room}/stage": _staff_page("The page for animator, guest and scribe"),
    "/operate": _staff_page("The operator's page", room=False),
    "/v1/session": {
        "post": operation(
            "Sign in on the pages for staff: the token becomes the cookie of a session",
            {"201": content("Who that is.", _SESSION)},
            "401 403 413 415",
            requestBody=body(_TOKEN),
        ),
        "delete": operation("Sign out", {"200": content("Done.", {"type": "object"})}, "403"),
    },
    "/embed/{room}": {"parameters": [parameter("room")], "get": _page("A room's window, for a frame on any page")},
    "/embed.js": _script("One tag that puts a room's window on any page"),
    "/window.js": _script("The window, a custom element in an ES module"),
    "/wordings.js": _script("What the window keeps corrections by, an ES module"),
    "/fanout.js": _script("The JavaScript client, an ES module"),
    "/static/{digest}/{name}": {
        "parameters": [
            {"name": "digest", "in": "path", "required": True, "schema": text("Of the content.")},
            {"name": "name", "in": "path", "required": True, "schema": text("Of the file.")},
        ],
        "get": operation("What the pages use", {"200": {"description": "A script, a style or a picture."}}, "404"),
    },
}
