"""Whether the server lives, and whether it should get traffic: two questions with different answers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from fanout.engine.engine import Engine
from fanout.moderation.ports import Store
from fanout.web.answers import json_answer, problem_answer
from fanout.web.fleet import Fleet


class Health:
    """`GET /healthz` and `GET /readyz`. `ready` is false while the server drains; `store` keeps the desk's records, if
    there is a desk."""

    def __init__(
        self, engine: Engine, ready: Callable[[], bool], store: Store | None = None, fleet: Fleet | None = None
    ) -> None:
        self._engine, self._ready, self._store, self._fleet = engine, ready, store, fleet

    async def live(self, request: Request) -> Response:
        """Answering is the answer."""
        return json_answer({"status": "live"})

    async def readiness(self, request: Request) -> Response:
        """503 while draining, or when the log or the desk's records can't be written; listeners stay connected, and it
        ends by itself. Where listeners have processes of their own, it says how many of those are there."""
        if not self._ready():
            return problem_answer(503, "draining", "The server is shutting down and takes no new listeners.")
        if not self._engine.available:
            return problem_answer(503, "log_unavailable", "The log can't commit at the moment: publishing fails.")
        if self._store is not None and not self._store.available:
            return problem_answer(503, "store_unavailable", "The desk's records can't be written at the moment.")
        if self._fleet is None:
            return json_answer({"status": "ready"})
        edges = self._fleet.edges()
        if not edges["running"]:
            return problem_answer(503, "no_edges", "None of the processes that carry listeners is there.")
        whole = edges["running"] == edges["wanted"]
        return json_answer({"status": "ready" if whole else "degraded", "edges": edges})
