"""All ordinary HTTP as one ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from fanout.engine.engine import Engine
from fanout.errors import FanoutError
from fanout.feed.statistics import EdgeStatistics
from fanout.moderation.moderation import Moderation
from fanout.web.answers import Resource, answer_to, options_answer, resource
from fanout.web.appearance import Appearance
from fanout.web.bearer import Callers
from fanout.web.decisions_api import DecisionsApi
from fanout.web.fleet import Fleet
from fanout.web.health import Health
from fanout.web.house_rules_api import HouseRulesApi
from fanout.web.lines_api import LinesApi
from fanout.web.metrics import Metrics
from fanout.web.openapi import OpenApi
from fanout.web.operate_api import Control, OperateApi
from fanout.web.pages import Pages
from fanout.web.programme import Programme
from fanout.web.records_api import RecordsApi
from fanout.web.rooms_api import RoomsApi
from fanout.web.session import Sessions
from fanout.web.sms_api import SmsApi
from fanout.web.submissions_api import SubmissionsApi
from fanout.web.tokens import Tokens
from fanout.web.visitors import Visitors

EVERY_METHOD = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

OF_THE_HUB = ("/v1/ws", "/v1/rooms/{room}/events")
"""Whoever GETs these is a listener and never comes here; any other method is told so."""


def make_app(
    engine: Engine,
    tokens: Tokens,
    edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
    ready: Callable[[], bool],
    moderation: Moderation | None = None,
    appearance: Appearance | None = None,
    fleet: Fleet | None = None,
    control: Control | None = None,
) -> ASGIApp:
    """The application on one engine.

    Args:
        edge_statistics: What the edge has counted: listeners, deliveries and the rest.
        ready: False from the moment that the server drains.
        moderation: None: nothing is taken from visitors, and there is no desk.
        appearance: How the pages look; ours when left out.
        fleet: The processes that carry listeners; None: it is this one.
        control: The server's life; None: it can't be steered from here.
    """
    health = Health(engine, ready, None if moderation is None else moderation.store, fleet)
    moderated = None if moderation is None else Moderated(moderation, tokens, control or Control(), edge_statistics)
    name_of = None if moderated is None else moderated.name_of
    sessions = Sessions(tokens)
    programme = Programme()
    pages = Pages(engine, edge_statistics, appearance or Appearance(), name_of, sessions, programme)
    metrics = Metrics(engine, edge_statistics, moderation, fleet)
    retract = None if moderation is None else moderation.desk.retract
    router = Router(
        [
            *([] if moderated is None else moderated.routes()),
            *RoomsApi(engine, tokens, edge_statistics, programme, retract).routes(),
            resource("/healthz", GET=health.live),
            resource("/readyz", GET=health.readiness),
            resource("/metrics", GET=metrics.show),
            resource("/openapi.json", GET=OpenApi().show),
            *(Route(path, Resource({}, "GET, OPTIONS")) for path in OF_THE_HUB),
            *sessions.routes(),
            *pages.routes(),
        ],
        redirect_slashes=False,
    )
    return Application(router, pages.nothing_here)


class Moderated:
    """Everything from a visitor's question to the archive."""

    def __init__(
        self,
        moderation: Moderation,
        tokens: Tokens,
        control: Control,
        edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
    ) -> None:
        self._moderation, self._tokens = moderation, tokens
        self._control, self._edge_statistics = control, edge_statistics
        self._callers = Callers(tokens, moderation.names)
        self._visitors = Visitors(tokens, self._callers, moderation.names)

    def name_of(self, request: Request) -> str:
        """The name that a visitor is known by; empty if none."""
        return self._visitors.of_cookie(request).name

    def routes(self) -> list[Route]:
        moderation, callers, visitors = self._moderation, self._callers, self._visitors
        return [
            *SubmissionsApi(moderation, callers, visitors).routes(),
            *DecisionsApi(moderation.desk, callers, visitors).routes(),
            *LinesApi(moderation, callers).routes(),
            *HouseRulesApi(moderation, callers).routes(),
            *SmsApi(moderation, callers, self._tokens).routes(),
            *RecordsApi(moderation, callers).routes(),
            *OperateApi(moderation, callers, self._control, self._edge_statistics).routes(),
            *visitors.routes(),
        ]


class Application:
    """A router whose errors are problems. No middleware: what every answer needs, its maker puts on it.

    Args:
        nothing_here: The page for a person at an address that there is not.
    """

    def __init__(self, router: Router, nothing_here: Callable[[Request], Response]) -> None:
        self._router, self._nothing_here = router, nothing_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # so that the router raises where it would answer in plain text
        try:
            if scope["type"] == "http" and scope["path"] == "*":
                await options_answer(EVERY_METHOD)(scope, receive, send)
            else:
                await self._router(scope, receive, send)
        except FanoutError as error:
            await answer_to(error)(scope, receive, send)
        except HTTPException as error:
            request = Request(scope)
            mistyped = error.status_code == HTTPStatus.NOT_FOUND and _of_a_reader(request)
            response = self._nothing_here(request) if mistyped else answer_to(error)
            await response(scope, receive, send)


def _of_a_reader(request: Request) -> bool:
    """Whether somebody wants a page to read, as browsers do and programs don't."""
    accepted = request.headers.get("accept", "").lower().split(",")
    asks = request.method in ("GET", "HEAD") and not request.url.path.startswith("/v1/")
    return asks and any(one.partition(";")[0].strip() == "text/html" for one in accepted)
