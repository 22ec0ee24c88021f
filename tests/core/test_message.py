"""Entries: what a draft becomes, and what is left of a message that was taken back."""

from fanout.core.message import Author, Draft, Gap, GapReason, Message, Retraction, iso_time
from fanout.core.position import Position

HERE = Position("k3f9", 19)


def test_a_draft_becomes_a_message_with_everything_it_had():
    draft = Draft("stage", 1000, "abc", "answer", Author("Ann", "guest"), "Hello", "xyz", {"n": 1})
    assert draft.numbered(HERE) == Message(
        "stage", HERE, "abc", "answer", Author("Ann", "guest"), "Hello", 1000, re="xyz", data={"n": 1}
    )


def test_a_draft_with_a_target_becomes_a_retraction():
    assert Draft("stage", 1000, target="abc").numbered(HERE) == Retraction("stage", HERE, "abc", 1000)


def test_of_a_message_that_is_taken_back_nothing_said_remains():
    message = Message("stage", HERE, "abc", "answer", Author("Ann", "guest"), "Hello", 1000, re="xyz", data={"n": 1})
    redacted = message.redacted()
    assert redacted == Message(
        "stage", HERE, "abc", "answer", Author("", "guest"), "", 1000, re="xyz", data=None, retracted=True
    )
    assert not {"Ann", "Hello", "{'n': 1}"} & set(repr(redacted).replace("'", " ").split())
    assert redacted.redacted() == redacted


def test_a_gap_counts_what_is_missing_both_ends_included():
    assert Gap("stage", Position("e", 20), Position("e", 120), GapReason.SLOW).missed == 101
    assert Gap("stage", Position("e", 1), Position("e", 0), GapReason.EPOCH).missed == 0


def test_time_is_written_in_utc_with_milliseconds():
    assert iso_time(1_795_378_500_123) == "2026-11-22T20:15:00.123Z"
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
