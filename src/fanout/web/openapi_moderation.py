"""The operations of moderation, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from fanout.moderation.desk import MAX_PAGE
from fanout.moderation.transcript import LANGUAGES, TranscriptFormat, View
from fanout.web.openapi_parts import VISITOR, body, content, in_query, operation, parameter
from fanout.web.openapi_schemas import Schema, listed, ref, text
from fanout.web.records_api import MAX_AUDIT_PAGE

_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
_AFTER: Final = in_query("after", _NUMBER, "The `next` of the page before.")
_LIMIT: Final = in_query("limit", {"type": "integer", "minimum": 1}, f"Submissions on the page; at most {MAX_PAGE}.")
_STAFF: Final = "401 403 404 503"
_CHANGE: Final = f"{_STAFF} 409 413 415"


def _in_path(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _ok(description: str, schema: str, status: str = "200") -> dict[str, Any]:
    return {status: content(description, ref(schema))}


def _staff(summary: str, answers: dict[str, Any], problems: str = _STAFF, **more: Any) -> dict[str, Any]:
    return operation(summary, answers, problems, staff=True, **more)


def _text_parameter(name: str, description: str, required: bool = False) -> dict[str, Any]:
    return in_query(name, {"type": "string"}, description) | {"required": required}


_SUBMISSION: Final = _in_path("id", ref("SubmissionId"))
_ID: Final = _in_path("id", text("Its id."))

MODERATION_PATHS: Final[dict[str, Any]] = {
    "/v1/rooms/{room}/submissions": {
        "parameters": [parameter("room")],
        "get": _staff(
            "The queue, oldest first",
            _ok("One page; go on with `after=next` until it is empty.", "Queue"),
            parameters=[
                in_query("state", listed(ref("State")), "Only these; repeat, or with commas."),
                in_query("source", listed(ref("Source")), "Only these; repeat, or with commas."),
                _text_parameter("search", "Words in the text or the name."),
                in_query("since", {"type": "string", "format": "date-time"}, "Received from then on."),
                in_query("until", {"type": "string", "format": "date-time"}, "Received before."),
                _text_parameter("person", "Only this person's (moderator)."),
                _AFTER,
                _LIMIT,
            ],
        ),
        "post": operation(
            "Submit a message (visitor); hand in those of others (gateway)",
            {"202": content("Durable; of a list, how many.", {"oneOf": [ref("OwnSubmission"), ref("Taken")]})},
            "401 403 404 413 415 422 429 503",
            security=VISITOR,
            requestBody=body({"anyOf": [ref("NewSubmission"), ref("HandedIn"), ref("HandedInList")]}),
        ),
    },
    "/v1/rooms/{room}/submissions/mine": {
        "parameters": [parameter("room")],
        "get": operation(
            "What became of one's own",
            _ok("One page, oldest first.", "OwnSubmissions"),
            "401 404 503",
            security=VISITOR,
            parameters=[_AFTER, _LIMIT],
        ),
    },
    "/v1/submissions/{id}": {
        "parameters": [_SUBMISSION],
        "get": operation(
            "One submission (staff, or its author)",
            {"200": content("As it stands.", {"anyOf": [ref("Submission"), ref("OwnSubmission")]})},
            _STAFF,
            security=VISITOR,
        ),
    },
    "/v1/submissions/{id}/decisions": {
        "parameters": [_SUBMISSION],
        "post": operation(
            "Take a step (by role; `withdraw`: its author)",
            {"200": content("As it stands now.", {"anyOf": [ref("Submission"), ref("OwnSubmission")]})},
            _CHANGE,
            security=VISITOR,
            requestBody=body(ref("NewDecision")),
        ),
    },
    "/v1/submissions/{id}/merged": {
        "parameters": [_SUBMISSION],
        "post": _staff(
            "Have it speak for others, all or none (moderator)",
            _ok("Those that were merged.", "Submissions"),
            _CHANGE,
            requestBody=body(ref("Merge")),
        ),
    },
    "/v1/submissions/{id}/lease": {
        "parameters": [_SUBMISSION],
        "post": _staff("Take in hand for a minute (moderator)", _ok("In hand.", "Lease"), f"{_STAFF} 409"),
        "delete": _staff("Lay down (moderator)", _ok("No more in hand.", "Nothing"), f"{_STAFF} 409"),
    },
    "/v1/submissions/{id}/history": {
        "parameters": [_SUBMISSION],
        "get": _staff("What was done to it", _ok("Oldest first.", "HistoryOfOne")),
    },
    "/v1/submissions/{id}/lines": {
        "parameters": [_SUBMISSION],
        "get": _staff("The lines of its answer, drafts included", _ok("In order.", "Lines")),
    },
    "/v1/submissions/{id}/lines/{line}": {
        "parameters": [_SUBMISSION, _in_path("line", text("The scribe's own id for it."))],
        "put": _staff(
            "Write a line: a draft, or on air (scribe, guest)",
            {"200": content("The draft; or what was put on air.", {"oneOf": [ref("Line"), ref("Receipt")]})},
            _CHANGE,
            requestBody=body(ref("NewLine")),
        ),
        "delete": _staff("Take a draft back (scribe, guest)", _ok("Nobody sees it any more.", "Nothing"), _CHANGE),
    },
    "/v1/rooms/{room}/messages/{id}/corrections": {
        "parameters": [parameter("room"), _ID],
        "post": _staff(
            "Correct what staff said",
            _ok("Published.", "Receipt", "201"),
            _CHANGE,
            requestBody=body(ref("Correction")),
        ),
    },
    "/v1/rooms/{room}/run-sheet": {
        "parameters": [parameter("room")],
        "get": _staff("What is cued, in its order", _ok("The pinned first.", "Submissions")),
    },
    "/v1/rooms/{room}/prepared-answers": {
        "parameters": [parameter("room")],
        "get": _staff(
            "Answers written ahead",
            _ok("By id.", "PreparedAnswers"),
            parameters=[_text_parameter("search", "Words, or how they begin.")],
        ),
    },
    "/v1/rooms/{room}/prepared-answers/{id}": {
        "parameters": [parameter("room"), _ID],
        "get": _staff("One prepared answer", _ok("As it stands.", "PreparedAnswer")),
        "put": _staff(
            "Write an answer ahead", _ok("Kept.", "PreparedAnswer"), _CHANGE, requestBody=body(ref("NewPreparedAnswer"))
        ),
        "delete": _staff("Throw it away", _ok("Gone.", "Nothing")),
    },
    "/v1/rooms/{room}/bans": {
        "parameters": [parameter("room")],
        "get": _staff("Who is kept away (moderator)", _ok("What holds now.", "Bans")),
        "post": _staff(
            "Keep somebody away; the room `*` is every room (moderator)",
            _ok("It holds.", "Ban", "201"),
            _CHANGE,
            requestBody=body(ref("NewBan")),
        ),
    },
    "/v1/bans/{id}": {
        "parameters": [_ID],
        "delete": _staff("Lift a ban (moderator)", _ok("What it was.", "Ban")),
    },
    "/v1/rooms/{room}/rules": {
        "parameters": [parameter("room")],
        "get": operation("What holds in a room, or (`*`) everywhere; staff see all", _ok("Now.", "Rules"), "401 404"),
        "patch": _staff(
            "Change rules (moderator, operator)", _ok("Now.", "Rules"), _CHANGE, requestBody=body(ref("RulesChange"))
        ),
    },
    "/v1/rooms/{room}/transcript": {
        "parameters": [parameter("room")],
        "get": operation(
            "The transcript: the public view for all, the internal one for moderators and operators",
            {
                "200": {
                    "description": "The whole, as it stands.",
                    "content": {format.media_type.partition(";")[0]: {"schema": {}} for format in TranscriptFormat},
                }
            },
            _STAFF,
            security=[{}, {"token": []}],
            parameters=[
                in_query("format", {"type": "string", "enum": [str(format) for format in TranscriptFormat]}, "html."),
                in_query("view", {"type": "string", "enum": [str(view) for view in View]}, "public."),
                in_query("language", {"type": "string", "enum": sorted(LANGUAGES)}, "By Accept-Language."),
            ],
        ),
    },
    "/v1/rooms/{room}/tallies": {
        "parameters": [parameter("room")],
        "get": _staff("Messages and people, counted apart", _ok("Exact.", "Tallies")),
    },
    "/v1/sms": {
        "post": _staff(
            "Hand in SMS, all or none (gateway)",
            _ok("Durable.", "Taken"),
            f"{_STAFF} 413 415",
            parameters=[_text_parameter("room", "The room.", required=True)],
            requestBody=body({"oneOf": [ref("NewSms"), ref("NewSmsList")]}),
        ),
    },
    "/v1/sms/kannel": {
        "get": operation(
            "Hand in one SMS, as a Kannel smsbox does (gateway)",
            {"200": {"description": "Durable. The body is empty, so that no SMS goes back."}},
            _STAFF,
            security=[{"query": []}, {"token": []}],
            parameters=[
                _text_parameter("room", "The room.", required=True),
                _text_parameter("id", "%I.", required=True),
                _text_parameter("from", "%p.", required=True),
                _text_parameter("text", "%b: bytes in that character set, percent-encoded."),
                _text_parameter("to", "%P."),
                _text_parameter("ts", "%T."),
                _text_parameter("coding", "%c: 2 is UTF-16BE."),
                _text_parameter("charset", "%C."),
            ],
        ),
    },
    "/v1/audit": {
        "get": _staff(
            "Every decision, hash-chained (a token for every room)",
            _ok("One page.", "AuditPage"),
            "401 403 503",
            parameters=[
                in_query("after", _NUMBER, "Only entries above this number."),
                in_query("limit", {"type": "integer", "minimum": 1}, f"At most {MAX_AUDIT_PAGE}."),
            ],
        ),
    },
    "/v1/plugins": {"get": _staff("What the plug-ins do and cost", _ok("In their order.", "Plugins"), "401 403")},
    "/v1/plugins/{name}": {
        "parameters": [_in_path("name", text("Its name."))],
        "put": _staff(
            "Switch a plug-in off or on (operator)",
            _ok("Now.", "Plugin"),
            _CHANGE,
            requestBody=body(ref("PluginSwitch")),
        ),
    },
    "/v1/drain": {
        "post": _staff(
            "Drain the server, as SIGTERM does (operator)",
            {
                "200": content(
                    "A line now and then; the last one has the state `drained`. Nobody can end it once it has begun.",
                    ref("Drain"),
                    "application/x-ndjson",
                )
            },
            "401 403 409",
        ),
    },
    "/v1/edges/replacement": {
        "post": _staff(
            "Replace the processes that carry listeners, one by one, as SIGHUP does (operator)",
            _ok("It has begun.", "Nothing", "202"),
            "401 403 409",
        ),
    },
    "/v1/visitors": {
        "post": operation(
            "Have an identity, also without cookies",
            _ok("The one that there is, or a new one.", "Visitor", "201"),
            "401 413 415 429",
            security=VISITOR,
            requestBody=body(ref("NewVisitor")),
        ),
    },
}
