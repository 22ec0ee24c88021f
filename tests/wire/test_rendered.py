"""Entries and gaps in every format, under the names of the protocol, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.limits import MAX_SEQ
from fanout.core.message import Author, Entry, Gap, GapReason, Message, Retraction, iso_time
from fanout.core.position import Position
from fanout.errors import InvalidInput
from fanout.wire.event_stream import EventStreamReader
from fanout.wire.frames import Binary, FrameReader, Text, mask_frame
from fanout.wire.rendered import Format, as_object, entry_from_object, render

AT = int(datetime(2026, 11, 22, 20, 15, 0, 123000, UTC).timestamp() * 1000)
MESSAGE = Message("stage", Position("k3f9", 19), "m4x9", "answer", Author("Zoé", "guest"), "Yes.\n\u2028", AT)


def test_a_message_is_written_as_the_protocol_says() -> None:
    assert as_object(MESSAGE) == {
        "type": "message",
        "room": "stage",
        "position": "k3f9:19",
        "id": "m4x9",
        "kind": "answer",
        "author": {"name": "Zoé", "role": "guest"},
        "text": "Yes.\n\u2028",
        "at": "2026-11-22T20:15:00.123Z",
    }


def test_a_retracted_message_keeps_its_place_and_nothing_that_was_said() -> None:
    fields = as_object(changed(MESSAGE, data={"secret": 1}).redacted())
    assert (fields["text"], fields["retracted"], fields["position"]) == ("", True, "k3f9:19")
    assert fields["author"] == {"name": "", "role": "guest"}
    assert "data" not in fields


def test_retractions_and_gaps_are_written_as_the_protocol_says() -> None:
    assert as_object(Retraction("stage", Position("k3f9", 20), "m4x9", AT)) == {
        "type": "retraction",
        "room": "stage",
        "position": "k3f9:20",
        "target": "m4x9",
        "at": "2026-11-22T20:15:00.123Z",
    }
    assert as_object(Gap("stage", Position("k3f9", 20), Position("k3f9", 120), GapReason.SLOW)) == {
        "type": "gap",
        "room": "stage",
        "from": "k3f9:20",
        "to": "k3f9:120",
        "missed": 101,
        "reason": "slow",
    }


def test_an_event_carries_the_position_at_which_a_listener_stands_after_it() -> None:
    assert render(MESSAGE, Format.EVENTS).startswith(b"id: k3f9:19\nevent: message\ndata: {")
    gap = Gap("stage", Position("k3f9", 1), Position("k3f9", 0), GapReason.EPOCH)
    assert render(gap, Format.EVENTS).startswith(b"id: k3f9:0\nevent: gap\n")


def changed(message: Message, **changes: Any) -> Message:
    fields = {name: getattr(message, name) for name in Message.__dataclass_fields__}
    return Message(**{**fields, **changes})


# --- there and back --------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
positions = st.builds(Position, st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True), st.integers(0, MAX_SEQ))
times = st.integers(0, 253_402_300_799_999)  # to the end of the year 9999
data = st.dictionaries(
    texts,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
messages = st.builds(
    Message, texts, positions, texts, texts, st.builds(Author, texts, texts), texts, times,
    re=st.none() | texts, data=st.none() | data, retracted=st.booleans(),
)  # fmt: skip
retractions = st.builds(Retraction, texts, positions, texts, times)
gaps = st.builds(Gap, texts, positions, positions, st.sampled_from(GapReason))
entries = messages | retractions | gaps


@given(entries)
def test_every_entry_comes_back_from_its_object(entry: Entry | Gap) -> None:
    assert entry_from_object(as_object(entry)) == entry


@given(entries)
def test_every_entry_comes_back_from_a_json_frame(entry: Entry | Gap) -> None:
    ((received,), reader) = read_frame(render(entry, Format.JSON))
    assert isinstance(received, Text)
    assert reader.resting
    assert entry_from_object(json.loads(received.text)) == entry


@given(entries)
def test_every_entry_comes_back_from_a_messagepack_frame(entry: Entry | Gap) -> None:
    ((received,), _) = read_frame(render(entry, Format.MSGPACK))
    assert isinstance(received, Binary)
    assert entry_from_object(msgpack.unpackb(received.data)) == entry


@given(entries)
def test_every_entry_comes_back_from_an_event(entry: Entry | Gap) -> None:
    (event,) = EventStreamReader().feed(render(entry, Format.EVENTS))
    assert entry_from_object(json.loads(event.data)) == entry
    assert event.type == as_object(entry)["type"]
    assert event.id == str(entry.last if isinstance(entry, Gap) else entry.position)


def read_frame(frame: bytes) -> tuple[list[Any], FrameReader]:
    reader = FrameReader()
    return reader.feed(mask_frame(frame, b"\x01\x02\x03\x04")), reader


@given(times)
def test_times_are_exact_to_the_millisecond(at: int) -> None:
    written = iso_time(at)
    entry = entry_from_object({"type": "retraction", "room": "a", "position": "a:1", "target": "b", "at": written})
    assert isinstance(entry, Retraction)
    assert entry.at == at


# --- what is no entry ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["type", "room", "position", "id", "kind", "author", "text", "at"])
def test_an_entry_that_lacks_a_field_is_refused(field: str) -> None:
    fields = as_object(MESSAGE)
    del fields[field]
    with pytest.raises(InvalidInput):
        entry_from_object(fields)


junk = st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2) | st.just({})


@given(entries, st.data())
def test_an_entry_with_anything_in_the_place_of_a_field_is_read_or_refused(
    entry: Entry | Gap, data: st.DataObject
) -> None:
    fields = as_object(entry)
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(junk)
    try:
        again = entry_from_object(fields)
    except InvalidInput as caught:
        assert caught.code in ("bad_entry", "bad_position")  # noqa: PT017  # either outcome is right
    else:
        assert isinstance(again, type(entry))


def test_unknown_fields_are_ignored() -> None:
    assert entry_from_object({**as_object(MESSAGE), "new": 1}) == MESSAGE


def test_rendered_json_is_valid_for_any_strict_reader() -> None:
    frame = render(changed(MESSAGE, data={"a": 1.5}), Format.JSON)
    assert msgspec.json.decode(frame[4:])["data"] == {"a": 1.5}
