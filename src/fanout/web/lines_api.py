"""Answers over HTTP: the scribe's lines, corrections of what was said, and answers written ahead."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.answer_line import AnswerLine
from fanout.core.message import Message, iso_time
from fanout.core.principal import Action
from fanout.errors import InvalidInput
from fanout.moderation.moderation import Moderation
from fanout.moderation.prepared import PreparedAnswer
from fanout.web.answers import json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import one_value, read_json


class NewLine(msgspec.Struct, frozen=True):
    """What `PUT` takes for a line. A final one without a text is as its draft has it."""

    text: str | None = None
    final: bool = False


class Correction(msgspec.Struct, frozen=True):
    """What a message should have said."""

    text: str


class NewPreparedAnswer(msgspec.Struct, frozen=True):
    """What `PUT` takes for a prepared answer."""

    text: str
    title: str = ""


_new_line: Final = msgspec.json.Decoder(NewLine)
_correction: Final = msgspec.json.Decoder(Correction)
_new_prepared: Final = msgspec.json.Decoder(NewPreparedAnswer)


class LinesApi:
    """The handlers, on one moderation."""

    def __init__(self, moderation: Moderation, callers: Callers) -> None:
        self._engine, self._scribe, self._prepared = moderation.engine, moderation.scribe, moderation.prepared
        self._typing = moderation.typing
        self._callers = callers

    def routes(self) -> list[Route]:
        prepared = "/v1/rooms/{room}/prepared-answers"
        return [
            resource("/v1/submissions/{id}/lines", GET=self.lines),
            resource("/v1/submissions/{id}/lines/{line}", PUT=self.write, DELETE=self.discard),
            resource("/v1/rooms/{room}/messages/{id}/corrections", POST=self.correct),
            resource(prepared, GET=self.search),
            resource(prepared + "/{id}", GET=self.one_prepared, PUT=self.prepare, DELETE=self.drop),
        ]

    async def lines(self, request: Request) -> Response:
        """`GET /v1/submissions/{id}/lines`: of one answer, drafts included."""
        lines = await self._scribe.lines(self._callers.of(request), request.path_params["id"])
        return json_answer({"lines": [_line(line) for line in lines]})

    async def write(self, request: Request) -> Response:
        """`PUT /v1/submissions/{id}/lines/{line}`: a draft, or on air; the same again changes nothing."""
        principal = self._callers.of(request)
        wanted = await read_json(request, _new_line)
        question, line = request.path_params["id"], request.path_params["line"]
        if wanted.final:
            return json_answer(_receipt(await self._scribe.final(principal, question, line, wanted.text)))
        if wanted.text is None:
            raise InvalidInput("A draft has a text.", code="text_missing")
        draft = await self._scribe.draft(principal, question, line, wanted.text)
        return json_answer(_line(draft) | {"shown": self._typing.shown(draft)})

    async def discard(self, request: Request) -> Response:
        """`DELETE /v1/submissions/{id}/lines/{line}`: a draft that is not to be."""
        parts = request.path_params
        await self._scribe.discard(self._callers.of(request), parts["id"], parts["line"])
        return json_answer({})

    async def correct(self, request: Request) -> Response:
        """`POST /v1/rooms/{room}/messages/{id}/corrections`."""
        principal = self._callers.of(request)
        wanted = await read_json(request, _correction)
        room, message = request.path_params["room"], request.path_params["id"]
        return json_answer(_receipt(await self._scribe.correct(principal, room, message, wanted.text)), 201)

    async def search(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/prepared-answers`: those with all of these words."""
        room = request.path_params["room"]
        principal = self._callers.allowed(request, Action.SEE_STAGE, room)
        words = one_value(request, "search") or ""
        found = self._prepared.search(principal, self._engine.room(room).name, words)
        return json_answer({"prepared_answers": [_prepared(answer) for answer in found]})

    async def one_prepared(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/prepared-answers/{id}`."""
        room, id = request.path_params["room"], request.path_params["id"]
        return json_answer(_prepared(self._prepared.get(self._callers.of(request), room, id)))

    async def prepare(self, request: Request) -> Response:
        """`PUT /v1/rooms/{room}/prepared-answers/{id}`: durable when answered."""
        room, id = request.path_params["room"], request.path_params["id"]
        principal = self._callers.allowed(request, Action.PREPARE, room)
        wanted = await read_json(request, _new_prepared)
        room = self._engine.room(room).name
        return json_answer(_prepared(await self._prepared.save(principal, room, id, wanted.text, title=wanted.title)))

    async def drop(self, request: Request) -> Response:
        """`DELETE /v1/rooms/{room}/prepared-answers/{id}`."""
        await self._prepared.delete(self._callers.of(request), request.path_params["room"], request.path_params["id"])
        return json_answer({})


def _receipt(message: Message) -> dict[str, Any]:
    return {"id": message.id, "position": str(message.position)}


def _line(line: AnswerLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "text": line.text,
        "final": line.final,
        "message": line.message,
        "by": line.name,
        "role": line.role,
        "at": iso_time(line.at),
    }


def _prepared(answer: PreparedAnswer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "title": answer.title,
        "text": answer.text,
        "by": answer.by,
        "at": iso_time(answer.at),
    }
