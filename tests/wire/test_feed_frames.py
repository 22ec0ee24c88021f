"""What edges and the engine's process say to each other comes through as it was, however the socket cuts it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout import errors
from fanout.core.message import Author, Message, Retraction
from fanout.core.position import Position
from fanout.wire import feed_messages as said
from fanout.wire.feed_frames import (
    MAX_MESSAGE_BYTES,
    MessageReader,
    entries_of,
    error_of,
    fault_of,
    framed,
    items_of,
    read_from_edge,
    read_to_edge,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
NUMBERS = st.integers(1, 2**53)

MESSAGES = st.builds(
    Message,
    st.just("stage"),
    st.builds(Position, st.just("e1"), NUMBERS),
    TEXTS,
    TEXTS,
    st.builds(Author, TEXTS, TEXTS),
    TEXTS,
    NUMBERS,
    re=st.none() | TEXTS,
    data=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
    retracted=st.booleans(),
)
RETRACTIONS = st.builds(Retraction, st.just("stage"), st.builds(Position, st.just("e1"), NUMBERS), TEXTS, NUMBERS)
ENTRIES = st.lists(MESSAGES | RETRACTIONS, max_size=6)


@given(ENTRIES)
def test_entries_come_through_as_they_were(entries: list) -> None:
    (frame,) = MessageReader().feed(framed(said.Heard("stage", "e1", items_of(entries))))
    heard = read_to_edge(frame)
    assert isinstance(heard, said.Heard)
    assert entries_of(heard.room, heard.epoch, heard.items) == entries


@given(st.lists(st.builds(said.Follow, TEXTS, st.none() | TEXTS) | st.builds(said.Unfollow, TEXTS)), st.data())
def test_messages_come_out_whole_however_they_are_cut(messages: list, data: st.DataObject) -> None:
    stream = b"".join(framed(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reader, found = MessageReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[begin:end])
    assert [read_from_edge(frame) for frame in found] == messages


def test_what_claims_to_be_longer_than_any_message_is_none() -> None:
    with pytest.raises(ValueError, match="are the most"):
        MessageReader().feed((MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"))
    assert MessageReader().feed(MAX_MESSAGE_BYTES.to_bytes(4, "big")) == []


MADE_OTHERWISE = (
    errors.TooSoon,
    errors.EngineAway,
    errors.ConfigurationError,
    errors.ProtocolViolation,
    errors.ListenerOvertaken,
)

ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.FanoutError) and not issubclass(kind, MADE_OTHERWISE)
]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_keep_their_kind_code_and_detail(kind: type[errors.FanoutError]) -> None:
    again = error_of(fault_of(kind("Why.", code="a_code")))
    assert (type(again), again.code, again.detail) == (kind, "a_code", "Why.")


def test_errors_of_a_kind_of_their_own_keep_what_they_have() -> None:
    soon = error_of(fault_of(errors.TooSoon("Later.", after_s=2.5)))
    assert isinstance(soon, errors.TooSoon)
    assert (soon.detail, soon.after_s) == ("Later.", 2.5)

    class Stranger(errors.InvalidInput):
        code = "strange"

    stranger = error_of(fault_of(Stranger("Odd.")))
    assert (type(stranger), stranger.code, stranger.detail) == (errors.InvalidInput, "strange", "Odd.")
    assert isinstance(error_of(said.Fault("EngineAway", "engine_away", "Away.")), errors.EngineAway)
    assert type(error_of(said.Fault("ConfigurationError", "configuration", "x: y"))) is errors.FanoutError
