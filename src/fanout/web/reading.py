"""What a request says: its query, value by value, and its body, checked against the shape that is expected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from starlette.requests import Request

from fanout.errors import InvalidInput
from fanout.wire.request_head import BadRequest

_Body = TypeVar("_Body")


def one_value(request: Request, name: str) -> str | None:
    """A value of the query that may stand there only once; None when it does not.

    Raises:
        InvalidInput: `bad_query`.
    """
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise InvalidInput(f"{name} may stand only once.", code="bad_query")
    return values[0] if values else None


def whole_number(request: Request, name: str, default: int) -> int:
    """A number of the query, from 0.

    Raises:
        InvalidInput: `bad_query`.
    """
    written = one_value(request, name)
    if written is None:
        return default
    if not (written.isascii() and written.isdigit() and len(written) <= 15):
        raise InvalidInput(f"{name} is a whole number from 0.", code="bad_query")
    return int(written)


def page_limit(request: Request, default: int, most: int) -> int:
    """The `limit` of the query; more than the most is cut to it.

    Raises:
        InvalidInput: `bad_limit`.
    """
    written = one_value(request, "limit")
    if written is None:
        return default
    if not (written.isascii() and written.isdigit() and len(written) <= 9 and int(written) >= 1):
        raise InvalidInput(f"limit is a number from 1; more than {most} gives {most}.", code="bad_limit")
    return min(int(written), most)


def moment(request: Request, name: str) -> int | None:
    """A time of the query (RFC 3339), in milliseconds since 1970; None when it is not there.

    Raises:
        InvalidInput: `bad_time`.
    """
    written = one_value(request, name)
    return None if written is None else milliseconds(written, name)


def milliseconds(written: str, name: str) -> int:
    """An RFC 3339 time in milliseconds since 1970.

    Raises:
        InvalidInput: `bad_time`.
    """
    try:
        at = datetime.fromisoformat(written)
        if at.tzinfo is None:
            raise ValueError
        return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{name} is a time with its zone, such as 2026-11-22T20:15:00Z.", code="bad_time") from None


async def read_json(request: Request, decoder: msgspec.json.Decoder[_Body]) -> _Body:
    """The body of a request, checked against what the decoder expects.

    Raises:
        BadRequest: 415 for another media type.
        InvalidInput: `bad_json`, or `bad_field` with the place and what is accepted there.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BadRequest("The body is JSON: Content-Type: application/json.", status=415, code="unsupported_media_type")
    body = await request.body()
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{error}.", code="bad_field") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InvalidInput(f"The body is not valid JSON: {reason}.", code="bad_json") from None
