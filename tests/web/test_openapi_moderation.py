"""The description of moderation's operations is true of each: driven to successes and refusals, and by every role."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fanout.core.principal import MAY, Action, Role
from fanout.web.openapi_moderation import MODERATION_PATHS
from tests.web.site import Site
from tests.web.test_openapi import METHODS, check

OPERATIONS = {(path, method) for path, item in MODERATION_PATHS.items() for method in item if method in METHODS}
SUBMISSIONS = "/v1/rooms/{room}/submissions"
ONE = "/v1/submissions/{id}"
LINE = ONE + "/lines/{line}"
PREPARED = "/v1/rooms/{room}/prepared-answers"
CORRECTIONS = "/v1/rooms/{room}/messages/{id}/corrections"
KANNEL = {"room": "hall", "id": "k", "from": "+33612345678", "text": "oui"}
SMS = {"id": "a", "from": "+33612345678", "text": "oui"}


@pytest.mark.parametrize("desk", ["memory", "sqlite"], indirect=True)
async def test_every_operation_answers_as_described(desk: Site) -> None:
    driven: set[tuple[str, str]] = set()
    staff = {role: desk.headers(role, name=f"The {role}") for role in Role}
    async with desk.client() as client:

        async def ask(method: str, path: str, expected: int, by: str = "", room: str = "hall", **more: Any) -> Any:
            names = {name: more.pop(name, "") for name in ("id", "line", "name")}
            headers = staff[Role(by)] if by else {}
            response = await client.request(method, path.format(room=room, **names), headers=headers, **more)
            assert response.status_code == expected, (method, path, response.text)
            check(response, path)
            driven.add((path, method.lower()))
            return response.json() if response.content and "json" in response.headers["content-type"] else None

        async def question(text: str = "When?") -> str:
            return (await ask("POST", SUBMISSIONS, 202, json={"text": text, "name": "Zoe"}))["id"]

        async def decide(id: str, action: str, by: str = "moderator", expected: int = 200, **more: Any) -> Any:
            return await ask("POST", ONE + "/decisions", expected, by, id=id, json={"action": action, **more})

        await ask("POST", "/v1/visitors", 201, json={"name": "Zoe"})
        await ask("POST", "/v1/visitors", 400, json=[])
        first, second, third = await question(), await question("And where?"), await question("Where?")
        await ask("POST", SUBMISSIONS, 202, "gateway", json=[{"text": "a", "id": "1", "at": "2026-11-22T20:15:00Z"}])
        await ask("POST", SUBMISSIONS, 202, "gateway", json={"text": "a"})
        await ask("POST", SUBMISSIONS, 403, "moderator", json=[{"text": "a"}])
        await ask("POST", SUBMISSIONS, 422, json={"text": "SHOUTING", "name": "Zoe"})
        await ask("POST", SUBMISSIONS, 429, json={"text": "too fast", "name": "Zoe"})
        await ask("POST", SUBMISSIONS, 413, json={"text": "x" * 3000, "name": "Zoe"})
        await ask("POST", SUBMISSIONS, 404, room="nowhere", json={"text": "a", "name": "Zoe"})
        await ask("GET", SUBMISSIONS + "/mine", 200)
        await ask("GET", SUBMISSIONS, 200, "animator", params={"state": "held", "search": "where"})
        await ask("GET", SUBMISSIONS, 400, "animator", params={"limit": "0"})
        await ask("GET", ONE, 200, id=first)
        await ask("GET", ONE, 200, "animator", id=first)
        await ask("GET", ONE, 404, "animator", id="aaaaaaaaaaaa")
        await ask("POST", ONE + "/lease", 200, "moderator", id=first)
        await ask("DELETE", ONE + "/lease", 200, "moderator", id=first)
        await decide(first, "dance", expected=400)
        await decide(first, "approve", text="When is it?")
        await decide(first, "approve", expected=409)
        await decide("aaaaaaaaaaaa", "approve", expected=404)
        await ask("POST", ONE + "/merged", 200, "moderator", id=second, json={"submissions": [third]})
        await ask("POST", ONE + "/merged", 409, "moderator", id=second, json={"submissions": [third]})
        await decide(second, "approve")
        await decide(second, "cue", "animator")
        await decide(first, "cue", "animator", ahead_of=second)
        sheet = await ask("GET", "/v1/rooms/{room}/run-sheet", 200, "animator")
        assert [one["id"] for one in sheet["submissions"]] == [first, second]
        aired = await decide(first, "air", "animator")
        line = {"id": first, "line": "1"}
        await ask("PUT", LINE, 200, "scribe", **line, json={"text": "So"})
        await ask("PUT", LINE, 400, "scribe", **line, json={})
        await ask("DELETE", LINE, 200, "scribe", **line)
        said = await ask("PUT", LINE, 200, "scribe", **line, json={"text": "Soon.", "final": True})
        assert said == await ask("PUT", LINE, 200, "scribe", **line, json={"text": "Soon.", "final": True})
        await ask("PUT", LINE, 409, "scribe", **line, json={"text": "Never.", "final": True})
        await ask("DELETE", LINE, 409, "scribe", **line)
        await ask("PUT", LINE, 404, "scribe", id="aaaaaaaaaaaa", line="1", json={"text": "So"})
        await ask("GET", ONE + "/lines", 200, "scribe", id=first)
        await ask("POST", CORRECTIONS, 201, "scribe", id=said["id"], json={"text": "On Monday."})
        await ask("POST", CORRECTIONS, 404, "scribe", id="aaaaaaaaaaaa", json={"text": "On Monday."})
        await ask("PUT", PREPARED + "/{id}", 200, "scribe", id="where", json={"text": "Here.", "title": "Where?"})
        await ask("PUT", PREPARED + "/{id}", 400, "scribe", id="a b", json={"text": "Here."})
        await ask("GET", PREPARED, 200, "scribe", params={"search": "wh"})
        await ask("GET", PREPARED + "/{id}", 200, "scribe", id="where")
        await decide(second, "air", "animator")
        await decide(second, "answer", "guest", prepared="where")
        await ask("DELETE", PREPARED + "/{id}", 200, "scribe", id="where")
        await ask("DELETE", PREPARED + "/{id}", 404, "scribe", id="where")
        await ask("GET", PREPARED + "/{id}", 404, "scribe", id="where")
        await ask("GET", ONE + "/history", 200, "moderator", id=first)
        bans = "/v1/rooms/{room}/bans"
        ban = await ask("POST", bans, 201, "moderator", json={"target": "visitor:x", "reason": "Enough."})
        await ask("POST", bans, 201, "moderator", room="*", json={"target": "visitor:y", "reason": "Enough."})
        await ask("POST", bans, 400, "moderator", json={"target": "Zoe", "reason": "Enough."})
        await ask("GET", bans, 200, "moderator")
        await ask("DELETE", "/v1/bans/{id}", 200, "moderator", id=ban["id"])
        await ask("DELETE", "/v1/bans/{id}", 404, "moderator", id=ban["id"])
        rules = "/v1/rooms/{room}/rules"
        await ask("PATCH", rules, 200, "operator", json={"slow_s": 5, "protected_names": ["Jo"], "principal": 1})
        await ask("PATCH", rules, 400, "operator", json={"slow_s": -1})
        await ask("GET", rules, 200)
        await ask("GET", rules, 404, room="nowhere")
        await ask("PATCH", rules, 200, "operator", room="*", json={"paused": True})
        assert (await ask("GET", rules, 200, "moderator"))["everywhere"] == ["paused"]
        assert (await ask("GET", rules, 200, room="*"))["paused"]
        await ask("POST", SUBMISSIONS, 422, json={"text": "When?", "name": "Zoe"})
        await ask("PATCH", rules, 400, "operator", room="*", json={"slow_s": 5})
        await ask("PATCH", rules, 200, "operator", room="*", json={"paused": False})
        await ask("POST", "/v1/sms", 200, "gateway", params={"room": "hall"}, json=[SMS])
        await ask("POST", "/v1/sms", 413, "gateway", params={"room": "hall"}, json=[SMS] * 1001)
        await ask("GET", "/v1/sms/kannel", 200, params=KANNEL | {"token": desk.token("gateway")})
        await ask("GET", "/v1/sms/kannel", 401, params=KANNEL)
        for format in ("html", "md", "json", "csv", "txt"):
            for view in ("public", "internal"):
                transcript = "/v1/rooms/{room}/transcript"
                await ask("GET", transcript, 200, "operator", params={"format": format, "view": view})
        await ask("GET", transcript, 200)
        await ask("GET", transcript, 401, params={"view": "internal"})
        await ask("GET", transcript, 400, params={"format": "pdf"})
        await ask("GET", transcript, 400, params={"language": "tlh"})
        await ask("GET", "/v1/rooms/{room}/tallies", 200, "moderator")
        await ask("GET", "/v1/audit", 200, "operator", params={"limit": 3})
        await ask("GET", "/v1/plugins", 200, "moderator")
        one_plugin = "/v1/plugins/{name}"
        await ask("PUT", one_plugin, 200, "operator", name="no-shouting", json={"enabled": False})
        await ask("PUT", one_plugin, 400, "operator", name="no-shouting", json={"enabled": "no"})
        await ask("PUT", one_plugin, 404, "operator", name="nothing", json={"enabled": False})
        await ask("GET", "/v1/plugins", 200, "moderator")
        await ask("POST", "/v1/edges/replacement", 409, "operator")
        await ask("POST", "/v1/drain", 409, "operator")
        desk.control.drain = desk.control.gone.set
        desk.control.replace_edges = lambda: None
        await ask("POST", "/v1/edges/replacement", 202, "operator")
        await ask("POST", "/v1/drain", 200, "operator")
        retracted = await client.delete(f"/v1/rooms/hall/messages/{aired['message']}", headers=staff[Role.MODERATOR])
        assert retracted.status_code == 200
        assert (await ask("GET", ONE, 200, "moderator", id=first))["state"] == "rejected"
        history = await ask("GET", ONE + "/history", 200, "moderator", id=first)
        assert history["entries"][-1]["action"] == "retract"
    assert driven == OPERATIONS


ALLOWED: dict[tuple[str, str], Action] = {
    (SUBMISSIONS, "get"): Action.SEE_DESK,
    (ONE, "get"): Action.SEE_STAGE,
    (ONE + "/merged", "post"): Action.MODERATE,
    (ONE + "/lease", "post"): Action.MODERATE,
    (ONE + "/lease", "delete"): Action.MODERATE,
    (ONE + "/history", "get"): Action.SEE_DESK,
    (ONE + "/lines", "get"): Action.SEE_STAGE,
    (LINE, "put"): Action.ANSWER,
    (LINE, "delete"): Action.ANSWER,
    (CORRECTIONS, "post"): Action.ANSWER,
    ("/v1/rooms/{room}/run-sheet", "get"): Action.SEE_STAGE,
    (PREPARED, "get"): Action.SEE_STAGE,
    (PREPARED + "/{id}", "get"): Action.SEE_STAGE,
    (PREPARED + "/{id}", "put"): Action.PREPARE,
    (PREPARED + "/{id}", "delete"): Action.PREPARE,
    ("/v1/rooms/{room}/bans", "get"): Action.BAN,
    ("/v1/rooms/{room}/bans", "post"): Action.BAN,
    ("/v1/bans/{id}", "delete"): Action.BAN,
    ("/v1/rooms/{room}/rules", "patch"): Action.SET_RULES,
    ("/v1/rooms/{room}/tallies", "get"): Action.SEE_DESK,
    ("/v1/sms", "post"): Action.HAND_IN,
    ("/v1/sms/kannel", "get"): Action.HAND_IN,
    ("/v1/audit", "get"): Action.SEE_INTERNAL,
    ("/v1/plugins", "get"): Action.SEE_INTERNAL,
    ("/v1/plugins/{name}", "put"): Action.OPERATE,
    ("/v1/drain", "post"): Action.OPERATE,
    ("/v1/edges/replacement", "post"): Action.OPERATE,
}
"""What each operation takes. Not here: what is everybody's, or another's by what is asked for."""

EVERYBODYS = {
    (SUBMISSIONS, "post"),
    (SUBMISSIONS + "/mine", "get"),
    (ONE + "/decisions", "post"),
    ("/v1/rooms/{room}/rules", "get"),
    ("/v1/rooms/{room}/transcript", "get"),
    ("/v1/visitors", "post"),
}

ENOUGH: dict[tuple[str, str], Any] = {
    (ONE + "/merged", "post"): {"submissions": ["aaaaaaaaaaaa"]},
    (LINE, "put"): {"text": "So"},
    (CORRECTIONS, "post"): {"text": "So"},
    (PREPARED + "/{id}", "put"): {"text": "So"},
    ("/v1/rooms/{room}/bans", "post"): {"target": "visitor:x", "reason": "Enough."},
    ("/v1/rooms/{room}/rules", "patch"): {},
    ("/v1/sms", "post"): SMS,
    ("/v1/plugins/{name}", "put"): {"enabled": False},
}
"""Bodies that would be taken."""

FOR_EVERY_ROOM = {
    "/v1/sms",
    "/v1/sms/kannel",
    "/v1/audit",
    "/v1/plugins/{name}",
    "/v1/drain",
    "/v1/edges/replacement",
}
"""Here a token for some other room is refused too."""

NOT_HERE = {"status": 409, "title": "Conflict"}
"""What who may is told of a server that can't be drained from here."""


async def asked(client: httpx.AsyncClient, operation: tuple[str, str], headers: dict[str, str]) -> httpx.Response:
    path, method = operation
    address = path.format(room="hall", id="aaaaaaaaaaaa", line="1", name="rate")
    params = KANNEL if "kannel" in path else {"room": "hall"} if "sms" in path else {}
    more = {"json": ENOUGH[operation]} if operation in ENOUGH else {}
    return await client.request(method, address, headers=headers, params=params, **more)


def test_every_operation_has_its_place_in_the_table() -> None:
    assert ALLOWED.keys() | EVERYBODYS == OPERATIONS


@pytest.mark.parametrize("operation", sorted(ALLOWED), ids=" ".join)
async def test_each_role_may_what_the_table_says_and_nothing_else(desk: Site, operation: tuple[str, str]) -> None:
    async with desk.client() as client:
        for role in Role:
            answer = await asked(client, operation, desk.headers(role))
            if role in MAY[ALLOWED[operation]]:
                assert answer.status_code in {200, 201, 404} or NOT_HERE.items() <= answer.json().items(), answer.text
            elif role is Role.VISITOR:
                assert answer.status_code == (404 if operation == (ONE, "get") else 401), answer.text
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "role_refused"), (role, answer.text)


@pytest.mark.parametrize("operation", sorted(ALLOWED), ids=" ".join)
async def test_nobody_without_a_token_that_holds_gets_anything(desk: Site, operation: tuple[str, str]) -> None:
    forged = {"Authorization": f"Bearer {desk.token('moderator')[:-3]}abc"}
    async with desk.client() as client:
        assert (await asked(client, operation, forged)).status_code == 401
        assert (await asked(client, operation, {})).status_code == (404 if operation == (ONE, "get") else 401)


@pytest.mark.parametrize("operation", sorted(ALLOWED), ids=" ".join)
async def test_a_token_for_another_room_is_good_for_nothing_here(desk: Site, operation: tuple[str, str]) -> None:
    role = {Action.HAND_IN: "gateway", Action.OPERATE: "operator"}.get(ALLOWED[operation], "moderator")
    elsewhere = {"Authorization": f"Bearer {desk.token(role, rooms=('foyer',))}"}
    async with desk.client() as client:
        answer = await asked(client, operation, elsewhere)
    if "{room}" in operation[0] or operation[0] in FOR_EVERY_ROOM:
        assert (answer.status_code, answer.json()["code"]) == (403, "role_refused")
    else:
        assert answer.status_code in {404, 200}  # there is nothing of that id, in any room
