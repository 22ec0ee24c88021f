"""The shapes of moderation that the API takes and gives, as JSON Schema, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from fanout.core.answer_line import MAX_LINES
from fanout.core.ban import Effect
from fanout.core.submission import Source, State, Step
from fanout.core.submitted_text import MAX_SUBMISSION_CHARACTERS
from fanout.core.typed_lines import Shown
from fanout.moderation.desk_room import SEEN_ON_STAGE
from fanout.moderation.intake import MAX_ITEMS, MAX_SOURCE_ID_CHARACTERS
from fanout.moderation.merging import MAX_AT_ONCE
from fanout.moderation.names import MAX_VISITOR_NAME_CHARACTERS
from fanout.moderation.rules import MAX_PROTECTED_NAMES, MAX_SLOW_SECONDS, STOPS
from fanout.web.openapi_schemas import Schema, fields, listed, ref, text
from fanout.web.sms_api import MAX_SMS

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_YES: Final[Schema] = {"type": "boolean"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _named(kinds: Any) -> Schema:
    return {"type": "string", "enum": [str(kind) for kind in kinds]}


_RULES: Final[dict[str, Schema]] = {
    "slow_s": {"type": "integer", "minimum": 0, "maximum": MAX_SLOW_SECONDS},
    "paused": _YES,
    "muted": _YES,
    "announce_only": _YES,
    "auto_air": _YES,
    "typing": _named(Shown),
    "protected_names": listed(text("A name."), maxItems=MAX_PROTECTED_NAMES),
}

MODERATION_SCHEMAS: Final[dict[str, Schema]] = {
    "SubmissionId": text("Of one submission.", pattern="^[a-z0-9]{12}$"),
    "State": _named(State),
    "Source": _named(Source),
    "NewSubmission": fields(
        "text",
        text=text("A question or a message.", minLength=1, maxLength=MAX_SUBMISSION_CHARACTERS),
        name=text("The display name; a token may bring one.", maxLength=MAX_VISITOR_NAME_CHARACTERS),
        ref=_or_null(text("The sender's own: the same ref and text again is the same submission.")),
    ),
    "HandedIn": fields(
        "text",
        text=text("Taken as it is, and put right where that is needed."),
        name=text("Left out where it can't be taken."),
        id=text("The sender's own; a second one is a repeat.", maxLength=MAX_SOURCE_ID_CHARACTERS),
        person=text("Who said it, as the house knows them."),
        at=_or_null(_TIME),
    ),
    "HandedInList": listed(ref("HandedIn"), maxItems=MAX_ITEMS),
    "OwnSubmission": fields(
        "id room state text name at",
        id=ref("SubmissionId"),
        room=ref("RoomName"),
        state=ref("State"),
        text=text("As it was sent."),
        name=text("Display name."),
        at=_TIME,
        reason=text("Why it was rejected."),
        message=ref("MessageId"),
    ),
    "Submission": fields(
        " ".join(SEEN_ON_STAGE),
        id=ref("SubmissionId"),
        number={"type": "integer", "minimum": 1},
        room=ref("RoomName"),
        source=ref("Source"),
        person=text(
            "A pseudonym: `visitor:` or `phone:` and a keyed hash; what a ban takes as its target; empty for others."
        ),
        name=text("Display name."),
        text=text("As it would go on air."),
        original=_or_null(text("As it was sent, where it was edited.")),
        at=_TIME,
        state=ref("State"),
        reason=text("What the author may see of a rejection."),
        by=text("Who took the last step."),
        decided_at=_or_null(_TIME),
        merged_into=_or_null(ref("SubmissionId")),
        message=_or_null(ref("MessageId")),
        rank=text("Its place on the run sheet."),
        pinned=_YES,
        opinions=listed({"type": "object"}),
    ),
    "Lease": fields("submission by until", submission=ref("SubmissionId"), by=text("Who has it."), until=_TIME),
    "Queue": fields(
        "submissions next leases", submissions=listed(ref("Submission")), next=_COUNT, leases=listed(ref("Lease"))
    ),
    "OwnSubmissions": fields("submissions next", submissions=listed(ref("OwnSubmission")), next=_COUNT),
    "Submissions": fields("submissions", submissions=listed(ref("Submission"))),
    "NewDecision": fields(
        "action",
        action=_named(Step),
        text=_or_null(text("For edit, approve and answer.")),
        reason=text("For reject: what the author may see."),
        into=_or_null(ref("SubmissionId")),
        ahead_of=_or_null(ref("SubmissionId")),
        prepared=_or_null(text("For answer: the id of a prepared one.")),
    ),
    "Merge": fields("submissions", submissions=listed(ref("SubmissionId"), minItems=1, maxItems=MAX_AT_ONCE)),
    "HistoryOfOne": fields(
        "entries",
        entries=listed(
            fields(
                "number at by action detail",
                number=_COUNT,
                at=_TIME,
                by=text("Who."),
                action=text("What."),
                detail={"type": "object"},
            )
        ),
    ),
    "NewLine": fields("", text=_or_null(text("None: as the draft has it.")), final=_YES),
    "Line": fields(
        "id text final message by role at",
        id=text("The scribe's own."),
        text=text("What is said."),
        final=_YES,
        message=_or_null(ref("MessageId")),
        by=text("Name."),
        role=text("Role."),
        at=_TIME,
        shown=_named(Shown),
    ),
    "Lines": fields("lines", lines=listed(ref("Line"), maxItems=MAX_LINES)),
    "Correction": fields("text", text=text("What should have been said.")),
    "NewPreparedAnswer": fields("text", text=text("The answer."), title=text("The question that is expected.")),
    "PreparedAnswer": fields(
        "id title text by at", id=text("Its id."), title=text("Title."), text=text("Text."), by=text("Who."), at=_TIME
    ),
    "PreparedAnswers": fields("prepared_answers", prepared_answers=listed(ref("PreparedAnswer"))),
    "NewBan": fields(
        "target reason",
        target=text("`visitor:…`, `phone:…` (a submission's `person`), or `address:` and an address or range."),
        reason=text("What the one concerned may see."),
        effect=_named(Effect),
        duration_s={"type": ["number", "null"], "description": "Null: until it is lifted."},
    ),
    "Ban": fields(
        "id target effect room also_in until reason by at",
        id=text("Its id."),
        target=text("Whom."),
        effect=_named(Effect),
        room=text("Where; `*` is everywhere."),
        also_in=listed(ref("RoomName")) | {"description": "The rooms that belong to it, where it holds too."},
        until=_or_null(_TIME),
        reason=text("Why."),
        by=text("Who."),
        at=_TIME,
    ),
    "Bans": fields("bans", bans=listed(ref("Ban"))),
    "Rules": fields(
        "slow_s paused muted announce_only",
        everywhere=listed({"enum": [*STOPS]}) | {"description": "Those that hold because they hold in every room."},
        **_RULES,
    ),
    "RulesChange": fields("", **_RULES),
    "NewSms": {
        "type": "object",
        "properties": {
            "id": text("The gateway's; a second one is a repeat."),
            "from": text("The sender's number; only a keyed hash of it is kept."),
            "text": text("What was written."),
            "to": text("The number that it was sent to."),
            "at": {"anyOf": [_TIME, {"type": "number"}, {"type": "null"}]},
        },
        "required": ["id", "from"],
    },
    "NewSmsList": listed(ref("NewSms"), maxItems=MAX_SMS),
    "Taken": fields("accepted repeated", accepted=_COUNT, repeated=_COUNT),
    "Count": fields("messages people", messages=_COUNT, people=_COUNT),
    "Tallies": fields(
        "messages people by_source by_state",
        messages=_COUNT,
        people=_COUNT,
        by_source={"type": "object", "additionalProperties": ref("Count")},
        by_state={"type": "object", "additionalProperties": _COUNT},
    ),
    "AuditPage": fields(
        "entries next",
        next=_COUNT,
        entries=listed(
            fields(
                "number at by action room subject detail previous hash",
                number=_COUNT,
                at=_TIME,
                previous=text("The hash of the entry before.", pattern="^[0-9a-f]{64}$"),
                hash=text("Of this one.", pattern="^[0-9a-f]{64}$"),
            )
        ),
    ),
    "Plugins": fields("plugins", plugins=listed(ref("Plugin"))),
    "Plugin": fields(
        "name enabled switched hooks",
        name=text("Its name."),
        enabled={"type": "boolean", "description": "False: an operator has switched it off."},
        switched=_or_null(fields("by at", by=text("Who switched it last."), at=_TIME)),
        hooks={"type": "object"},
    ),
    "PluginSwitch": fields("enabled", enabled={"type": "boolean", "description": "False: as if it were not there."}),
    "Drain": fields(
        "state listeners seconds",
        state={"enum": ["draining", "drained"]},
        listeners={**_COUNT, "description": "That are still there."},
        seconds={"type": "number", "description": "Over how long they are told to come back."},
    ),
    "NewVisitor": fields("", name=text("The display name to begin with.", maxLength=MAX_VISITOR_NAME_CHARACTERS)),
    "Visitor": fields("visitor token", visitor=text("The pseudonym."), token=text("What proves it: a JWT.")),
    "Nothing": {"type": "object", "maxProperties": 0},
}
