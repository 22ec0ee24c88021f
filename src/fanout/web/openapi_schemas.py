"""The shapes that the API takes and gives, as JSON Schema (2020-12), for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from fanout.core.cursor import Overflow
from fanout.core.limits import MAX_BATCH_MESSAGES, MAX_FOLLOWS, MAX_RING_CAPACITY, MAX_TEXT_BYTES, MAX_TITLE_CHARACTERS
from fanout.core.message import GapReason
from fanout.core.room import Mode
from fanout.web.programme import PHASES

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def fields(required: str, **properties: Schema) -> Schema:
    """An object; the names in `required` are separated by spaces. Others may come: a reader ignores what it does not
    know."""
    described: Schema = {"type": "object", "properties": properties}
    return described | ({"required": required.split()} if required else {})


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def listed(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {
    "type": ["number", "null"],
    "description": "Upper bound of the histogram bucket, in seconds; null beyond the last.",
}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_CAPACITY: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": MAX_RING_CAPACITY}
_FOLLOWS: Final[Schema] = listed(ref("RoomName"), maxItems=MAX_FOLLOWS)

SCHEMAS: Final[dict[str, Schema]] = {
    "Position": text(
        "EPOCH:SEQ, one opaque value.", pattern="^[a-z0-9]{1,16}:(0|[1-9][0-9]{0,15})$", examples=["k3f9:18"]
    ),
    "RoomName": text("Letters, digits, dots, hyphens, underscores.", minLength=1, maxLength=64),
    "MessageId": text("Of one message, in every room that it enters.", pattern="^[a-z0-9]{12}$"),
    "Mode": {"type": "string", "enum": [str(mode) for mode in Mode]},
    "Overflow": {"type": "string", "enum": [str(overflow) for overflow in Overflow]},
    "Room": fields(
        "name title mode position oldest listeners visitors capacity overflow follows delivery_seconds",
        name=ref("RoomName"),
        title=text("What people call it."),
        mode=ref("Mode"),
        position=ref("Position"),
        oldest=ref("Position"),
        listeners=_COUNT,
        visitors=_COUNT,
        capacity=_CAPACITY,
        overflow=ref("Overflow"),
        follows=_FOLLOWS,
        phase={
            "type": "string",
            "enum": list(PHASES),
            "description": "How far the event is, as staff said last. Only where one room is asked for.",
        },
        note=text("What staff said with the phase. Only where one room is asked for."),
        starts_at={"anyOf": [_TIME, {"type": "null"}], "description": "When it begins, where that was said."},
        delivery_seconds={
            **fields("p50 p99 count", p50=_SECONDS, p99=_SECONDS, count=_COUNT),
            "description": "From publication to socket, over all rooms of this server since it started.",
        },
    ),
    "RoomChange": fields(
        "",
        mode={"anyOf": [ref("Mode"), {"type": "null"}]},
        capacity={"anyOf": [_CAPACITY, {"type": "null"}]},
        overflow={"anyOf": [ref("Overflow"), {"type": "null"}]},
        follows={"anyOf": [_FOLLOWS, {"type": "null"}]},
        title={"type": ["string", "null"], "maxLength": MAX_TITLE_CHARACTERS},
    ),
    "NewMessage": fields(
        "text",
        text=text(f"Plain text, at most {MAX_TEXT_BYTES} bytes of UTF-8.", minLength=1),
        kind=text("What it is: message, question, answer…", default="message", pattern="^[a-z][a-z0-9_.-]*$"),
        re={"anyOf": [ref("MessageId"), {"type": "null"}], "description": "The message that it refers to."},
        data={"type": ["object", "null"], "description": "Anything that goes with it."},
    ),
    "NewMessages": listed(ref("NewMessage"), minItems=1, maxItems=MAX_BATCH_MESSAGES),
    "Receipt": fields("id position", id=ref("MessageId"), position=ref("Position")),
    "Message": fields(
        "type room position id kind author text at",
        type={"const": "message"},
        room=ref("RoomName"),
        position=ref("Position"),
        id=ref("MessageId"),
        kind=text("What it is."),
        author=fields("name role", name=text("Display name, perhaps empty."), role=text("Role, perhaps empty.")),
        text=text("Empty when it was retracted."),
        re=ref("MessageId"),
        data={"type": "object"},
        at=_TIME,
        retracted={"const": True},
    ),
    "Retraction": fields(
        "type room position target at",
        type={"const": "retraction"},
        room=ref("RoomName"),
        position=ref("Position"),
        target=ref("MessageId"),
        at=_TIME,
    ),
    "Gap": {
        **fields(
            "type room from to missed reason",
            type={"const": "gap"},
            room=ref("RoomName"),
            to=ref("Position"),
            missed=_COUNT,
            reason={"type": "string", "enum": [str(reason) for reason in GapReason]},
        ),
        "description": "Positions that can't be had any more, both ends included.",
    },
    "Entry": {"oneOf": [ref("Message"), ref("Retraction"), ref("Gap")], "discriminator": {"propertyName": "type"}},
    "History": fields("messages next", messages=listed(ref("Entry")), next=ref("Position")),
    "Problem": {
        **fields(
            "title status code detail",
            title=text("The status in words."),
            status={"type": "integer"},
            code=text("Stable, for programs."),
            detail=text("A sentence for people."),
        ),
        "description": "RFC 9457.",
    },
}
SCHEMAS["Gap"]["properties"]["from"] = ref("Position")  # a keyword in Python
