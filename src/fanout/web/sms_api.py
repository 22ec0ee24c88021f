"""SMS from a gateway: by JSON, one or many, and as a Kannel smsbox hands them over. Answered after the commit, never
before, so that a gateway which gets no 200 sends again and nothing is lost; a repeat is known by its id.

Telephone numbers come in here, and go no further than the keyed hash that stands for them.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.principal import VISITOR, Action, Principal
from fanout.core.submission import Source
from fanout.errors import InvalidInput
from fanout.moderation.intake import ONE_COMMIT, NewSubmission
from fanout.moderation.moderation import Moderation
from fanout.moderation.people import MAX_PHONE_CHARACTERS
from fanout.web.answers import answer, json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import milliseconds, one_value, read_json
from fanout.web.tokens import Tokens
from fanout.wire.kannel import read_sms

MAX_SMS: Final = ONE_COMMIT
"""SMS in one request, 1,000: all or none, so as many as share one commit. Beyond: 413 `batch_too_long`."""

MAX_SMS_TEXT_CHARACTERS: Final = 20_000
"""Characters of one SMS as it comes in. Telephones stop at 1,600, and what is over 2,000 is cut in any case; what is
beyond this is not even looked at."""

_log = structlog.get_logger(__name__)


class NewSms(msgspec.Struct, frozen=True):
    """What `POST /v1/sms` takes. `at`: when it was sent, as a time with its zone or in seconds since 1970."""

    id: str
    sender: str = msgspec.field(name="from")
    text: str = ""
    to: str = ""
    at: str | float | None = None


_new_sms: Final = msgspec.json.Decoder(NewSms | list[NewSms])


class SmsApi:
    """The handlers, on one moderation."""

    def __init__(self, moderation: Moderation, callers: Callers, tokens: Tokens) -> None:
        self._moderation, self._callers, self._tokens = moderation, callers, tokens

    def routes(self) -> list[Route]:
        return [resource("/v1/sms/kannel", GET=self.kannel), resource("/v1/sms", POST=self.post)]

    async def post(self, request: Request) -> Response:
        """`POST /v1/sms?room=NAME`: all or none, durable when answered."""
        room = one_value(request, "room")
        if room is None:
            raise InvalidInput("room is missing: POST /v1/sms?room=NAME.", code="sms_room_missing")
        self._callers.allowed(request, Action.HAND_IN, room)
        given = await read_json(request, _new_sms)
        items = given if isinstance(given, list) else [given]
        if len(items) > MAX_SMS:
            raise InvalidInput(f"One request has at most {MAX_SMS} SMS.", code="batch_too_long")
        self._moderation.engine.room(room)
        people = await self._moderation.people.phones([_checked(item).sender for item in items])
        new = [
            _submission(room, item.id, item.text, person, _sent_at(item.at))
            for item, person in zip(items, people, strict=True)
        ]
        receipts = await self._moderation.intake.receive(room, Source.SMS, new)
        repeated = sum(receipt.repeated for receipt in receipts)
        return json_answer({"accepted": len(receipts) - repeated, "repeated": repeated})

    async def kannel(self, request: Request) -> Response:
        """`GET /v1/sms/kannel`: 200 and nothing, so that no SMS goes back."""
        sms = read_sms(request.scope["query_string"])
        self._who(request, sms.token).check(Action.HAND_IN, sms.room)
        if sms.damaged:  # a gateway that is set up wrongly damages every one: somebody should hear of it
            _log.warning("sms_damaged", room=sms.room)
        self._moderation.engine.room(sms.room)
        people = await self._moderation.people.phones([sms.sender])
        new = _submission(sms.room, sms.id, sms.text, people[0], sms.sent_at)
        await self._moderation.intake.receive(sms.room, Source.SMS, [new])
        return answer(b"", "text/plain", headers=(("Cache-Control", "no-store"),))

    def _who(self, request: Request, token: str) -> Principal:
        if "authorization" in request.headers:
            return self._callers.of(request)
        return self._tokens.authenticate(token) if token else VISITOR


def _submission(room: str, id: str, text: str, person: str, at: int | None) -> NewSubmission:
    text = text[:MAX_SMS_TEXT_CHARACTERS]
    return NewSubmission(room, text, person=person, source=Source.SMS, source_id=id, at=at)


def _checked(item: NewSms) -> NewSms:
    if not item.id.strip():
        raise InvalidInput("Each SMS has an id: by it a repeat is known.", code="sms_id_missing")
    if not item.sender.strip():
        raise InvalidInput("Each SMS has a sender: from.", code="sms_sender_missing")
    if len(item.sender) > MAX_PHONE_CHARACTERS:
        raise InvalidInput(f"from has at most {MAX_PHONE_CHARACTERS} characters.", code="bad_phone")
    return item


def _sent_at(at: str | float | None) -> int | None:
    if at is None:
        return None
    if isinstance(at, str):
        return milliseconds(at, "at")
    if not (math.isfinite(at) and 0 <= at < 2**33):
        raise InvalidInput("at is in seconds since 1970, or a time with its zone.", code="bad_time")
    return int(at * 1000)
