"""What the server says besides entries, under the names of the protocol, in every format."""

from __future__ import annotations

import json

import msgpack
import pytest

from fanout.core.closing import Bye, CloseCode
from fanout.core.cursor import Recovery
from fanout.core.position import Position
from fanout.core.room import Mode
from fanout.core.submission import State
from fanout.core.typed_lines import TypedLine
from fanout.wire.event_stream import EventStreamReader
from fanout.wire.frames import Binary, FrameReader, Text, mask_frame
from fanout.wire.rendered import Format
from fanout.wire.replies import (
    Error,
    Notice,
    Pong,
    Presence,
    Published,
    Reply,
    RoomWelcome,
    Submission,
    Typing,
    Welcome,
    render_reply,
)

HERE = RoomWelcome(Position("k3f9", 18), Mode.STAGE, Recovery.LIVE)

REPLIES: list[tuple[Reply, dict[str, object]]] = [
    (
        Welcome("l1", 25, {"stage": HERE}),
        {
            "type": "welcome",
            "listener": "l1",
            "heartbeat_s": 25,
            "rooms": {"stage": {"position": "k3f9:18", "mode": "stage", "recovery": "live"}},
        },
    ),
    (Welcome("l1", 25, {}), {"type": "welcome", "listener": "l1", "heartbeat_s": 25, "rooms": {}}),
    (
        Presence("stage", 20113, 18977),
        {"type": "presence", "room": "stage", "listeners": 20113, "visitors": 18977},
    ),
    (
        Typing("stage", (TypedLine("q1", "Ann", "guest", "In M"), TypedLine("q1", "Bob", "scribe"))),
        {
            "type": "typing",
            "room": "stage",
            "lines": [
                {"re": "q1", "author": {"name": "Ann", "role": "guest"}, "text": "In M"},
                {"re": "q1", "author": {"name": "Bob", "role": "scribe"}},
            ],
        },
    ),
    (Typing("stage", ()), {"type": "typing", "room": "stage", "lines": []}),
    (Error("rate_limited", "Slow down."), {"type": "error", "code": "rate_limited", "detail": "Slow down."}),
    (Notice("engine_back", "It goes on."), {"type": "notice", "code": "engine_back", "detail": "It goes on."}),
    (Error("a", "b", "r"), {"type": "error", "code": "a", "detail": "b", "ref": "r"}),
    (
        Error("banned", "Enough.", room="stage"),
        {"type": "error", "code": "banned", "detail": "Enough.", "room": "stage"},
    ),
    (
        Error("rate_limited", "Wait.", "r", after_ms=1500),
        {"type": "error", "code": "rate_limited", "detail": "Wait.", "ref": "r", "after_ms": 1500},
    ),
    (
        Submission("foyer", "s1", "held", "r"),
        {"type": "submission", "room": "foyer", "id": "s1", "state": "held", "ref": "r"},
    ),
    (
        Submission("foyer", "s1", State.REJECTED, reason="No."),
        {"type": "submission", "room": "foyer", "id": "s1", "state": "rejected", "reason": "No."},
    ),
    (
        Submission("foyer", "s1", State.AIRED, message="m1"),
        {"type": "submission", "room": "foyer", "id": "s1", "state": "aired", "message": "m1"},
    ),
    (
        Published("stage", "m4x9", Position("k3f9", 19), "r"),
        {"type": "published", "room": "stage", "id": "m4x9", "position": "k3f9:19", "ref": "r"},
    ),
    (Pong(), {"type": "pong"}),
    (
        Bye(CloseCode.DRAINING, "Restart.", 8200),
        {"type": "bye", "code": 4012, "reason": "Restart.", "reconnect": True, "after_ms": 8200},
    ),
    (
        Bye(CloseCode.TOO_SLOW, "Too slow.", 0, "k3f9:18", "stage"),
        {
            "type": "bye",
            "code": 4008,
            "reason": "Too slow.",
            "reconnect": True,
            "after_ms": 0,
            "room": "stage",
            "position": "k3f9:18",
        },
    ),
    (
        Bye(CloseCode.TOKEN_REFUSED, "Expired."),
        {"type": "bye", "code": 4001, "reason": "Expired.", "reconnect": False},
    ),
]


@pytest.mark.parametrize(("reply", "fields"), REPLIES)
def test_every_reply_says_the_same_in_every_format(reply: Reply, fields: dict[str, object]) -> None:
    (text,) = FrameReader().feed(mask_frame(render_reply(reply, Format.JSON), b"abcd"))
    assert isinstance(text, Text)
    assert json.loads(text.text) == fields
    (binary,) = FrameReader().feed(mask_frame(render_reply(reply, Format.MSGPACK), b"abcd"))
    assert isinstance(binary, Binary)
    assert msgpack.unpackb(binary.data) == fields
    (event,) = EventStreamReader().feed(render_reply(reply, Format.EVENTS))
    assert event.type == fields["type"]
    assert json.loads(event.data) == fields


def test_a_browser_that_loses_an_event_stream_before_the_first_message_says_where_it_stood() -> None:
    reader = EventStreamReader()
    reader.feed(render_reply(Welcome("l1", 25, {"stage": HERE}), Format.EVENTS))
    assert reader.last_event_id == "k3f9:18"
    reader.feed(render_reply(Presence("stage", 1, 1), Format.EVENTS))
    assert reader.last_event_id == "k3f9:18"


def test_a_browser_that_is_told_its_slot_comes_back_then_by_itself() -> None:
    reader = EventStreamReader()
    reader.feed(render_reply(Bye(CloseCode.DRAINING, "Restart.", 8200), Format.EVENTS))
    assert reader.retry_ms == 8200
