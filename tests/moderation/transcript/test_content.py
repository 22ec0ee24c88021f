"""What a transcript is made of: what belongs together, what counts as said, and what is gone."""

import pytest

from fanout.core.message import Author
from fanout.engine.engine import Engine
from fanout.log.opening import open_engine
from fanout.moderation.transcript.content import View, exchanges_of
from tests.moderation.transcript.stage import AT, answered, asked, corrected, evening, open_stage


@pytest.fixture
async def engine():
    async with open_engine() as opened:
        yield opened


@pytest.fixture
async def room(engine: Engine):
    return await open_stage(engine)


async def shown(room, view: View = View.PUBLIC) -> list[list[str]]:
    exchanges = exchanges_of(await room.history(), view)
    questions = [one.number for one in exchanges if one.lead.kind == "question"]
    assert questions == list(range(1, len(questions) + 1))
    return [[line.text for line in (one.lead, *one.replies)] for one in exchanges]


async def test_answers_stand_with_their_questions_as_finally_corrected_and_nothing_retracted(room):
    await evening(room)
    assert await shown(room) == [
        ["Good evening."],
        ["When does the minimum wage rise?", "On 1 July 2004.", "By 5 %."],
        ["And the trains?", "They will come."],
    ]


async def test_inside_it_shows_that_something_was_taken_back_and_what_was_said_before_but_not_what_was_taken_back(room):
    await evening(room)
    exchanges = exchanges_of(await room.history(), View.INTERNAL)
    *_, gone = exchanges
    assert (gone.lead.text, gone.lead.author, gone.lead.earlier) == ("", Author("", "visitor"), ())
    assert gone.lead.retracted_at is not None
    [first, _] = exchanges[1].replies
    assert [wording.text for wording in first.earlier] == ["On 1 June.", "On 1 July."]
    assert first.corrected_at == AT + 95_000
    assert "SLANDER" not in repr(exchanges)


async def test_a_correction_that_is_taken_back_gives_way_to_what_was_said_before(room):
    question = await asked(room, "Why?")
    answer = await answered(room, question, "Becuase.")
    await corrected(room, answer, "Because.")
    wrong = await corrected(room, answer, "Because not.")
    await room.retract(wrong.id)
    assert await shown(room) == [["Why?", "Because."]]


async def test_answers_to_a_question_that_was_taken_back_stay_under_its_place(room):
    question, other = await asked(room, "Gone"), await asked(room, "Stays")
    await answered(room, question, "one")
    await answered(room, other, "elsewhere")
    await answered(room, question, "two")
    await room.retract(question.id)
    assert [one.number for one in exchanges_of(await room.history(), View.PUBLIC)] == [None, 1]
    assert [
        [line.text for line in (one.lead, *one.replies)] for one in exchanges_of(await room.history(), View.PUBLIC)
    ] == [
        ["", "one", "two"],
        ["Stays", "elsewhere"],
    ]
    assert await shown(room, View.INTERNAL) == [["", "one", "two"], ["Stays", "elsewhere"]]


async def test_an_answer_to_an_answer_belongs_to_the_question(room):
    question = await asked(room, "Why?")
    answer = await answered(room, question, "Because.")
    fix = await corrected(room, answer, "Because!")
    await answered(room, fix, "And also.")
    assert await shown(room) == [["Why?", "Because!", "And also."]]


async def test_a_correction_of_what_is_not_in_the_room_is_said_in_its_own_right(room):
    await room.publish("It was Tuesday.", kind="correction", re="abcdefabcdef")
    assert await shown(room) == [["It was Tuesday."]]


async def test_messages_without_text_are_not_said(room):
    await room.publish("", data={"slide": 4})
    assert await shown(room) == []
