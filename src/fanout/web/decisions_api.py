"""Decisions over HTTP: one step with one submission, many merged into one, what is in whose hands, the run sheet."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.message import iso_time
from fanout.core.principal import Role
from fanout.core.submission import Step
from fanout.errors import InvalidInput
from fanout.moderation.desk import Desk
from fanout.moderation.desk_room import seen_by
from fanout.moderation.people import visitor
from fanout.web.answers import json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import read_json
from fanout.web.submissions_api import told
from fanout.web.visitors import Visitors


class NewDecision(msgspec.Struct, frozen=True):
    """What `POST /v1/submissions/{id}/decisions` takes; what goes with which action, `Desk.decide` says."""

    action: str
    text: str | None = None
    reason: str = ""
    into: str | None = None
    ahead_of: str | None = None
    prepared: str | None = None


class Merge(msgspec.Struct, frozen=True):
    """What `POST /v1/submissions/{id}/merged` takes: those for which it will speak."""

    submissions: list[str]


_new_decision: Final = msgspec.json.Decoder(NewDecision)
_merge: Final = msgspec.json.Decoder(Merge)


class DecisionsApi:
    """The handlers, on one desk."""

    def __init__(self, desk: Desk, callers: Callers, visitors: Visitors) -> None:
        self._desk, self._callers, self._visitors = desk, callers, visitors

    def routes(self) -> list[Route]:
        return [
            resource("/v1/submissions/{id}/decisions", POST=self.decide),
            resource("/v1/submissions/{id}/merged", POST=self.merge),
            resource("/v1/submissions/{id}/lease", POST=self.claim, DELETE=self.release),
            resource("/v1/rooms/{room}/run-sheet", GET=self.run_sheet),
        ]

    async def decide(self, request: Request) -> Response:
        """`POST /v1/submissions/{id}/decisions`: durable when answered. `withdraw` is the author's."""
        principal = self._visitors.of(request)
        wanted = await read_json(request, _new_decision)
        step, submission_id = _step(wanted.action), request.path_params["id"]
        if step is Step.WITHDRAW and principal.role is Role.VISITOR:
            return json_answer(told(await self._desk.withdraw(visitor(principal.subject), submission_id)))
        submission = await self._desk.decide(
            principal,
            submission_id,
            step,
            text=wanted.text,
            reason=wanted.reason,
            into=wanted.into,
            ahead_of=wanted.ahead_of,
            prepared=wanted.prepared,
        )
        return json_answer(seen_by(principal, submission))

    async def merge(self, request: Request) -> Response:
        """`POST /v1/submissions/{id}/merged`: all or none."""
        principal = self._callers.of(request)
        wanted = await read_json(request, _merge)
        merged = await self._desk.merge(principal, wanted.submissions, request.path_params["id"])
        return json_answer({"submissions": [seen_by(principal, submission) for submission in merged]})

    async def claim(self, request: Request) -> Response:
        """`POST /v1/submissions/{id}/lease`: in hand for a minute, or for another one."""
        lease = await self._desk.claim(self._callers.of(request), request.path_params["id"])
        return json_answer({"submission": lease.submission, "by": lease.by, "until": iso_time(lease.until)})

    async def release(self, request: Request) -> Response:
        """`DELETE /v1/submissions/{id}/lease`."""
        await self._desk.release(self._callers.of(request), request.path_params["id"])
        return json_answer({})

    async def run_sheet(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/run-sheet`: what is cued, in its order."""
        principal = self._callers.of(request)
        entries = await self._desk.run_sheet(principal, request.path_params["room"])
        return json_answer({"submissions": [seen_by(principal, submission) for submission in entries]})


def _step(written: str) -> Step:
    try:
        return Step(written)
    except ValueError:
        raise InvalidInput(f"action is one of {', '.join(Step)}.", code="bad_action") from None
