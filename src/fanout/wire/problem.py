"""Errors as HTTP and WebSocket clients see them: RFC 9457 problems, and the one table from error to status and code."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from fanout import errors
from fanout.core.closing import CloseCode
from fanout.wire.rendered import encode_json
from fanout.wire.request_head import BadRequest

PROBLEM_TYPE: Final = "application/problem+json"

_STATUS: Final[dict[type[errors.FanoutError], int]] = {
    errors.InvalidInput: 400,
    errors.ProtocolViolation: 400,
    errors.NotAllowed: 403,
    errors.RoomNotFound: 404,
    errors.MessageNotFound: 404,
    errors.SubmissionNotFound: 404,
    errors.RecordNotFound: 404,
    errors.SubmissionRefused: 422,
    errors.TooSoon: 429,
    errors.Banned: 403,
    errors.Conflict: 409,
    errors.ListenerOvertaken: 409,
    errors.LogUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.EngineAway: 503,
    errors.EngineClosed: 503,
}

_STATUS_BY_CODE: Final = {
    "token_missing": 401,
    "token_refused": 401,
    "text_too_long": 413,
    "data_too_long": 413,
    "batch_too_long": 413,
    "body_too_long": 413,
    "unknown_follow": 422,
    "rejected": 422,
    "rate_limited": 429,
}
"""Where the kind of error is too coarse (RFC 9110 §15.5.2, §15.5.14, §15.5.21; RFC 6585 §4)."""

_CLOSE_CODE: Final[dict[type[errors.FanoutError], CloseCode]] = {
    errors.InvalidInput: CloseCode.BAD_COMMAND,
    errors.NotAllowed: CloseCode.TOKEN_REFUSED,
    errors.RoomNotFound: CloseCode.ROOM_NOT_FOUND,
    errors.Banned: CloseCode.BANNED,
    errors.LogUnavailable: CloseCode.INTERNAL_ERROR,
    errors.EngineAway: CloseCode.DRAINING,
    errors.EngineClosed: CloseCode.DRAINING,
    errors.ListenerOvertaken: CloseCode.TOO_SLOW,
}


def status_of(error: errors.FanoutError) -> int:
    """The HTTP status for an error; 500 only for one that no client can cause."""
    if isinstance(error, BadRequest):
        return error.status
    by_code = _STATUS_BY_CODE.get(error.code)
    if by_code is not None:
        return by_code
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def close_code_of(error: errors.FanoutError) -> CloseCode:
    """The WebSocket close code for an error that ends a connection."""
    if isinstance(error, errors.ProtocolViolation):
        return CloseCode(error.close_code)
    kinds = (kind for kind in type(error).__mro__ if kind in _CLOSE_CODE)
    return next((_CLOSE_CODE[kind] for kind in kinds), CloseCode.INTERNAL_ERROR)


def problem(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """The members of an RFC 9457 problem, and `code`, which is stable and meant for programs."""
    return {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail, **more}


def problem_response(status: int, code: str, detail: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A whole HTTP/1.1 response, after which the connection is closed: for what never reaches the ordinary HTTP.

    401 gets the challenge that RFC 9110 §15.5.2 requires; `headers` brings whatever else a status requires.
    """
    challenge = [("WWW-Authenticate", "Bearer")] if status == HTTPStatus.UNAUTHORIZED else []
    return last_response(status, PROBLEM_TYPE, encode_json(problem(status, code, detail)), (*challenge, *headers))


def last_response(status: int, media_type: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A whole HTTP/1.1 response, after which the connection is closed."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
