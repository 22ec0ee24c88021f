"""Server-sent events as WHATWG HTML §9.2.6 reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import InvalidInput
from fanout.wire.event_stream import MAX_EVENT_BYTES, Event, EventStreamReader, comment, event, retry


def read(*pieces: bytes) -> list[Event]:
    reader = EventStreamReader()
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize(
    ("what", "stream", "events"),
    [
        ("one line", b"data: a\n\n", [("", "message", "a")]),
        ("three lines", b"data: YHOO\ndata: +2\ndata: 10\n\n", [("", "message", "YHOO\n+2\n10")]),
        ("comments", b": test\n\ndata: a\n:\ndata: b\n\n", [("", "message", "a\nb")]),
        ("no space after the colon", b"data:a\n\ndata:  b\n\n", [("", "message", "a"), ("", "message", " b")]),
        ("a field without a colon", b"data\n\ndata\ndata\n\n", [("", "message", ""), ("", "message", "\n")]),
        ("an unfinished event", b"data: a\n", []),
        ("an event without data", b"event: a\n\ndata: b\n\n", [("", "message", "b")]),
        ("an id that stays", b"id: 1\ndata: a\n\ndata: b\n\n", [("1", "message", "a"), ("1", "message", "b")]),
        ("an id that is emptied", b"id: 1\ndata: a\n\nid\ndata: b\n\n", [("1", "message", "a"), ("", "message", "b")]),
        ("an id with NUL", b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [("1", "message", "a"), ("1", "message", "b")]),
        ("a type that does not stay", b"event: t\ndata: a\n\ndata: b\n\n", [("", "t", "a"), ("", "message", "b")]),
        ("unknown fields", b"datum: a\nDATA: b\ndata: c\n\n", [("", "message", "c")]),
        ("every line end", b"data: a\r\rdata: b\r\n\r\n", [("", "message", "a"), ("", "message", "b")]),
        ("CR and LF as one line end", b"data: a\r\ndata: b\r\n\r\n", [("", "message", "a\nb")]),
        ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [("", "message", "a")]),
        ("bad UTF-8", b"data: \xff\n\n", [("", "message", "\ufffd")]),
    ],
)  # fmt: skip
def test_streams_are_read_as_the_standard_says(what: str, stream: bytes, events: list[tuple[str, str, str]]) -> None:
    assert read(stream) == [Event(*event) for event in events], what
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == [Event(*event) for event in events], what


def test_a_delay_is_digits_alone() -> None:
    reader = EventStreamReader()
    reader.feed(retry(1500))
    assert reader.retry_ms == 1500
    for bad in (b"retry: -1\n", b"retry: 1.5\n", b"retry:\n", "retry: ²\n".encode(), b"retry: " + b"9" * 5000 + b"\n"):
        reader.feed(bad)
        assert reader.retry_ms == 1500


def test_a_comment_is_nothing_to_a_client() -> None:
    assert read(comment(), event("1", "a", b"{}"), comment()) == [Event("1", "a", "{}")]


def test_an_event_without_an_end_is_refused() -> None:
    reader = EventStreamReader()
    with pytest.raises(InvalidInput):
        reader.feed(b"data: " + b"a" * MAX_EVENT_BYTES)
    reader = EventStreamReader()
    line = b"data: " + b"a" * 994 + b"\n"
    for _ in range(MAX_EVENT_BYTES // 1000):
        assert reader.feed(line) == []
    with pytest.raises(InvalidInput):
        reader.feed(line)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=20)
payloads = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=80)


@given(st.lists(st.tuples(words, words.filter(bool), payloads), max_size=5), st.data())
def test_events_come_back_as_they_were_written_however_they_are_split(
    said: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    stream = b"".join(event(id, type, payload.encode()) + comment() for id, type, payload in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    assert read(*(stream[edges[i] : edges[i + 1]] for i in range(len(edges) - 1))) == [Event(*one) for one in said]


@given(st.binary(max_size=200), st.data())
def test_any_bytes_are_read_the_same_however_they_are_split(stream: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stream)))
    assert read(stream + b"\n\n") == read(stream[:at], stream[at:] + b"\n\n")


def test_an_event_whose_id_is_not_named_keeps_the_last_one() -> None:
    assert read(event("1", "a", b"x"), event(None, "b", b"y")) == [Event("1", "a", "x"), Event("1", "b", "y")]
