"""What each role may do at the desk: the table as it was agreed, cell by cell, and the desk held to it."""

from __future__ import annotations

import pytest

from fanout.core.principal import MAY, Action, Principal, Role
from fanout.core.submission import State, Step
from fanout.errors import MessageNotFound, NotAllowed, SubmissionNotFound
from fanout.moderation.ports import Query
from fanout.moderation.steps import STEP_NEEDS
from tests.moderation.house import ANN, House, open_house, staff

# V visitor, P publisher, M moderator, A animator, G guest, S scribe, W gateway, O operator
LETTERS = {
    "V": Role.VISITOR,
    "P": Role.PUBLISHER,
    "M": Role.MODERATOR,
    "A": Role.ANIMATOR,
    "G": Role.GUEST,
    "S": Role.SCRIBE,
    "W": Role.GATEWAY,
    "O": Role.OPERATOR,
}

AGREED = {
    Action.PUBLISH: "PMAGSO",
    Action.LEAD: "PMAO",
    Action.RETRACT: "MO",
    Action.SET_ROOM: "O",
    Action.SEE_DESK: "MAO",
    Action.SEE_STAGE: "MAGSO",
    Action.MODERATE: "M",
    Action.ORDER: "MA",
    Action.AIR: "MA",
    Action.ANSWER: "MAGS",
    Action.PREPARE: "MAGS",
    Action.BAN: "M",
    Action.SET_RULES: "MO",
    Action.SEE_INTERNAL: "MO",
    Action.HAND_IN: "W",
    Action.OPERATE: "O",
}

STEPS = {
    Step.HOLD: "M",
    Step.APPROVE: "M",
    Step.REJECT: "M",
    Step.EDIT: "M",
    Step.WITHDRAW: "",
    Step.MERGE: "M",
    Step.UNMERGE: "M",
    Step.CUE: "MA",
    Step.MOVE: "MA",
    Step.PIN: "MA",
    Step.UNPIN: "MA",
    Step.SKIP: "MA",
    Step.AIR: "MA",
    Step.ANSWER: "MAGS",
    Step.RETRACT: "MO",
    Step.UNDO: "M",
}


def test_the_tables_are_whole():
    assert set(LETTERS.values()) == set(Role)
    assert set(AGREED) == set(MAY) == set(Action)
    assert set(STEPS) == set(STEP_NEEDS) == set(Step)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_may_do_what_was_agreed_and_nothing_else(role, action):
    agreed = role in {LETTERS[letter] for letter in AGREED[action]}
    assert Principal(role, rooms=frozenset({"*"})).may(action, "hall") is agreed
    assert Principal(role, rooms=frozenset({"hall"})).may(action, "hall") is agreed
    assert not Principal(role, rooms=frozenset({"chat"})).may(action, "hall")
    assert not Principal(role).may(action, "hall")


BEFORE: dict[Step, tuple[Step, ...]] = {
    Step.HOLD: (Step.APPROVE,),
    Step.UNMERGE: (Step.MERGE,),
    Step.CUE: (Step.APPROVE,),
    Step.MOVE: (Step.APPROVE, Step.CUE),
    Step.PIN: (Step.APPROVE, Step.CUE),
    Step.UNPIN: (Step.APPROVE, Step.CUE),
    Step.SKIP: (Step.APPROVE, Step.CUE),
    Step.AIR: (Step.APPROVE,),
    Step.ANSWER: (Step.APPROVE, Step.AIR),
    Step.RETRACT: (Step.APPROVE, Step.AIR),
    Step.UNDO: (Step.APPROVE,),
}


async def take(house: House, submission_id: str, step: Step, by: Principal, other: str) -> None:
    text = "words" if step in (Step.EDIT, Step.ANSWER) else None
    await house.do(submission_id, step, by, text=text, into=other if step is Step.MERGE else None)


@pytest.mark.parametrize("step", Step)
async def test_the_desk_lets_each_role_take_the_steps_that_are_its_own_and_no_other(step):
    async with open_house() as house:
        other = (await house.ask("the other")).id
        for role in Role:
            asked = (await house.ask()).id
            for before in BEFORE.get(step, ()):
                await take(house, asked, before, ANN, other)
            stood = await house.store.find(asked)
            if role in {LETTERS[letter] for letter in STEPS[step]}:
                await take(house, asked, step, staff(role), other)
                assert await house.store.find(asked) != stood
                stood = await house.store.find(asked)
            else:
                with pytest.raises(NotAllowed) as caught:
                    await take(house, asked, step, staff(role), other)
                visitor = role is Role.VISITOR and step is not Step.WITHDRAW
                assert caught.value.code == ("token_missing" if visitor else "role_refused")
            with pytest.raises(NotAllowed):
                await take(house, asked, step, staff(role, room="chat"), other)
            assert await house.store.find(asked) == stood


@pytest.mark.parametrize("role", Role)
async def test_looking_and_having_in_hand_take_their_actions_too(role):
    async with open_house() as house:
        asked, cued = await house.ask(), await house.approved()
        await house.do(cued.id, Step.CUE)
        who = staff(role)
        calls = [
            (Action.SEE_DESK, lambda: house.desk.queue(who, Query(room="hall"))),
            (Action.SEE_STAGE, lambda: house.desk.find(who, cued.id)),
            (Action.SEE_STAGE, lambda: house.desk.run_sheet(who, "hall")),
            (Action.SEE_DESK, lambda: house.desk.history(who, asked.id)),
            (Action.MODERATE, lambda: house.desk.claim(who, asked.id)),
            (Action.MODERATE, lambda: house.desk.release(who, asked.id)),
            (Action.MODERATE, lambda: house.desk.merge(who, [asked.id], "a" * 12)),
            (Action.RETRACT, lambda: house.desk.retract(who, "hall", "a" * 12)),
        ]
        for action, call in calls:
            allowed = role in MAY[action]
            try:
                await call()
            except NotAllowed:
                assert not allowed
            except (MessageNotFound, SubmissionNotFound):  # so it was let past the table
                assert allowed
            else:
                assert allowed
        assert (await house.store.find(asked.id)).state is State.HELD
