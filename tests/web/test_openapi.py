"""The description of the API: valid, and true of every operation that the server answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from fanout.core.position import Position
from fanout.web.openapi import document
from fanout.web.openapi_moderation import MODERATION_PATHS
from tests.web.site import Site

DOCUMENT = document()
METHODS = {"get", "put", "post", "patch", "delete"}
HUB = {("/v1/ws", "get"), ("/v1/rooms/{room}/events", "get")}
"""Operations that the hub answers; what their requests look like is tested with the edge."""


def resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def operations() -> set[tuple[str, str]]:
    return {(path, method) for path, item in DOCUMENT["paths"].items() for method in item if method in METHODS}


def check(response: httpx.Response, path: str) -> None:
    """The response is one that the document has for this operation, in status, media type and shape."""
    method = response.request.method.lower()
    described = DOCUMENT["paths"][path][method]["responses"]
    assert str(response.status_code) in described, (path, method, response.status_code, response.text)
    content = resolved(described[str(response.status_code)]).get("content")
    if content is None:
        return
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in content, (path, media_type)
    if "json" in media_type:
        schema = content[media_type]["schema"] | {"components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(response.json())


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


async def test_the_document_is_what_the_server_serves(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/openapi.json")).json() == DOCUMENT


async def test_every_operation_answers_as_described(site: Site) -> None:
    """Drives each operation to a success and to refusals; an operation that is not driven here fails the test."""
    driven: set[tuple[str, str]] = set()
    staff = site.headers("operator")
    async with site.client() as client:

        async def ask(method: str, path: str, expected: int, *, put: str = "stage", id: str = "", **more: Any) -> Any:
            address = path.format(room=put, id=id, digest="0", name=more.pop("name", ""))
            response = await client.request(method, address, **more)
            assert response.status_code == expected, response.text
            check(response, path)
            driven.add((path, method.lower()))
            return response

        one, messages, message = "/v1/rooms/{room}", "/v1/rooms/{room}/messages", "/v1/rooms/{room}/messages/{id}"
        change = {"mode": "open", "capacity": 9, "overflow": "close", "follows": ["stage"], "title": "T"}
        await ask("PUT", one, 201, put="new", headers=staff, json=change)
        await ask("PUT", one, 200, put="new", headers=staff, json={})
        await ask("PUT", one, 400, put="new", headers=staff, json=[])
        await ask("PUT", one, 401, put="new", json={})
        await ask("PUT", one, 403, put="new", headers=site.headers("guest"), json={})
        await ask("PUT", one, 415, put="new", headers=staff, content=b"x")
        await ask("PUT", one, 422, put="new", headers=staff, json={"follows": ["nowhere"]})
        await ask("GET", "/v1/rooms", 200)
        await ask("GET", one, 200)
        await ask("GET", one, 404, put="nowhere")
        keyed = staff | {"Idempotency-Key": "k"}
        say = {"text": "a", "kind": "answer", "re": "abcdefghijkl", "data": {"n": [1, None]}}
        said = (await ask("POST", messages, 201, headers=keyed, json=say)).json()
        await ask("POST", messages, 409, headers=keyed, json={"text": "b"})
        await ask("POST", messages, 201, headers=staff, json=[{"text": "b"}, {"text": "c"}])
        await ask("POST", messages, 413, headers=staff, json={"text": "x" * 20_000})
        await ask("POST", messages, 404, put="nowhere", headers=staff, json={"text": "a"})
        await ask("POST", messages, 401, json={"text": "a"})
        await ask("POST", messages, 403, headers=site.headers("gateway"), json={"text": "a"})
        await ask("DELETE", message, 200, id=said["id"], headers=staff)
        await ask("DELETE", message, 404, id="aaaaaaaaaaaa", headers=staff)
        await ask("DELETE", message, 401, id="aaaaaaaaaaaa")
        await ask("DELETE", message, 403, id="aaaaaaaaaaaa", headers=site.headers("guest"))
        history = await ask("GET", messages, 200)
        assert {entry["type"] for entry in history.json()["messages"]} == {"message", "retraction"}
        await ask("GET", messages, 409, params={"after": str(Position("zzzz", 1))})
        await ask("GET", messages, 400, params={"after": "x"})
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/"):
            await ask("GET", path, 200)
        for script in ("fanout", "embed", "window", "wordings"):
            await ask("GET", f"/{script}.js", 200)
        site.ready = False
        await ask("GET", "/readyz", 503)
        await ask("GET", "/rooms/{room}", 200)
        await ask("GET", "/rooms/{room}", 404, put="nowhere")
        await ask("GET", "/operate", 200)
        await ask("GET", "/operate", 200, headers={"Cookie": f"fanout_session={site.token('operator')}"})
        await ask("GET", "/operate", 403, headers={"Cookie": f"fanout_session={site.token('scribe')}"})
        await ask("GET", "/rooms/{room}/stage", 200)
        await ask("GET", "/rooms/{room}/stage", 200, headers={"Cookie": f"fanout_session={site.token('scribe')}"})
        await ask("GET", "/rooms/{room}/desk", 200)
        await ask("GET", "/rooms/{room}/desk", 404, put="nowhere")
        cookie = {"Cookie": f"fanout_session={site.token('moderator')}"}
        await ask("GET", "/rooms/{room}/desk", 200, headers=cookie)
        cookie = {"Cookie": f"fanout_session={site.token('gateway')}"}
        await ask("GET", "/rooms/{room}/desk", 403, headers=cookie)
        await ask("POST", "/v1/session", 201, json={"token": site.token("moderator")})
        await ask("POST", "/v1/session", 401, json={"token": "x"})
        await ask("DELETE", "/v1/session", 200)
        await ask("GET", "/embed/{room}", 200)
        await ask("GET", "/embed/{room}", 404, put="nowhere")
        await ask("GET", "/static/{digest}/{name}", 200, name="room.js")
        await ask("GET", "/static/{digest}/{name}", 404, name="secret")
    assert driven == {(path, method) for path, method in operations() if path not in MODERATION_PATHS} - HUB


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"].keys() - {path for path, _ in HUB}))
async def test_every_method_that_is_not_described_is_405(desk: Site, path: str) -> None:
    address = path.format(room="stage", id="abcdefghijkl", line="a", digest="0", name="room.js")
    described = {method for described_path, method in operations() if described_path == path}
    async with desk.client() as client:
        for method in METHODS - described:
            refused = await client.request(method, address)
            assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
            allowed = {name.lower() for name in refused.headers["allow"].split(", ")}
            assert allowed - {"head", "options"} == described
