"""What visitors send over HTTP, what becomes of it, and the queue as staff see it."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.message import iso_time
from fanout.core.principal import Action, Principal, Role
from fanout.core.submission import Source, State, Submission
from fanout.errors import FanoutError, InvalidInput, SubmissionNotFound
from fanout.feed.moderated_feed import source_id
from fanout.moderation.desk import MAX_PAGE
from fanout.moderation.desk_room import seen_by
from fanout.moderation.intake import MAX_ITEMS, NewSubmission
from fanout.moderation.moderation import Moderation
from fanout.moderation.people import visitor
from fanout.moderation.ports import Query
from fanout.web.answers import answer_to, json_answer, resource
from fanout.web.bearer import Callers
from fanout.web.reading import milliseconds, moment, one_value, page_limit, read_json, whole_number
from fanout.web.visitors import Visitors

DEFAULT_PAGE: Final = 50
"""Submissions on a page when `limit` does not say: what a screen of the desk shows."""

MAX_SEARCH_CHARACTERS: Final = 200
"""Characters of a search. Beyond: `bad_query`."""

MAX_NAMED_PERSON_CHARACTERS: Final = 200
"""Characters of `person`, as of a token's subject. Beyond: `bad_person`."""


class Submitted(msgspec.Struct, frozen=True):
    """What `POST` takes. `ref` is a visitor's own name for it; `id`, `person` and `at` are for who hands in."""

    text: str
    name: str = ""
    ref: str | None = None
    id: str = ""
    person: str = ""
    at: str | None = None


_Kind = TypeVar("_Kind", State, Source)
_submitted: Final = msgspec.json.Decoder(Submitted | list[Submitted])


class SubmissionsApi:
    """The handlers, on one moderation."""

    def __init__(self, moderation: Moderation, callers: Callers, visitors: Visitors) -> None:
        self._moderation, self._callers, self._visitors = moderation, callers, visitors

    def routes(self) -> list[Route]:
        return [
            resource("/v1/rooms/{room}/submissions/mine", GET=self.mine),
            resource("/v1/rooms/{room}/submissions", GET=self.queue, POST=self.submit),
            resource("/v1/submissions/{id}/history", GET=self.history),
            resource("/v1/submissions/{id}", GET=self.one),
        ]

    async def submit(self, request: Request) -> Response:
        """`POST /v1/rooms/{room}/submissions`: a visitor's, answered when durable; or what a gateway hands in."""
        room = self._moderation.engine.room(request.path_params["room"]).name
        given = await read_json(request, _submitted)
        if isinstance(given, list) or self._hands_in(request):
            return await self._handed_in(request, room, given)
        known = self._visitors.welcome(request)
        try:
            submission = await self._submitted(request, room, given, known.principal)
        except FanoutError as error:
            # The identity stays theirs, or whoever was told to wait would be somebody else the next time.
            refusal = answer_to(error)
            for name, value in known.cookie:
                refusal.headers[name] = value
            return refusal
        return json_answer(told(submission), 202, known.cookie)

    def _hands_in(self, request: Request) -> bool:
        return "authorization" in request.headers and self._callers.of(request).role is Role.GATEWAY

    async def _submitted(self, request: Request, room: str, given: Submitted, principal: Principal) -> Submission:
        address = request.client.host if request.client else ""
        new = NewSubmission(
            room,
            given.text,
            given.name or principal.name,
            visitor(principal.subject),
            source_id=source_id(principal, given.ref, given.text),
        )
        return await self._moderation.intake.submit(new, by=principal, address=address)

    async def _handed_in(self, request: Request, room: str, given: Submitted | list[Submitted]) -> Response:
        """On behalf of others: taken whatever is in it. What was kept before a 503 is a repeat when sent again."""
        self._callers.allowed(request, Action.HAND_IN, room)
        items = given if isinstance(given, list) else [given]
        if len(items) > MAX_ITEMS:
            raise InvalidInput(f"At most {MAX_ITEMS} submissions are handed in at once.", code="batch_too_long")
        new = [
            NewSubmission(
                room,
                item.text,
                item.name,
                _person(item.person),
                Source.API,
                item.id,
                None if item.at is None else milliseconds(item.at, "at"),
            )
            for item in items
        ]
        receipts = await self._moderation.intake.receive(room, Source.API, new)
        if not isinstance(given, list):
            return json_answer(told(receipts[0].submission), 202)
        repeated = sum(receipt.repeated for receipt in receipts)
        return json_answer({"accepted": len(receipts) - repeated, "repeated": repeated}, 202)

    async def queue(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/submissions`: a page of the queue, oldest first."""
        name = request.path_params["room"]
        principal = self._callers.allowed(request, Action.SEE_DESK, name)
        if (person := one_value(request, "person")) is not None:
            principal.check(Action.BAN, name)
        room = self._moderation.engine.room(name).name
        search = one_value(request, "search") or ""
        if len(search) > MAX_SEARCH_CHARACTERS:
            raise InvalidInput(f"search has at most {MAX_SEARCH_CHARACTERS} characters.", code="bad_query")
        query = Query(
            room=room,
            states=frozenset(_chosen(request, "state", State)),
            sources=frozenset(_chosen(request, "source", Source)),
            after=whole_number(request, "after", 0),
            limit=page_limit(request, DEFAULT_PAGE, MAX_PAGE),
            search=search,
            since=moment(request, "since"),
            until=moment(request, "until"),
            person=person,
        )
        page = await self._moderation.desk.queue(principal, query)
        leases = self._moderation.desk.leases(room)
        return json_answer(
            {
                "submissions": [seen_by(principal, submission) for submission in page],
                "next": page[-1].number if page else query.after,
                "leases": [
                    {"submission": lease.submission, "by": lease.by, "until": iso_time(lease.until)} for lease in leases
                ],
            }
        )

    async def mine(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/submissions/mine`: what became of one's own."""
        room = self._moderation.engine.room(request.path_params["room"]).name
        principal = self._visitors.of(request)
        after, limit = whole_number(request, "after", 0), page_limit(request, DEFAULT_PAGE, MAX_PAGE)
        page: list[Submission] = []
        if principal.subject:
            query = Query(room=room, person=visitor(principal.subject), after=after, limit=limit)
            page = await self._moderation.store.page(query)
        return json_answer({"submissions": [told(one) for one in page], "next": page[-1].number if page else after})

    async def one(self, request: Request) -> Response:
        """`GET /v1/submissions/{id}`: everything for staff; for its author, what they may know."""
        submission_id = request.path_params["id"]
        principal = self._visitors.of(request)
        if principal.role is not Role.VISITOR:
            return json_answer(seen_by(principal, await self._moderation.desk.find(principal, submission_id)))
        submission = await self._moderation.store.find(submission_id)
        if submission is None or not principal.subject or submission.person != visitor(principal.subject):
            raise SubmissionNotFound("You have sent nothing of that id.")
        return json_answer(told(submission))

    async def history(self, request: Request) -> Response:
        """`GET /v1/submissions/{id}/history`: what was done to it, and by whom."""
        entries = await self._moderation.desk.history(self._callers.of(request), request.path_params["id"])
        return json_answer(
            {
                "entries": [
                    {
                        "number": entry.number,
                        "at": iso_time(entry.draft.at),
                        "by": entry.draft.by,
                        "action": entry.draft.action,
                        "detail": dict(entry.draft.detail),
                    }
                    for entry in entries
                ]
            }
        )


def told(submission: Submission) -> dict[str, Any]:
    """A submission as its author sees it."""
    reason = submission.reason if submission.state is State.REJECTED else ""  # of what is held, it is for staff
    return {
        "id": submission.id,
        "room": submission.room,
        "state": str(submission.state),
        "text": submission.original if submission.original is not None else submission.text,
        "name": submission.name,
        "at": iso_time(submission.at),
        **({"reason": reason} if reason else {}),
        **({"message": submission.message} if submission.message else {}),
    }


def _person(given: str) -> str:
    """Somebody as the house that hands in knows them, named as visitors are here: so that a ban holds for both."""
    if len(given) > MAX_NAMED_PERSON_CHARACTERS or not (given == "" or given.isprintable()):
        raise InvalidInput(f"person has at most {MAX_NAMED_PERSON_CHARACTERS} printable characters.", code="bad_person")
    return visitor(given)


def _chosen(request: Request, name: str, kind: type[_Kind]) -> list[_Kind]:
    """Values that may be repeated, or stand in one with commas between."""
    written = ",".join(request.query_params.getlist(name))
    try:
        return [kind(value) for value in written.split(",") if value]
    except ValueError:
        raise InvalidInput(f"{name} is one of {', '.join(map(str, kind))}.", code="bad_query") from None
