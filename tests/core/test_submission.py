"""The table of steps against a second one, written down by hand, and what each step makes of a submission."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from fanout.core.submission import TRANSITIONS, Decision, Source, State, Step, Submission, decide
from fanout.core.verdict import Opinion, VerdictKind
from fanout.errors import FanoutError, InvalidInput, TransitionRefused

# Each state's line says where each step leads, in the order of the heading; a dot is a refusal.
MATRIX = """
          hold approve  reject   edit     withdraw  merge  unmerge cue  move pin  unpin skip     air   answer   retract
received  held approved rejected .        withdrawn .      .       .    .    .    .     .        .     .        .
held      .    approved rejected held     withdrawn merged .       .    .    .    .     .        .     .        .
approved  held .        .        approved withdrawn merged .       cued .    .    .     .        aired .        .
cued      .    .        .        cued     withdrawn .      .       .    cued cued cued  approved aired .        .
aired     .    .        .        .        .         .      .       .    .    .    .     .        .     answered rejected
answered  .    .        .        .        .         .      .       .    .    .    .     .        .     answered rejected
rejected  held .        .        .        .         .      .       .    .    .    .     .        .     .        .
withdrawn .    .        .        .        .         .      .       .    .    .    .     .        .     .        .
merged    .    .        .        .        .         .      held    .    .    .    .     .        .     .        .
"""

HEADING, *LINES = (line.split() for line in MATRIX.strip().splitlines())
EXPECTED = {
    (State(state), Step(name)): None if cell == "." else State(cell)
    for state, *cells in LINES
    for name, cell in zip(HEADING, cells, strict=True)
}

NEEDED: dict[Step, dict[str, Any]] = {
    Step.EDIT: {"text": "new"},
    Step.MERGE: {"into": "other"},
    Step.CUE: {"rank": "i"},
    Step.MOVE: {"rank": "r"},
    Step.AIR: {"message": "m2"},
}
SENT = Submission(1, "one", "stage", Source.WEB, "s", "visitor:1", "Zoë", "sent", 5)


def in_state(state: State, **changes: Any) -> Submission:
    fields = {
        State.CUED: {"rank": "c", "pinned": True},
        State.AIRED: {"message": "m1"},
        State.ANSWERED: {"message": "m1"},
        State.MERGED: {"merged_into": "other"},
    }.get(state, {})
    return replace(SENT, state=state, **{**fields, **changes})


def take(submission: Submission, step: Step, **parts: Any) -> Submission:
    return decide(submission, Decision("one", step, "Ada", 9, **{**NEEDED.get(step, {}), **parts}))


def refusal(submission: Submission, step: Step, **parts: Any) -> tuple[type[FanoutError], str]:
    with pytest.raises(FanoutError) as raised:
        take(submission, step, **parts)
    return type(raised.value), raised.value.code


def test_the_matrix_is_whole() -> None:
    assert EXPECTED.keys() == {(state, step) for state in State for step in Step if step is not Step.UNDO}
    assert TRANSITIONS.keys() == set(Step) - {Step.UNDO}


@pytest.mark.parametrize(("state", "step"), EXPECTED, ids=lambda value: value.value)
def test_each_step_leads_from_each_state_where_the_matrix_says(state: State, step: Step) -> None:
    expected = EXPECTED[state, step]
    if expected is None:
        assert refusal(in_state(state), step) == (TransitionRefused, "already_decided")
    else:
        assert take(in_state(state), step).state is expected


def test_a_refusal_says_how_it_stands_and_who_brought_it_about() -> None:
    with pytest.raises(TransitionRefused, match="rejected already by Bob"):
        take(in_state(State.REJECTED, by="Bob"), Step.APPROVE)


@pytest.mark.parametrize(
    ("state", "step", "parts", "code"),
    [
        (State.HELD, Step.EDIT, {"text": None}, "text_missing"),
        (State.HELD, Step.MERGE, {"into": None}, "merge_into_missing"),
        (State.HELD, Step.MERGE, {"into": "one"}, "merges_itself"),
        (State.APPROVED, Step.CUE, {"rank": ""}, "rank_missing"),
        (State.CUED, Step.MOVE, {"rank": ""}, "rank_missing"),
        (State.CUED, Step.AIR, {"message": None}, "message_missing"),
    ],
)
def test_a_step_without_its_part_is_refused(state: State, step: Step, parts: dict[str, Any], code: str) -> None:
    assert refusal(in_state(state), step, **parts) == (InvalidInput, code)


STRAY = {
    "text": "other", "reason": "why", "into": "other", "rank": "i", "message": "m9",
    "opinions": (Opinion("words", VerdictKind.HOLD),),
}  # fmt: skip
# Which of them each step takes, in the order above; a dot is a refusal. First those of a submission on which nobody has
# decided, then the others.
TAKEN = """
first hold      text .      .    .    .       opinions
first approve   text .      .    .    .       opinions
first reject    text reason .    .    .       opinions
first withdraw  text .      .    .    .       opinions
then  hold      .    .      .    .    .       .
then  approve   text .      .    .    .       .
then  reject    .    reason .    .    .       .
then  edit      text .      .    .    .       .
then  withdraw  .    .      .    .    .       .
then  merge     .    .      into .    .       .
then  unmerge   .    .      .    .    .       .
then  cue       .    .      .    rank .       .
then  move      .    .      .    rank .       .
then  pin       .    .      .    .    .       .
then  unpin     .    .      .    .    .       .
then  skip      .    .      .    .    .       .
then  air       .    .      .    .    message .
then  answer    .    .      .    .    .       .
then  retract   .    reason .    .    .       .
then  undo      .    .      .    .    .       .
"""
ROWS = [line.split() for line in TAKEN.strip().splitlines()]


def test_the_matrix_of_parts_is_whole() -> None:
    assert [name for when, name, *_ in ROWS if when == "then"] == [*Step], "each step, in the order of their list"
    assert STRAY.keys() == {part.name for part in fields(Decision) if part.default is not MISSING}


@pytest.mark.parametrize(("when", "name", "cells"), [(when, name, cells) for when, name, *cells in ROWS])
@pytest.mark.parametrize("part", STRAY)
def test_a_step_takes_what_the_matrix_says_and_nothing_else(when: str, name: str, cells: list[str], part: str) -> None:
    step = Step(name)
    if when == "first":
        before = SENT
    elif step is Step.UNDO:
        before = take(in_state(State.HELD), Step.APPROVE)
    else:
        before = in_state(next(s for s in State if EXPECTED[s, step] and s is not State.RECEIVED))
    if part in cells:
        take(before, step, **{part: STRAY[part]})
    else:
        assert refusal(before, step, **{part: STRAY[part]}) == (InvalidInput, "part_not_taken")


def test_what_can_t_be_decided_is_said_before_what_is_missing() -> None:
    assert refusal(in_state(State.REJECTED), Step.EDIT, text=None) == (TransitionRefused, "already_decided")


def test_the_original_is_what_was_sent_however_often_it_is_edited() -> None:
    once = take(in_state(State.HELD), Step.EDIT, text="first")
    twice = take(once, Step.APPROVE, text="second")
    assert [(one.text, one.original) for one in (once, twice)] == [("first", "sent"), ("second", "sent")]
    back = take(twice, Step.EDIT, text="sent")
    assert (back.text, back.original) == ("sent", "sent")


def test_an_edit_that_changes_nothing_leaves_no_original() -> None:
    assert take(in_state(State.HELD), Step.EDIT, text="sent").original is None


def test_a_text_may_be_emptied() -> None:
    assert take(in_state(State.HELD), Step.EDIT, text="").text == ""


def test_a_reason_is_that_of_the_last_change_of_state() -> None:
    rejected = take(in_state(State.HELD), Step.REJECT, reason="not tonight")
    assert rejected.reason == "not tonight"
    held = take(rejected, Step.HOLD)
    assert held.reason == ""
    off = take(take(take(held, Step.APPROVE), Step.AIR), Step.RETRACT, reason="not true")
    assert off.reason == "not true"
    edited = take(in_state(State.APPROVED, reason="why"), Step.EDIT, text="new")
    assert edited.reason == "why", "an edit changes no state"


def test_a_place_on_the_sheet_ends_with_being_on_it() -> None:
    cued = take(in_state(State.APPROVED), Step.CUE, rank="i")
    pinned = take(cued, Step.PIN)
    moved = take(pinned, Step.MOVE, rank="z")
    edited = take(moved, Step.EDIT)
    assert [(one.rank, one.pinned) for one in (cued, pinned, moved, edited)] == [
        ("i", False),
        ("i", True),
        ("z", True),
        ("z", True),
    ]
    unpinned = take(edited, Step.UNPIN)
    assert (unpinned.rank, unpinned.pinned) == ("z", False)
    for step in (Step.SKIP, Step.AIR, Step.WITHDRAW):
        assert (take(edited, step).rank, take(edited, step).pinned) == ("", False)


def test_it_speaks_for_itself_again_when_it_is_taken_out() -> None:
    merged = take(in_state(State.APPROVED), Step.MERGE)
    assert merged.merged_into == "other"
    assert take(merged, Step.UNMERGE).merged_into is None


def test_the_message_stays_known_after_it_was_retracted() -> None:
    aired = take(in_state(State.APPROVED), Step.AIR)
    off = take(take(aired, Step.ANSWER), Step.RETRACT)
    assert (aired.message, off.message, off.state) == ("m2", "m2", State.REJECTED)


def test_opinions_of_the_first_step_stay() -> None:
    opinions = (Opinion("words", VerdictKind.HOLD),)
    held = take(SENT, Step.HOLD, opinions=opinions)
    assert take(held, Step.APPROVE).opinions == opinions


def test_who_decided_and_when_is_of_the_last_step() -> None:
    held = decide(SENT, Decision("one", Step.HOLD, "plug-in words", 6))
    undone = take(take(held, Step.APPROVE), Step.UNDO)
    assert (held.by, held.decided_at) == ("plug-in words", 6)
    assert (undone.by, undone.decided_at) == ("Ada", 9)


@pytest.mark.parametrize(
    ("state", "step"), [pair for pair, leads in EXPECTED.items() if leads], ids=lambda value: value.value
)
def test_an_undo_brings_back_what_was_unless_it_is_on_air_or_its_author_took_it_back(state: State, step: Step) -> None:
    before = in_state(state, reason="why", original="older")
    after = take(before, step)
    if step in (Step.AIR, Step.ANSWER, Step.RETRACT, Step.WITHDRAW) or state is State.RECEIVED:
        assert refusal(after, Step.UNDO) == (TransitionRefused, "nothing_to_undo")
        return
    undone = take(after, Step.UNDO)
    assert undone == replace(before, by="Ada", decided_at=9)
    assert refusal(undone, Step.UNDO) == (TransitionRefused, "nothing_to_undo"), "one step back, no more"


def test_nothing_done_is_nothing_to_undo() -> None:
    assert refusal(SENT, Step.UNDO) == (TransitionRefused, "nothing_to_undo")
