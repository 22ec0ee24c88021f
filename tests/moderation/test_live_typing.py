"""What visitors see of an answer before it is on air, and when they see it no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
import trio

from fanout.core.message import Entry, Message
from fanout.core.principal import Principal, Role
from fanout.core.submission import Step
from fanout.core.typed_lines import FORGOTTEN_AFTER_SECONDS, REPEATED_AFTER_SECONDS, TypedLine
from fanout.moderation.rules import Rules
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, House, open_house, staff

SUE = staff(Role.SCRIBE, "Sue")


@dataclass
class Watched:
    """A house with a question on air, and everything that its listeners are told, in order."""

    house: House
    question: str
    message: str
    told: list[object] = field(default_factory=list)

    async def draft(self, text: str, line: str = "l1", by: Principal = SUE) -> None:
        await self.house.moderation.scribe.draft(by, self.question, line, text)

    def typed(self, text: str | None, name: str = "Sue", role: str = "scribe") -> TypedLine:
        return TypedLine(self.message, name, role, text)

    def new(self) -> list[object]:
        """What they were told since this was last asked."""
        new, self.told[:] = list(self.told), []
        return new


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    async with open_house() as house:
        question = await house.do((await house.approved()).id, Step.AIR)
        assert question.message
        watched = Watched(house, question.id, question.message)

        def heard(entries: Sequence[Entry]) -> None:
            watched.told += [entry.text if isinstance(entry, Message) else "retraction" for entry in entries]

        house.engine.room("hall").observe(heard)
        house.moderation.typing.watch(lambda room, lines: watched.told.append([room, *lines]))
        yield watched


async def show(watched: Watched, what: str) -> None:
    await watched.house.moderation.rules.set(ANN, "hall", typing=what)
    watched.new()


async def test_that_somebody_types_is_seen_and_not_what_until_a_moderator_says_so(watched):
    await watched.draft("In M")
    await watched.draft("In Ma")
    assert watched.new() == [["hall", watched.typed(None)]]
    await watched.house.moderation.rules.set(ANN, "hall", typing="text")
    assert watched.new() == [["hall"]]
    await watched.draft("In May")
    assert watched.new() == [["hall", watched.typed("In May")]]
    await watched.house.moderation.rules.set(ANN, "hall", typing="nothing")
    await watched.draft("In May,")
    assert watched.new() == [["hall"]]


async def test_it_ends_before_the_line_is_on_air(watched):
    await show(watched, "text")
    await watched.draft("In M")
    await watched.house.moderation.scribe.final(SUE, watched.question, "l1", "In May.")
    assert watched.new() == [["hall", watched.typed("In M")], ["hall"], "In May."]


async def test_two_who_type_are_both_seen(watched):
    await show(watched, "text")
    await watched.draft("In M")
    await watched.draft("No, in", "l2", staff(Role.GUEST, "Guy"))
    sue, guy = watched.typed("In M"), watched.typed("No, in", "Guy", "guest")
    assert watched.new() == [["hall", sue], ["hall", sue, guy]]
    await watched.house.moderation.scribe.final(SUE, watched.question, "l1")
    assert watched.new() == [["hall", guy], "In M"]


async def test_a_draft_that_is_taken_back_is_seen_no_more(watched):
    await show(watched, "text")
    await watched.draft("In M")
    scribe = watched.house.moderation.scribe
    await scribe.discard(SUE, watched.question, "l1")
    assert watched.new() == [["hall", watched.typed("In M")], ["hall"]]
    assert await scribe.lines(SUE, watched.question) == []
    await scribe.discard(SUE, watched.question, "l1")
    assert watched.new() == []


async def test_with_the_question_goes_what_is_typed_to_it(watched):
    await show(watched, "text")
    await watched.draft("In M")
    watched.new()
    await watched.house.moderation.desk.retract(ANN, "hall", watched.message)
    assert ["hall"] in watched.new()


async def test_nothing_is_seen_of_an_answer_to_a_question_that_is_not_on_air(watched):
    await show(watched, "text")
    waiting = await watched.house.approved("And then?")
    await watched.house.moderation.scribe.draft(SUE, waiting.id, "l1", "Then")
    assert watched.new() == []


async def test_it_is_seen_in_every_room_that_follows(watched):
    await show(watched, "text")
    await watched.house.engine.open_room("stage", follows=["hall"])
    await watched.draft("In M")
    assert watched.new() == [["hall", watched.typed("In M")], ["stage", watched.typed("In M")]]


async def test_what_is_left_lying_is_forgotten_and_what_goes_on_is_told_again(autojump_clock):
    async with open_house() as house:
        question = await house.do((await house.approved()).id, Step.AIR)
        told: list[tuple[float, int]] = []
        began = trio.current_time()
        house.moderation.typing.watch(lambda room, lines: told.append((trio.current_time() - began, len(lines))))
        await house.moderation.scribe.draft(SUE, question.id, "l1", "In M")
        await trio.sleep(3 * FORGOTTEN_AFTER_SECONDS)
        assert [count for _, count in told] == [1, 1, 0]
        assert told[1][0] == pytest.approx(REPEATED_AFTER_SECONDS, abs=2)
        assert told[2][0] == pytest.approx(FORGOTTEN_AFTER_SECONDS, abs=2)


async def test_a_rule_that_is_none_is_refused_with_what_there_is():
    rules = Rules(MemoryStore(), lambda: 1)
    for wrong in ("everything", True, None, ["text"]):
        with pytest.raises(Exception, match="nothing, who, text") as refusal:
            await rules.set(ANN, "hall", typing=wrong)
        assert refusal.value.code == "bad_rule"
