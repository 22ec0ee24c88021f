"""Answers: JSON, problems and texts with their header fields, and one resource for all methods of a path."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fanout.errors import FanoutError, TooSoon
from fanout.web.security import ANY_ORIGIN, DATA_HEADERS
from fanout.wire.problem import PROBLEM_TYPE, problem, status_of
from fanout.wire.rendered import encode_json
from fanout.wire.request_head import BadRequest

Handler = Callable[[Request], Awaitable[Response]]

RETRY_AFTER_SECONDS: Final = 2
"""What a 503 asks for: a locked database or a draining server is past in seconds."""

PREFLIGHT_SECONDS: Final = 600
"""How long a browser may remember what other pages may ask of this server."""

_NO_STORE: Final = ("Cache-Control", "no-store")


def answer(body: bytes, media_type: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer that is data, not a page."""
    return Response(body, status, dict((*DATA_HEADERS, *headers)), media_type)


def json_answer(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A value as JSON, not to be stored by caches: all of ours change by the second."""
    return answer(encode_json(value), "application/json", status, (_NO_STORE, *headers))


class Pieces(Response):
    """An answer that is sent as it is made. One that can't be finished breaks off, which no client takes for whole."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        model = answer(first, media_type, headers=(_NO_STORE, *headers))
        super().__init__(media_type=media_type)
        self.raw_headers = [pair for pair in model.raw_headers if pair[0] != b"content-length"]
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async with aclosing(self._rest) as rest:
            async for piece in rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def public_json(value: Any) -> Response:
    """JSON that pages of any origin may read."""
    return json_answer(value, headers=(ANY_ORIGIN,))


def problem_answer(status: int, code: str, detail: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An RFC 9457 problem. Pages of any origin may read it: it says no more than the status does."""
    more = [_NO_STORE, ANY_ORIGIN, *headers]
    if status == HTTPStatus.UNAUTHORIZED:
        more.append(("WWW-Authenticate", 'Bearer realm="fanout"'))
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.append(("Retry-After", str(RETRY_AFTER_SECONDS)))
    return answer(encode_json(problem(status, code, detail)), PROBLEM_TYPE, status, more)


def answer_to(error: FanoutError | HTTPException) -> Response:
    """The problem that an error is. `HTTPException` is how routing says that there is no such path or method."""
    if isinstance(error, FanoutError):
        return problem_answer(status_of(error), error.code, error.detail, _headers_of(error))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = dict(error.headers or {}).get("Allow", "")
        return problem_answer(405, "method_not_allowed", f"This address takes {allowed}.", [("Allow", allowed)])
    return problem_answer(404, "not_found", "There is nothing at this address.")


def _headers_of(error: FanoutError) -> Iterable[tuple[str, str]]:
    if isinstance(error, TooSoon):
        return (("Retry-After", str(max(1, ceil(error.after_s)))),)
    return error.headers if isinstance(error, BadRequest) else ()


def resource(path: str, **handlers: Handler) -> Route:
    """A route for one path, by method: `resource("/healthz", GET=...)`. HEAD and OPTIONS come with it.

    Other origins may GET what is public; their preflight requests (Fetch standard §4.8) are told so, and no more.
    """
    allowed = [*handlers, "HEAD", "OPTIONS"] if "GET" in handlers else [*handlers, "OPTIONS"]
    allow = ", ".join(allowed)

    return Route(path, Resource(handlers, allow))


class Resource:
    """The ASGI application behind one path."""

    def __init__(self, handlers: Mapping[str, Handler], allow: str) -> None:
        self._handlers, self._allow = handlers, allow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if handler := self._handlers.get("GET" if method == "HEAD" else method):
            response = await handler(Request(scope, receive))
        elif method == "OPTIONS":
            response = options_answer(self._allow)
        else:
            raise HTTPException(405, headers={"Allow": self._allow})
        await response(scope, receive, send)


def options_answer(allow: str) -> Response:
    """What may be asked: by `Allow` of anybody, by the `Access-Control` fields of a page of another origin."""
    headers = dict(
        (
            *DATA_HEADERS,
            ("Allow", allow),
            ANY_ORIGIN,
            ("Access-Control-Allow-Methods", "GET, HEAD"),
            ("Access-Control-Allow-Headers", "Last-Event-ID"),  # for event streams read with fetch()
            ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
        )
    )
    return Response(status_code=204, headers=headers)
