"""The one table from errors to HTTP statuses and close codes, and the raw responses."""

from __future__ import annotations

import json
from http.client import HTTPResponse
from io import BytesIO

import h11
import pytest

from fanout import errors
from fanout.core.closing import CloseCode
from fanout.wire.problem import close_code_of, problem, problem_response, status_of
from fanout.wire.request_head import BadRequest

TABLE = [
    (errors.InvalidInput("x"), 400, CloseCode.BAD_COMMAND),
    (errors.InvalidInput("x", code="text_too_long"), 413, CloseCode.BAD_COMMAND),
    (errors.InvalidInput("x", code="unknown_follow"), 422, CloseCode.BAD_COMMAND),
    (BadRequest("x", code="head_too_long", status=431), 431, CloseCode.BAD_COMMAND),
    (errors.ProtocolViolation("x", close_code=1007), 400, CloseCode.INVALID_PAYLOAD),
    (errors.NotAllowed("x"), 403, CloseCode.TOKEN_REFUSED),
    (errors.NotAllowed("x", code="token_missing"), 401, CloseCode.TOKEN_REFUSED),
    (errors.NotAllowed("x", code="token_refused"), 401, CloseCode.TOKEN_REFUSED),
    (errors.RoomNotFound("x"), 404, CloseCode.ROOM_NOT_FOUND),
    (errors.MessageNotFound("x"), 404, CloseCode.INTERNAL_ERROR),
    (errors.SubmissionNotFound("x"), 404, CloseCode.INTERNAL_ERROR),
    (errors.RecordNotFound("x"), 404, CloseCode.INTERNAL_ERROR),
    (errors.SubmissionRefused("x"), 422, CloseCode.INTERNAL_ERROR),
    (errors.TooSoon("x", after_s=1), 429, CloseCode.INTERNAL_ERROR),
    (errors.Banned("x"), 403, CloseCode.BANNED),
    (errors.TransitionRefused("x"), 409, CloseCode.INTERNAL_ERROR),
    (errors.StoreUnavailable("x"), 503, CloseCode.INTERNAL_ERROR),
    (errors.Conflict("x"), 409, CloseCode.INTERNAL_ERROR),
    (errors.EpochChanged("x"), 409, CloseCode.INTERNAL_ERROR),
    (errors.KeyReused("x"), 409, CloseCode.INTERNAL_ERROR),
    (errors.LogUnavailable("x"), 503, CloseCode.INTERNAL_ERROR),
    (errors.EngineAway("x"), 503, CloseCode.DRAINING),
    (errors.EngineClosed("x"), 503, CloseCode.DRAINING),
    (errors.ListenerOvertaken("x", resume_after="k3f9:1"), 409, CloseCode.TOO_SLOW),
    (errors.ConfigurationError("x", "y"), 500, CloseCode.INTERNAL_ERROR),
    (errors.FanoutError("x"), 500, CloseCode.INTERNAL_ERROR),
]


@pytest.mark.parametrize(("error", "status", "close_code"), TABLE)
def test_every_error_has_a_status_and_a_close_code(
    error: errors.FanoutError, status: int, close_code: CloseCode
) -> None:
    assert status_of(error) == status
    assert close_code_of(error) == close_code


def test_no_kind_of_error_is_missing_from_the_table() -> None:
    def below(kind: type[errors.FanoutError]) -> set[type[errors.FanoutError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    assert {kind for kind in below(errors.FanoutError) if kind.__module__ == "fanout.errors"} <= {
        type(error) for error, _, _ in TABLE
    }


def test_a_problem_has_the_members_of_rfc_9457_and_a_code() -> None:
    assert problem(404, "room_not_found", "There is no room 'a'.", room="a") == {
        "title": "Not Found",
        "status": 404,
        "code": "room_not_found",
        "detail": "There is no room 'a'.",
        "room": "a",
    }


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 414, 422, 426, 429, 431, 500, 501, 503, 505])
def test_a_raw_response_is_one_whole_http_response_that_ends_its_connection(status: int) -> None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(problem_response(status, "a_code", "Détail.", [("Retry-After", "3")]))
    response, body, end = connection.next_event(), connection.next_event(), connection.next_event()
    assert isinstance(response, h11.Response)
    assert isinstance(body, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    headers = dict(response.headers)
    assert response.status_code == status
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"connection"] == b"close"
    assert headers[b"retry-after"] == b"3"
    assert (headers.get(b"www-authenticate") == b"Bearer") is (status == 401)
    assert json.loads(bytes(body.data))["detail"] == "Détail."
    assert connection.their_state is h11.MUST_CLOSE


class _Socket(BytesIO):
    def makefile(self, mode: str) -> BytesIO:
        return self


def test_the_standard_librarys_client_reads_a_raw_response_too() -> None:
    response = HTTPResponse(_Socket(problem_response(431, "head_too_long", "Too long.")))  # type: ignore[arg-type]
    response.begin()
    assert (response.status, json.loads(response.read())["code"]) == (431, "head_too_long")
