"""What operators do to a whole server while it runs, over HTTP: switch plug-ins, replace its edges, drain it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from time import time_ns
from typing import Any, Final

import msgspec
import structlog
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.audit import AuditDraft
from fanout.core.message import iso_time
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.errors import Conflict, StoreUnavailable
from fanout.feed.statistics import EdgeStatistics
from fanout.moderation.hooks.statistics import plugins_as_objects
from fanout.moderation.moderation import Moderation
from fanout.moderation.people import signature
from fanout.web.answers import Pieces, json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import read_json
from fanout.wire.rendered import encode_json

TELL_SECONDS: Final = 0.5
"""Between two lines about how far a drain is."""

LINES: Final = "application/x-ndjson"

log = structlog.get_logger()


class PluginSwitch(msgspec.Struct, frozen=True):
    """What `PUT` takes."""

    enabled: bool


_switch: Final = msgspec.json.Decoder(PluginSwitch)


@dataclass(slots=True)
class Control:
    """The server's own life, as far as it can be steered from here.

    Args:
        drain: Begins what SIGTERM begins. None: whoever runs this server steers it otherwise.
        replace_edges: Begins what SIGHUP begins. None: there are none.
        seconds: Over how long listeners are told to come back.
        draining: It has begun.
        gone: Set when every listener has been told, and has gone.
    """

    drain: Callable[[], None] | None = None
    replace_edges: Callable[[], None] | None = None
    seconds: float = 0.0
    draining: bool = False
    gone: trio.Event = field(default_factory=trio.Event)


class OperateApi:
    """The handlers, on one moderation and one server."""

    def __init__(
        self,
        moderation: Moderation,
        callers: Callers,
        control: Control,
        edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
    ) -> None:
        self._moderation, self._callers, self._control = moderation, callers, control
        self._edge_statistics = edge_statistics

    def routes(self) -> list[Route]:
        return [
            resource("/v1/plugins", GET=self.plugins),
            resource("/v1/plugins/{name}", PUT=self.switch),
            resource("/v1/drain", POST=self.drain),
            resource("/v1/edges/replacement", POST=self.replace_edges),
        ]

    async def plugins(self, request: Request) -> Response:
        """`GET /v1/plugins`: each with its hooks, cost, failures, and its agreement with the humans."""
        self._callers.allowed(request, Action.SEE_INTERNAL)
        return json_answer({"plugins": self._plugins()})

    async def switch(self, request: Request) -> Response:
        """`PUT /v1/plugins/{name}`: off, it is as if it had never been loaded; it stays so over a restart."""
        principal = self._callers.allowed(request, Action.OPERATE, EVERY_ROOM)
        wanted = await read_json(request, _switch)
        name = request.path_params["name"]
        await self._moderation.switches.switch(principal, name, enabled=wanted.enabled)
        return json_answer(next(each for each in self._plugins() if each["name"] == name))

    def _plugins(self) -> list[dict[str, Any]]:
        plugins = plugins_as_objects(self._moderation.hooks.statistics())
        for each in plugins:
            switched = self._moderation.switches.of(each["name"])
            each["switched"] = None if switched is None else {"by": switched.by, "at": iso_time(switched.at)}
        return plugins

    async def drain(self, request: Request) -> Response:
        """`POST /v1/drain`: as SIGTERM; the answer goes on for as long as it takes. Once begun, nobody ends it."""
        principal = self._callers.allowed(request, Action.OPERATE, EVERY_ROOM)
        if self._control.drain is None:
            raise Conflict("This server is not drained from here.", code="not_drained_here")
        if not self._control.draining:
            await self._note(principal, "drain")
            self._control.draining = True
            self._control.drain()
        lines = self._how_far()
        return Pieces(await anext(lines), lines, LINES)

    async def _how_far(self) -> AsyncGenerator[bytes, None]:
        """A line now and then, and the last one when everybody has gone."""
        while not self._control.gone.is_set():
            yield await self._line("draining")
            with trio.move_on_after(TELL_SECONDS):
                await self._control.gone.wait()
        yield await self._line("drained")

    async def _line(self, state: str) -> bytes:
        listeners = sum((await self._edge_statistics()).listeners.values())
        return encode_json({"state": state, "listeners": listeners, "seconds": self._control.seconds}) + b"\n"

    async def replace_edges(self, request: Request) -> Response:
        """`POST /v1/edges/replacement`: as SIGHUP."""
        principal = self._callers.allowed(request, Action.OPERATE, EVERY_ROOM)
        if self._control.replace_edges is None:
            raise Conflict("This server is one process: there are no edges to replace.", code="no_workers")
        await self._note(principal, "replace_edges")
        self._control.replace_edges()
        return json_answer({}, 202)

    async def _note(self, principal: Principal, action: str) -> None:
        """A disk that is full is a reason to drain, so it does not stand in the way."""
        by = signature(principal)
        log.warning("operator_asks", action=action, by=by)
        try:
            await self._moderation.store.put([], [AuditDraft(time_ns() // 1_000_000, by, action)])
        except StoreUnavailable:
            log.exception("not_in_the_audit_trail", action=action, by=by)
