"""All ordinary HTTP as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from fanout.engine.engine import Engine
from fanout.errors import FanoutError
from fanout.feed.statistics import EdgeStatistics
from fanout.moderation.moderation import Moderation
from fanout.web.answers import Resource, answer_to, options_answer, resource
from fanout.web.bearer import Callers
from fanout.web.decisions_api import DecisionsApi
from fanout.web.health import Health
from fanout.web.house_rules_api import HouseRulesApi
from fanout.web.lines_api import LinesApi
from fanout.web.metrics import Metrics
from fanout.web.openapi import OpenApi
from fanout.web.pages import Pages
from fanout.web.records_api import RecordsApi
from fanout.web.rooms_api import RoomsApi
from fanout.web.sms_api import SmsApi
from fanout.web.static_files import StaticFiles
from fanout.web.submissions_api import SubmissionsApi
from fanout.web.tokens import Tokens
from fanout.web.visitors import Visitors

EVERY_METHOD = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

OF_THE_HUB = ("/v1/ws", "/v1/rooms/{room}/events")
"""Whoever GETs these is a listener and never comes here; any other method is told so."""


def make_app(
    engine: Engine,
    tokens: Tokens,
    edge_statistics: Callable[[], EdgeStatistics],
    ready: Callable[[], bool],
    moderation: Moderation | None = None,
) -> ASGIApp:
    """The application on one engine.

    Args:
        edge_statistics: What the edge has counted: listeners, deliveries and the rest.
        ready: False from the moment that the server drains.
        moderation: None: nothing is taken from visitors, and there is no desk.
    """
    health = Health(engine, ready, None if moderation is None else moderation.store)
    static = StaticFiles()
    pages = Pages(engine, edge_statistics, static)
    metrics = Metrics(engine, edge_statistics, moderation)
    retract = None if moderation is None else moderation.desk.retract
    router = Router(
        [
            *([] if moderation is None else moderated_routes(moderation, tokens)),
            *RoomsApi(engine, tokens, edge_statistics, retract).routes(),
            resource("/healthz", GET=health.live),
            resource("/readyz", GET=health.readiness),
            resource("/metrics", GET=metrics.show),
            resource("/openapi.json", GET=OpenApi().show),
            *(Route(path, Resource({}, "GET, OPTIONS")) for path in OF_THE_HUB),
            *pages.routes(),
            *static.routes(),
        ],
        redirect_slashes=False,
    )
    return Application(router)


def moderated_routes(moderation: Moderation, tokens: Tokens) -> list[Route]:
    """Everything from a visitor's question to the archive."""
    callers = Callers(tokens, moderation.names)
    visitors = Visitors(tokens, callers, moderation.names)
    return [
        *SubmissionsApi(moderation, callers, visitors).routes(),
        *DecisionsApi(moderation.desk, callers, visitors).routes(),
        *LinesApi(moderation, callers).routes(),
        *HouseRulesApi(moderation, callers).routes(),
        *SmsApi(moderation, callers, tokens).routes(),
        *RecordsApi(moderation, callers).routes(),
        *visitors.routes(),
    ]


class Application:
    """A router whose errors are problems. No middleware: what every answer needs, its maker puts on it."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # so that the router raises where it would answer in plain text
        try:
            if scope["type"] == "http" and scope["path"] == "*":
                await options_answer(EVERY_METHOD)(scope, receive, send)
            else:
                await self._router(scope, receive, send)
        except (FanoutError, HTTPException) as error:
            await answer_to(error)(scope, receive, send)
