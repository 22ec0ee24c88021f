"""Whether the server lives, and whether it should get traffic: two questions with different answers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from fanout.engine.engine import Engine
from fanout.web.answers import json_answer, problem_answer


class Health:
    """`GET /healthz` and `GET /readyz`. `ready` is false while the server drains."""

    def __init__(self, engine: Engine, ready: Callable[[], bool]) -> None:
        self._engine, self._ready = engine, ready

    async def live(self, request: Request) -> Response:
        """Answering is the answer."""
        return json_answer({"status": "live"})

    async def readiness(self, request: Request) -> Response:
        """503 while draining, or when the log can't commit; listeners stay connected then, and it ends by itself."""
        if not self._ready():
            return problem_answer(503, "draining", "The server is shutting down and takes no new listeners.")
        if not self._engine.available:
            return problem_answer(503, "log_unavailable", "The log can't commit at the moment: publishing fails.")
        return json_answer({"status": "ready"})
