"""What is kept, over HTTP: transcripts, exact counts and the audit trail."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.message import iso_time
from fanout.core.principal import EVERY_ROOM, Action
from fanout.core.submission import Source
from fanout.engine.room import Room
from fanout.moderation.moderation import Moderation
from fanout.moderation.ports import Count
from fanout.moderation.transcript import (
    View,
    internal_transcript,
    public_transcript,
    transcript_format,
    transcript_view,
)
from fanout.moderation.transcript.writing import TranscriptFormat
from fanout.web.answers import Pieces, answer, json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.language import language_of
from fanout.web.reading import one_value, page_limit, whole_number
from fanout.web.security import ANY_ORIGIN, document_policy

MAX_AUDIT_PAGE: Final = 1000
"""Entries in one page of the audit; `limit` is cut to this."""

REMEMBERED_TRANSCRIPTS: Final = 8
"""Public transcripts kept as they were last written: at the end of an evening everybody asks for the same one, and a
long one takes a second to write. A few hundred KiB each."""


class RecordsApi:
    """The handlers, on one moderation."""

    def __init__(self, moderation: Moderation, callers: Callers) -> None:
        self._moderation, self._callers = moderation, callers
        self._written: OrderedDict[tuple[str, TranscriptFormat, str], tuple[str, bytes]] = OrderedDict()
        self._writing = trio.Lock()

    def routes(self) -> list[Route]:
        return [
            resource("/v1/rooms/{room}/transcript", GET=self.transcript),
            resource("/v1/rooms/{room}/tallies", GET=self.tallies),
            resource("/v1/audit", GET=self.audit),
        ]

    async def transcript(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/transcript`: the public view for all, the internal one for those who may."""
        name = request.path_params["room"]
        format = transcript_format(one_value(request, "format") or "html")
        view = transcript_view(one_value(request, "view") or "public")
        language = one_value(request, "language") or language_of(request.headers.get("accept-language", ""))
        media_type, policy = format.media_type, document_policy(format.policy)
        if view is View.INTERNAL:
            self._callers.allowed(request, Action.SEE_INTERNAL, name)
            room = self._moderation.engine.room(name)
            pieces = internal_transcript(room, self._moderation.store, format, language)
            return Pieces(await anext(pieces), pieces, media_type, (policy,))
        body = await self._public(self._moderation.engine.room(name), format, language)
        return answer(
            body, media_type, headers=(ANY_ORIGIN, policy, ("Cache-Control", "no-cache"), ("Vary", "Accept-Language"))
        )

    async def _public(self, room: Room, format: TranscriptFormat, language: str) -> bytes:
        """As it is now; written anew only when something has been published or taken back since."""
        key = (room.name, format, language)
        async with self._writing:
            now = f"{room.position} {room.settings.title}"
            kept = self._written.get(key)
            if kept is not None and kept[0] == now:
                return kept[1]
            body = await public_transcript(room, format, language)
            self._written[key] = (now, body)
            self._written.move_to_end(key)
            if len(self._written) > REMEMBERED_TRANSCRIPTS:
                self._written.popitem(last=False)
            return body

    async def tallies(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/tallies`: messages and people, counted apart."""
        name = request.path_params["room"]
        self._callers.allowed(request, Action.SEE_DESK, name)
        tallies = await self._moderation.store.tallies(self._moderation.engine.room(name).name)
        return json_answer(
            {
                **_count(tallies.total),
                "by_source": {str(source): _count(tallies.by_source.get(source, Count())) for source in Source},
                "by_state": {str(state): count for state, count in tallies.by_state.items()},
            }
        )

    async def audit(self, request: Request) -> Response:
        """`GET /v1/audit`: every decision, each entry with the hash that holds it to the one before."""
        self._callers.allowed(request, Action.SEE_INTERNAL, EVERY_ROOM)
        after, limit = whole_number(request, "after", 0), page_limit(request, 100, MAX_AUDIT_PAGE)
        entries = await self._moderation.store.audit(after, limit)
        return json_answer(
            {
                "entries": [
                    {
                        "number": entry.number,
                        "at": iso_time(entry.draft.at),
                        "by": entry.draft.by,
                        "action": entry.draft.action,
                        "room": entry.draft.room,
                        "subject": entry.draft.subject,
                        "detail": dict(entry.draft.detail),
                        "previous": entry.previous,
                        "hash": entry.hash,
                    }
                    for entry in entries
                ],
                "next": entries[-1].number if entries else after,
            }
        )


def _count(count: Count) -> dict[str, Any]:
    return {"messages": count.messages, "people": count.people}
