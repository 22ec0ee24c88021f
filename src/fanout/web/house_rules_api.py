"""Bans and rules over HTTP: who is kept away, and what holds in a room while it is live."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.ban import Ban
from fanout.core.message import iso_time
from fanout.core.principal import EVERY_ROOM, Action
from fanout.moderation.moderation import Moderation
from fanout.moderation.rules import RoomRules
from fanout.web.answers import json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import read_json


class NewBan(msgspec.Struct, frozen=True):
    """What `POST` takes. `duration_s` None: until it is lifted."""

    target: str
    reason: str
    effect: str = "ban"
    duration_s: float | None = None


class RulesChange(msgspec.Struct, frozen=True):
    """What `PATCH` may set; what is left out stays as it is."""

    slow_s: int | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    announce_only: bool | UnsetType = UNSET
    auto_air: bool | UnsetType = UNSET
    typing: str | UnsetType = UNSET
    protected_names: list[str] | UnsetType = UNSET


_new_ban: Final = msgspec.json.Decoder(NewBan)
_rules_change: Final = msgspec.json.Decoder(RulesChange)


class HouseRulesApi:
    """The handlers, on one moderation."""

    def __init__(self, moderation: Moderation, callers: Callers) -> None:
        self._engine, self._bans, self._rules = moderation.engine, moderation.bans, moderation.rules
        self._callers = callers

    def routes(self) -> list[Route]:
        return [
            resource("/v1/rooms/{room}/bans", GET=self.bans, POST=self.ban),
            resource("/v1/bans/{id}", DELETE=self.lift),
            resource("/v1/rooms/{room}/rules", GET=self.rules, PATCH=self.set_rules),
        ]

    async def ban(self, request: Request) -> Response:
        """`POST /v1/rooms/{room}/bans`; `*` is every room."""
        principal = self._callers.allowed(request, Action.BAN, request.path_params["room"])
        wanted = await read_json(request, _new_ban)
        ban = await self._bans.ban(
            principal,
            self._room(request),
            wanted.target,
            reason=wanted.reason,
            effect=wanted.effect,
            duration_s=wanted.duration_s,
        )
        return json_answer(_described(ban), 201)

    async def bans(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/bans`: what holds now."""
        self._callers.allowed(request, Action.BAN, request.path_params["room"])
        return json_answer({"bans": [_described(ban) for ban in self._bans.bans(self._room(request))]})

    async def lift(self, request: Request) -> Response:
        """`DELETE /v1/bans/{id}`: answers what it was."""
        return json_answer(_described(await self._bans.lift(self._callers.of(request), request.path_params["id"])))

    async def rules(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/rules`: all for staff, for others what concerns them; `*` is every room."""
        room = self._room(request)
        seen = self._described(room)
        principal = self._callers.of(request)
        if not principal.may(Action.SEE_DESK, room):
            del seen["auto_air"], seen["protected_names"], seen["everywhere"]
        if not principal.may(Action.SEE_STAGE, room):  # whoever types an answer knows who reads along
            del seen["typing"]
        return json_answer(seen)

    async def set_rules(self, request: Request) -> Response:
        """`PATCH /v1/rooms/{room}/rules`; `*` is every room."""
        principal = self._callers.allowed(request, Action.SET_RULES, request.path_params["room"])
        wanted = await read_json(request, _rules_change)
        room = self._room(request)
        changes = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
        await self._rules.set(principal, room, **changes)
        return json_answer(self._described(room))

    def _described(self, room: str) -> dict[str, Any]:
        return {**_rules(self._rules.of(room)), "everywhere": self._rules.everywhere()}

    def _room(self, request: Request) -> str:
        name: str = request.path_params["room"]
        return name if name == EVERY_ROOM else self._engine.room(name).name


def _described(ban: Ban) -> dict[str, Any]:
    return {
        "id": ban.id,
        "target": ban.target,
        "effect": str(ban.effect),
        "room": ban.room,
        "also_in": list(ban.within),
        "until": None if ban.until is None else iso_time(ban.until),
        "reason": ban.reason,
        "by": ban.by,
        "at": iso_time(ban.at),
    }


def _rules(rules: RoomRules) -> dict[str, Any]:
    return {
        "slow_s": rules.slow_s,
        "paused": rules.paused,
        "muted": rules.muted,
        "announce_only": rules.announce_only,
        "auto_air": rules.auto_air,
        "typing": str(rules.typing),
        "protected_names": list(rules.protected_names),
    }
