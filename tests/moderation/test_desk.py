"""Deciding: who comes second, edits, merges, taking back, withdrawing; the author is told of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing

from fanout.core.lease import LEASE_MILLISECONDS
from fanout.core.message import Message
from fanout.core.principal import Role
from fanout.core.submission import State, Step
from fanout.errors import InvalidInput, MessageNotFound, NotAllowed, SubmissionNotFound, TransitionRefused
from fanout.moderation.ports import Query
from tests.moderation.house import ANN, BOB, EVE, House, open_house, staff


def refusal(caught: pytest.ExceptionInfo[TransitionRefused]) -> str:
    return caught.value.code


async def test_the_author_is_told_of_every_step_of_a_question():
    async with open_house() as house:
        asked = await house.ask()
        for step, by in ((Step.APPROVE, ANN), (Step.CUE, EVE), (Step.SKIP, EVE), (Step.CUE, EVE), (Step.AIR, EVE)):
            await house.do(asked.id, step, by)
        answered = await house.do(asked.id, Step.ANSWER, staff(Role.SCRIBE), text="Tomorrow.")
        assert answered.state is State.ANSWERED
        assert house.heard(asked.id) == [
            "received",
            "held",
            "approved",
            "cued",
            "approved",
            "cued",
            "aired",
            "answered",
        ]
        question, answer = house.engine.room("hall").recent
        assert (question.kind, answer.kind, answer.re) == ("question", "answer", question.id)


async def test_the_reason_of_a_rejection_reaches_the_author_and_an_undo_takes_it_back():
    async with open_house() as house:
        asked = await house.ask()
        rejected = await house.do(asked.id, Step.REJECT, reason="Off the subject.")
        assert (rejected.state, rejected.reason, rejected.by) == (State.REJECTED, "Off the subject.", "Ann (moderator)")
        undone = await house.do(asked.id, Step.UNDO, ANN)
        assert (undone.state, undone.reason, undone.by) == (State.HELD, "", "Ann (moderator)")
        with pytest.raises(TransitionRefused) as caught:
            await house.do(asked.id, Step.UNDO)
        assert refusal(caught) == "nothing_to_undo"


async def test_of_two_who_decide_at_once_the_second_is_refused_and_sees_who_was_first():
    async with open_house() as house:
        asked = await house.ask()
        details = []

        async def decide(by, step) -> None:
            try:
                await house.do(asked.id, step, by)
            except TransitionRefused as refused:
                details.append(refused.detail)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(decide, ANN, Step.APPROVE)
            nursery.start_soon(decide, BOB, Step.REJECT)
        first = (await house.store.find(asked.id)).by
        assert len(details) == 1
        assert first in details[0]
        assert len(await house.desk.history(ANN, asked.id)) == 1


async def test_a_lease_keeps_no_animator_waiting_and_hold_is_always_there_to_take_it_back():
    async with open_house() as house:
        one, two = await house.approved(), await house.approved()
        for approved in (one, two):
            await house.desk.claim(ANN, approved.id)
        for step in (Step.CUE, Step.PIN, Step.UNPIN, Step.MOVE, Step.SKIP, Step.CUE):
            await house.do(one.id, step, EVE)
        assert [lease.submission for lease in house.desk.leases("hall")] == [one.id, two.id], "she may still correct it"
        await house.do(one.id, Step.EDIT, ANN, text="When, please?")
        aired = await house.do(one.id, Step.AIR, EVE)
        assert (aired.state, house.on_air()) == (State.AIRED, ["When, please?"])
        with pytest.raises(TransitionRefused, match=r"aired already by Eve \(animator\)"):
            await house.do(one.id, Step.EDIT, ANN, text="too late")
        for step in (Step.HOLD, Step.EDIT, Step.UNDO):
            with pytest.raises(TransitionRefused, match="Ann"):
                await house.do(two.id, step, BOB)
        await house.do(two.id, Step.HOLD, ANN)
        with pytest.raises(TransitionRefused, match="held already by Ann"):
            await house.do(two.id, Step.AIR, EVE)


async def test_a_lease_keeps_the_others_away_until_it_is_laid_down_used_up_or_over():
    async with open_house() as house:
        asked = await house.ask()
        lease = await house.desk.claim(ANN, asked.id)
        assert house.desk.leases("hall") == [lease]
        for attempt in (house.desk.claim(BOB, asked.id), house.do(asked.id, Step.APPROVE, BOB)):
            with pytest.raises(TransitionRefused, match=r"Ann \(moderator\) has this in hand") as caught:
                await attempt
            assert refusal(caught) == "leased"
        await house.desk.release(BOB, asked.id)
        assert house.desk.leases("hall") == [lease], "nobody lays down what another has in hand"
        house.clock.now += LEASE_MILLISECONDS - 1
        edited = await house.do(asked.id, Step.EDIT, text="When, please?")
        assert (edited.text, edited.original) == ("When, please?", "When?")
        assert house.desk.leases("hall")[0].until == house.clock.now + LEASE_MILLISECONDS, "use renews it"
        await house.do(asked.id, Step.APPROVE)
        assert house.desk.leases("hall") == []
        await house.desk.claim(ANN, asked.id)
        house.clock.now += LEASE_MILLISECONDS
        assert (await house.do(asked.id, Step.HOLD, BOB)).state is State.HELD


async def test_approving_airs_at_once_where_the_room_says_so():
    async with open_house() as house:
        await house.moderation.rules.set(ANN, "hall", auto_air=True)
        aired = await house.approved("When?")
        assert (aired.state, house.on_air()) == (State.AIRED, ["When?"])
        assert house.heard(aired.id) == ["received", "held", "approved", "aired"]


async def test_a_step_takes_only_what_belongs_to_it():
    async with open_house() as house:
        asked, other = await house.approved(), await house.approved()
        for step, given, code in (
            (Step.AIR, {"text": "Other words"}, "part_not_taken"),
            (Step.APPROVE, {"reason": "Why not"}, "part_not_taken"),
            (Step.APPROVE, {"into": other.id}, "part_not_taken"),
            (Step.HOLD, {"ahead_of": other.id}, "part_not_taken"),
            (Step.EDIT, {"text": "a", "prepared": "smic"}, "part_not_taken"),
            (Step.ANSWER, {"text": "a", "prepared": "smic"}, "part_not_taken"),
            (Step.EDIT, {}, "text_missing"),
            (Step.EDIT, {"text": "a\x00"}, "bad_text"),
            (Step.MERGE, {}, "merge_into_missing"),
            (Step.MERGE, {"into": asked.id}, "merges_itself"),
            (Step.REJECT, {"reason": "x" * 201}, "reason_too_long"),
        ):
            with pytest.raises(InvalidInput) as caught:
                await house.do(asked.id, step, **given)
            assert caught.value.code == code
        with pytest.raises(NotAllowed, match="Only its author"):
            await house.do(asked.id, Step.WITHDRAW)
        assert (await house.store.find(asked.id)) == asked


# --- merging ----------------------------------------------------------------------------------------------------------


async def merged(house: House, count: int = 3) -> tuple[str, list[str]]:
    leader = (await house.ask("The minimum wage?")).id
    others = [(await house.ask("The wage?", person=f"visitor:{number}")).id for number in range(count)]
    await house.desk.merge(ANN, others, leader)
    return leader, others


async def test_what_was_merged_shares_the_fate_of_the_one_that_speaks_for_it():
    async with open_house() as house:
        leader, others = await merged(house)
        first = await house.ask("Minimum wage")
        await house.do(leader, Step.MERGE, into=first.id)
        await house.do(first.id, Step.APPROVE)
        aired = await house.do(first.id, Step.AIR)
        await house.do(first.id, Step.ANSWER, text="It rises.")
        await house.do(first.id, Step.RETRACT)
        await trio.testing.wait_all_tasks_blocked()
        for one in [leader, *others]:
            assert house.heard(one) == ["received", "held", "merged", "aired", "answered", "rejected"]
            told = [change.told for change in house.told if change.submission.id == one]
            assert told[-2].message == aired.message
            assert (await house.store.find(one)).state is State.MERGED
        tallies = await house.store.tallies("hall")
        assert (tallies.total.messages, tallies.by_state[State.MERGED]) == (5, 4)


async def test_a_rejection_reaches_the_merged_with_its_reason():
    async with open_house() as house:
        leader, [other] = await merged(house, 1)
        await house.do(leader, Step.REJECT, reason="Asked yesterday.")
        await trio.testing.wait_all_tasks_blocked()
        assert house.told[-1].told.reason == "Asked yesterday."
        assert house.heard(other)[-1] == "rejected"


async def test_an_unmerge_or_an_undo_brings_back_what_was_there():
    async with open_house() as house:
        leader, [one, two] = await merged(house, 2)
        assert (await house.do(one, Step.UNMERGE)).merged_into is None
        assert (await house.do(two, Step.UNDO)).state is State.HELD
        await house.do(leader, Step.APPROVE)
        await house.do(leader, Step.AIR)
        assert "aired" not in house.heard(one) + house.heard(two)


async def test_several_are_merged_all_or_none():
    async with open_house() as house:
        leader, fine, gone = [(await house.ask(text)).id for text in ("a", "b", "c")]
        await house.do(gone, Step.REJECT)
        with pytest.raises(TransitionRefused):
            await house.desk.merge(ANN, [fine, gone], leader)
        assert (await house.store.find(fine)).state is State.HELD


async def test_no_undo_merges_two_into_each_other_and_none_into_what_is_gone():
    async with open_house() as house:
        one, two, gone = [(await house.ask(text)).id for text in ("a", "b", "c")]
        await house.do(one, Step.MERGE, into=two)
        await house.do(one, Step.UNMERGE)
        await house.do(two, Step.MERGE, into=one)
        await house.do(gone, Step.REJECT)
        for attempt in (house.do(one, Step.UNDO), house.do(one, Step.MERGE, into=gone)):
            with pytest.raises(TransitionRefused) as caught:
                await attempt
            assert refusal(caught) == "merge_into_closed"


async def test_the_author_reads_why_it_was_taken_off_the_air():
    async with open_house() as house:
        aired = await house.do((await house.approved()).id, Step.AIR)
        await house.do(aired.id, Step.RETRACT, reason="That was not true.")
        assert (house.told[-1].told.state, house.told[-1].told.reason) == (State.REJECTED, "That was not true.")


async def test_an_author_withdraws_and_takes_nobody_else_along():
    async with open_house() as house:
        leader, [other] = await merged(house, 1)
        await house.desk.claim(BOB, leader)
        withdrawn = await house.desk.withdraw("visitor:v1", leader)
        assert (withdrawn.state, withdrawn.by) == (State.WITHDRAWN, "its author")
        assert house.heard(other) == ["received", "held", "merged", "held"]
        for person in ("visitor:v1", "", "visitor:x"):
            with pytest.raises(SubmissionNotFound):
                await house.desk.withdraw(person, other)
        with pytest.raises(TransitionRefused) as caught:
            await house.do(leader, Step.UNDO)
        assert refusal(caught) == "nothing_to_undo", "nobody airs what its author has taken back"


# --- taking back ------------------------------------------------------------------------------------------------------


async def test_a_retraction_reaches_everything_and_is_written_down_either_way():
    async with open_house() as house:
        aired = await house.do((await house.approved("secret words")).id, Step.AIR)
        spoken = await house.engine.room("hall").publish("more secret words")
        async with house.engine.room("hall").listen(last=10) as listener:
            retraction = await house.desk.retract(ANN, "hall", aired.message)
            assert await house.desk.retract(BOB, "hall", aired.message) == retraction
            await house.desk.retract(ANN, "hall", spoken.id)
            seen = [await anext(listener) for _ in range(4)]
        assert "secret" not in repr(seen)
        assert "secret" not in repr(await house.engine.room("hall").history())
        stands = await house.store.find(aired.id)
        assert (stands.state, house.heard(aired.id)[-1]) == (State.REJECTED, "rejected")
        entries = [(entry.draft.action, entry.draft.subject) for entry in await house.store.audit()]
        assert entries[-2:] == [("retract", aired.id), ("retract", spoken.id)]
        with pytest.raises(MessageNotFound):
            await house.desk.retract(ANN, "hall", "a" * 12)


async def test_who_answers_takes_back_what_they_said_themselves_and_nothing_else():
    scribe = staff(Role.SCRIBE)
    async with open_house() as house:
        aired = await house.do((await house.approved()).id, Step.AIR)
        slip = await house.moderation.scribe.final(scribe, aired.id, "a", "A slip.")
        others = await house.moderation.scribe.final(staff(Role.GUEST), aired.id, "b", "Of another.")
        for who, message in ((scribe, others.id), (scribe, aired.message), (staff(Role.SCRIBE, room="chat"), slip.id)):
            with pytest.raises(NotAllowed):
                await house.desk.retract(who, "hall", message)
        await house.desk.retract(scribe, "hall", slip.id)
        assert [said.retracted for said in house.engine.room("hall").recent if isinstance(said, Message)] == [
            False, True, False,
        ]  # fmt: skip


async def test_pages_of_the_queue_have_a_size_and_take_a_token_for_their_room():
    async with open_house() as house:
        for number in range(3):
            await house.ask(str(number))
        assert [one.text for one in await house.desk.queue(ANN, Query(room="hall", limit=2))] == ["0", "1"]
        with pytest.raises(InvalidInput, match="limit is 1 to 500"):
            await house.desk.queue(ANN, Query(room="hall", limit=0))
        here = staff(Role.MODERATOR, room="hall")
        assert len(await house.desk.queue(here, Query(room="hall"))) == 3
        for query in (Query(), Query(room="chat")):
            with pytest.raises(NotAllowed):
                await house.desk.queue(here, query)
        for call in (house.desk.find(here, "a" * 12), house.desk.history(here, "a" * 12)):
            with pytest.raises(SubmissionNotFound):
                await call


async def test_an_undo_takes_back_one_s_own_step_and_tells_whose_another_is():
    twin = replace(ANN, subject="another-ann")
    async with open_house() as house:
        asked = (await house.ask()).id
        await house.do(asked, Step.APPROVE, ANN)
        for other, name in ((BOB, "Ann (moderator)"), (twin, "another Ann (moderator)")):
            with pytest.raises(TransitionRefused) as caught:
                await house.do(asked, Step.UNDO, other)
            assert caught.value.code == "not_your_step"
            assert name in caught.value.detail
        await house.do(asked, Step.CUE, EVE)
        with pytest.raises(TransitionRefused, match="Eve"):
            await house.do(asked, Step.UNDO, ANN)
        await house.do(asked, Step.SKIP, twin)
        assert (await house.do(asked, Step.UNDO, twin)).state is State.CUED


async def test_two_of_one_name_have_each_their_own_in_hand():
    twin = replace(ANN, subject="another-ann")
    async with open_house() as house:
        asked = (await house.ask()).id
        await house.desk.claim(ANN, asked)
        with pytest.raises(TransitionRefused) as caught:
            await house.do(asked, Step.APPROVE, twin)
        assert caught.value.code == "leased"
        await house.do(asked, Step.APPROVE, ANN)
