"""Answers line by line: drafts for staff, final lines on air once and in order, corrections in place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fanout.core.answer_line import AnswerLine
from fanout.core.message import Message
from fanout.core.principal import Principal, Role
from fanout.core.submission import Decision, Source, State, Step
from fanout.engine.engine import Engine
from fanout.errors import (
    Conflict,
    InvalidInput,
    LogUnavailable,
    MessageNotFound,
    NotAllowed,
    RecordNotFound,
    StoreUnavailable,
    SubmissionNotFound,
    TransitionRefused,
)
from fanout.log.memory import MemoryLog
from fanout.log.opening import open_engine
from fanout.moderation.ports import Arrival, Kind
from fanout.moderation.prepared import PreparedAnswer
from fanout.moderation.scribe import Scribe
from fanout.store.memory import MemoryStore

SUE = Principal(Role.SCRIBE, "Sue", frozenset({"stage"}))
QUESTION = "question0001"


class StubbornLog(MemoryLog):
    """Appends nothing while `full`."""

    full = False

    async def append(self, publication):
        if self.full:
            raise LogUnavailable("The disk is full.")
        return await super().append(publication)


class StubbornStore(MemoryStore):
    """Writes no document once `writes_left` have been written; does what `meanwhile` says before it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_left = 1000
        self.meanwhile: Callable[[], Awaitable[object]] = trio.lowlevel.checkpoint

    async def put(self, documents, audit=()):
        await self.meanwhile()
        if self.writes_left == 0:
            raise StoreUnavailable("The disk is full.")
        self.writes_left -= 1
        await super().put(documents, audit)


@dataclass
class House:
    engine: Engine
    log: StubbornLog
    store: StubbornStore
    scribe: Scribe
    question: str
    """The id of the question's message."""

    async def restart(self) -> None:
        self.scribe = Scribe(self.engine, self.store, lambda: 2)
        await self.scribe.load()

    async def aired(self) -> list[Message]:
        return [entry for entry in await self.engine.room("stage").history() if isinstance(entry, Message)][1:]

    async def texts(self) -> list[str]:
        return [message.text for message in await self.aired()]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    log, store = StubbornLog(), StubbornStore()
    async with open_engine(log=log) as engine:
        room = await engine.open_room("stage", mode="stage")
        asked = await room.publish("Why?", kind="question")
        await store.receive([Arrival(QUESTION, "stage", Source.WEB, "1", "visitor:ann", "Ann", "Why?", 1)])
        await store.decide([Decision(QUESTION, Step.APPROVE, "Mo", 1)])
        await store.decide([Decision(QUESTION, Step.AIR, "Mo", 1, message=asked.id)])
        made = House(engine, log, store, Scribe(engine, store, lambda: 1), asked.id)
        await made.scribe.load()
        yield made


async def test_a_draft_is_kept_and_told_to_staff_and_never_aired(house):
    heard: list[AnswerLine] = []
    house.scribe.on_line(heard.append)
    await house.scribe.draft(SUE, QUESTION, "l1", "Because")
    drafted = await house.scribe.draft(SUE, QUESTION, "l1", "Because of the")
    assert [line.text for line in heard] == ["Because", "Because of the"]
    assert await house.scribe.lines(SUE, QUESTION) == [drafted]
    assert await house.aired() == []
    await house.restart()
    assert await house.scribe.lines(SUE, QUESTION) == [drafted]


async def test_a_final_line_refers_to_the_question_and_makes_it_answered(house):
    answered: list[tuple[str, Step]] = []
    house.scribe.on_answered(lambda submission, decision: answered.append((submission.id, decision.step)))
    await house.scribe.draft(SUE, QUESTION, "l1", "Because.")
    message = await house.scribe.final(SUE, QUESTION, "l1")
    assert (message.text, message.kind, message.re) == ("Because.", "answer", house.question)
    assert (message.author.name, message.author.role) == ("Sue", "scribe")
    assert (await house.store.find(QUESTION)).state is State.ANSWERED
    await house.scribe.final(SUE, QUESTION, "l2", "And so on.")
    assert answered == [(QUESTION, Step.ANSWER)]
    assert [line.message for line in await house.scribe.lines(SUE, QUESTION)] == [
        each.id for each in await house.aired()
    ]
    assert [entry.draft.action for entry in await house.store.audit(subject=QUESTION)][-3:] == [
        "say_answer",
        "answer",
        "say_answer",
    ]


async def test_the_same_final_line_twice_is_on_air_once_also_after_a_restart(house):
    first = await house.scribe.final(SUE, QUESTION, "l1", "Because.")
    assert await house.scribe.final(SUE, QUESTION, "l1", "Because.") == first
    await house.restart()
    assert await house.scribe.final(SUE, QUESTION, "l1") == first
    bob = Principal(Role.SCRIBE, "Bob", frozenset({"stage"}))
    assert await house.scribe.final(bob, QUESTION, "l1", "Because.") == first
    assert await house.texts() == ["Because."]


async def test_each_line_is_told_of_when_it_is_final_and_when_it_is_on_air_once(house):
    heard: list[str] = []
    house.scribe.on_line(lambda line: heard.append(f"{line.id} {line.message is not None}"))
    for line in ("l1", "l2", "l2"):
        await house.scribe.final(SUE, QUESTION, line, "Because.")
    assert heard == ["l1 False", "l1 True", "l2 False", "l2 True"]


async def test_a_final_line_is_not_written_over(house):
    await house.scribe.final(SUE, QUESTION, "l1", "Because.")
    for attempt in (house.scribe.final, house.scribe.draft):
        with pytest.raises(TransitionRefused) as caught:
            await attempt(SUE, QUESTION, "l1", "Or not.")
        assert caught.value.code == "line_is_final"
    assert await house.texts() == ["Because."]


async def test_lines_that_end_together_are_on_air_in_the_order_of_asking(house):
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(house.scribe.final, SUE, QUESTION, f"l{number}", f"Line {number}.")
            await wait_all_tasks_blocked()
    assert await house.texts() == [f"Line {number}." for number in range(20)]


async def test_a_line_that_the_log_refused_goes_before_the_next_one(house):
    house.log.full = True
    with pytest.raises(LogUnavailable):
        await house.scribe.final(SUE, QUESTION, "l1", "One.")
    house.log.full = False
    await house.scribe.final(SUE, QUESTION, "l2", "Two.")
    assert await house.texts() == ["One.", "Two."]
    assert (await house.scribe.final(SUE, QUESTION, "l1")).text == "One."
    assert await house.texts() == ["One.", "Two."]


async def test_a_line_that_was_final_at_a_crash_is_put_on_air_at_the_start(house):
    house.log.full = True
    with pytest.raises(LogUnavailable):
        await house.scribe.final(SUE, QUESTION, "l1", "One.")
    house.log.full = False
    await house.restart()
    assert await house.texts() == ["One."]
    assert (await house.store.find(QUESTION)).state is State.ANSWERED
    await house.restart()
    assert await house.texts() == ["One."]


async def test_a_crash_right_after_the_publication_does_not_repeat_it(house):
    house.store.writes_left = 1
    with pytest.raises(StoreUnavailable):
        await house.scribe.final(SUE, QUESTION, "l1", "One.")
    assert await house.texts() == ["One."]
    house.store.writes_left = 1000
    await house.restart()
    assert await house.texts() == ["One."]
    assert [line.message for line in await house.scribe.lines(SUE, QUESTION)] == [(await house.aired())[0].id]


async def test_a_line_that_could_not_be_kept_is_not_aired(house):
    house.store.writes_left = 0
    with pytest.raises(StoreUnavailable):
        await house.scribe.final(SUE, QUESTION, "l1", "One.")
    assert await house.aired() == []
    assert await house.scribe.lines(SUE, QUESTION) == []


async def test_a_question_is_drafted_on_before_it_is_on_air_but_not_answered(house):
    await house.store.receive([Arrival("question0002", "stage", Source.SMS, "2", "", "", "How?", 1)])
    with pytest.raises(TransitionRefused) as caught:
        await house.scribe.draft(SUE, "question0002", "l1", "So.")
    assert caught.value.code == "not_answerable"
    await house.store.decide([Decision("question0002", Step.APPROVE, "Mo", 1)])
    await house.scribe.draft(SUE, "question0002", "l1", "So.")
    with pytest.raises(TransitionRefused) as caught:
        await house.scribe.final(SUE, "question0002", "l1")
    assert caught.value.code == "not_on_air"


async def test_a_prepared_answer_is_used_in_one_step_once_and_the_audit_says_so(house):
    prepared = PreparedAnswer("stage", "smic", "Minimum wage", "It rises by 5 %.", "Sue (scribe)", 1)
    first = await house.scribe.use(SUE, QUESTION, prepared)
    assert await house.scribe.use(SUE, QUESTION, prepared) == first
    assert await house.texts() == ["It rises by 5 %."]
    [entry] = [each for each in await house.store.audit(subject=QUESTION) if each.draft.action == "say_answer"]
    assert entry.draft.detail == {"line": "prepared:smic", "prepared": "smic"}
    assert (await house.scribe.lines(SUE, QUESTION))[0].prepared == "smic"


async def test_a_correction_refers_to_the_original_and_so_does_the_next(house):
    said = await house.scribe.final(SUE, QUESTION, "l1", "Five percents.")
    first = await house.scribe.correct(SUE, "stage", said.id, "Five percent.")
    second = await house.scribe.correct(SUE, "stage", first.id, "5 %.")
    assert [(each.kind, each.re, each.text) for each in (first, second)] == [
        ("correction", said.id, "Five percent."),
        ("correction", said.id, "5 %."),
    ]
    for _ in ("at once", "and after a restart"):
        stage = house.engine.room("stage")
        third = await stage.publish("Five.", kind="correction", re=first.id)  # by somebody who needs no scribe
        found = house.scribe.corrections(stage, said.id)
        assert (found[:2], found[-1], len(set(found))) == ([first.id, second.id], third.id, len(found))
        await house.restart()
    assert [entry.draft.action for entry in await house.store.audit(subject=said.id)] == ["say_correction"] * 2


async def test_the_latest_correction_sent_again_is_on_air_once_and_an_earlier_one_anew(house):
    said = await house.scribe.final(SUE, QUESTION, "l1", "Five.")
    first = await house.scribe.correct(SUE, "stage", said.id, "Six.")
    assert await house.scribe.correct(SUE, "stage", said.id, "Six.") == first
    await house.scribe.correct(SUE, "stage", said.id, "Seven.")
    again = await house.scribe.correct(SUE, "stage", said.id, "Six.")
    assert again.id != first.id
    await house.engine.room("stage").retract(again.id)
    assert (await house.scribe.correct(SUE, "stage", said.id, "Six.")).id != again.id


async def test_what_was_taken_back_is_not_corrected(house):
    said = await house.scribe.final(SUE, QUESTION, "l1", "Five.")
    correction = await house.scribe.correct(SUE, "stage", said.id, "Six.")
    await house.engine.room("stage").retract(said.id)
    for message_id in (said.id, correction.id):
        with pytest.raises(Conflict) as caught:
            await house.scribe.correct(SUE, "stage", message_id, "Seven.")
        assert caught.value.code == "message_retracted"
    assert [message.kind for message in await house.aired()] == ["answer", "correction"]


async def test_a_correction_of_what_is_taken_back_in_that_moment_does_not_stay_on_air(house):
    said = await house.scribe.final(SUE, QUESTION, "l1", "Five.")
    house.store.meanwhile = lambda: house.engine.room("stage").retract(said.id)
    with pytest.raises(Conflict) as caught:
        await house.scribe.correct(SUE, "stage", said.id, "Six.")
    assert caught.value.code == "message_retracted"
    assert [message.retracted for message in await house.aired()] == [True, True]


@pytest.mark.parametrize("attempt", ["draft", "final"])
async def test_what_was_begun_is_finished_whoever_waits(house, attempt):
    gate = trio.Event()
    house.store.meanwhile = gate.wait
    async with trio.open_nursery() as nursery:
        nursery.start_soon(getattr(house.scribe, attempt), SUE, QUESTION, "l1", "Because.")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        gate.set()
    [line] = await house.scribe.lines(SUE, QUESTION)
    assert (line.text, line.final) == ("Because.", attempt == "final")
    house.store.meanwhile = trio.lowlevel.checkpoint
    await house.scribe.final(SUE, QUESTION, "l1", "Because.")
    assert await house.texts() == ["Because."]


async def test_a_visitors_words_are_not_corrected(house):
    with pytest.raises(InvalidInput) as caught:
        await house.scribe.correct(SUE, "stage", house.question, "Why not?")
    assert caught.value.code == "not_correctable"
    with pytest.raises(MessageNotFound):
        await house.scribe.correct(SUE, "stage", "nosuchmsg000", "Why not?")


@pytest.mark.parametrize(
    ("line", "text", "code"),
    [
        ("", "x", "bad_line"),
        ("a b", "x", "bad_line"),
        ("x" * 65, "x", "bad_line"),
        (7, "x", "bad_line"),
        ("l1", "", "text_empty"),
        ("l1", "\u200b", "text_empty"),
        ("l1", "a\x00", "bad_text"),
        ("l1", "x" * 20_000, "text_too_long"),
    ],
)
async def test_what_is_no_line_is_refused_and_leaves_nothing_due(house, line, text, code):
    for attempt in (house.scribe.draft, house.scribe.final):
        with pytest.raises(InvalidInput) as caught:
            await attempt(SUE, QUESTION, line, text)
        assert caught.value.code == code
    assert await house.store.documents(Kind.ANSWER_LINE) == []


async def test_lines_and_corrections_have_an_end(house, monkeypatch):
    monkeypatch.setattr("fanout.moderation.scribe.MAX_LINES", 1)
    monkeypatch.setattr("fanout.moderation.scribe.MAX_CORRECTIONS", 1)
    said = await house.scribe.final(SUE, QUESTION, "l1", "Five.")
    with pytest.raises(InvalidInput) as caught:
        await house.scribe.draft(SUE, QUESTION, "l2", "Six.")
    assert caught.value.code == "too_many_lines"
    await house.scribe.correct(SUE, "stage", said.id, "Six.")
    with pytest.raises(InvalidInput) as caught:
        await house.scribe.correct(SUE, "stage", said.id, "Seven.")
    assert caught.value.code == "too_many_corrections"


async def test_only_those_who_may_answer_do(house):
    for stranger in (Principal(), Principal(Role.OPERATOR, rooms=frozenset({"*"})), Principal(Role.SCRIBE)):
        for attempt in (
            house.scribe.draft(stranger, QUESTION, "l1", "x"),
            house.scribe.final(stranger, QUESTION, "l1", "x"),
            house.scribe.correct(stranger, "stage", house.question, "x"),
            house.scribe.draft(stranger, "nosuchquestn", "l1", "x"),
        ):
            with pytest.raises(NotAllowed):
                await attempt
    with pytest.raises(SubmissionNotFound):
        await house.scribe.draft(SUE, "nosuchquestn", "l1", "x")
    with pytest.raises(RecordNotFound):
        await house.scribe.final(SUE, QUESTION, "l9")
