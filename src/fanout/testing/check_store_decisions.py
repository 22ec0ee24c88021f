"""What a store does with decisions: take them by the table, all or none, one after the other, and say so to the audit.

Run by way of `fanout.testing.check_store`.
"""

from __future__ import annotations

from typing import Final

import trio

from fanout.core.audit import AuditEntry
from fanout.core.submission import Decision, State, Step, Submission, decide
from fanout.core.verdict import Opinion, VerdictKind
from fanout.errors import FanoutError, InvalidInput, SubmissionNotFound, TransitionRefused
from fanout.testing.store_under_test import (
    AT,
    BY,
    Check,
    MakeStore,
    counts,
    everything,
    expect,
    id_of,
    lead,
    message_of,
    opened,
    received,
    refused,
    standing,
    step,
    trail,
)

OPINIONS: Final = (
    Opinion("words", VerdictKind.HOLD, "a wörd\0", "list", None, False, ""),
    Opinion("near-duplicates", VerdictKind.ACCEPT, "", "", id_of(9), True, "timeout"),
)


def an_evening(number: int) -> list[Decision]:
    """Steps that set every field of a submission once."""
    return [
        step(number, Step.HOLD, opinions=OPINIONS),
        step(number, Step.EDIT, text="edited\0 once"),
        step(number, Step.APPROVE, text="edited twice"),
        step(number, Step.UNDO),
        step(number, Step.APPROVE),
        step(number, Step.CUE, rank="i"),
        step(number, Step.PIN),
        step(number, Step.MOVE, rank="iz"),
        step(number, Step.SKIP),
        step(number, Step.UNDO),
        step(number, Step.AIR),
        step(number, Step.ANSWER),
        step(number, Step.RETRACT, reason="a slip"),
    ]


async def a_decision_is_the_tables(make: MakeStore) -> None:
    """After each step the submission is, in every field, what `fanout.core.submission.decide` makes of it."""
    async with opened(make()) as store:
        (expected,) = await received(store, 1)
        (other,) = await received(store, 2)
        for decision in an_evening(1):
            expected = decide(expected, decision)
            expect(f"what {decision.step} returned", await store.decide([decision]), [expected])
            expect(f"found after {decision.step}", await store.find(id_of(1)), expected)
            expect(f"on a page after {decision.step}", await everything(store), [expected, other])


async def a_merge_and_its_end_are_the_tables(make: MakeStore) -> None:
    """Merged, taken back, merged again and taken out: the submission speaks for itself or for the other."""
    async with opened(make()) as store:
        (expected, _) = await received(store, 1, 2)
        steps = [step(1, Step.APPROVE), step(1, Step.MERGE, into=id_of(2)), step(1, Step.UNDO)]
        steps += [step(1, Step.MERGE, into=id_of(2)), step(1, Step.UNMERGE), step(1, Step.UNDO)]
        for decision in steps:
            expected = decide(expected, decision)
            expect(f"what {decision.step} returned", await store.decide([decision]), [expected])
            merged = [expected] if expected.merged_into else []
            expect(f"merged after {decision.step}", await everything(store, merged_into=id_of(2)), merged)


async def decisions_of_one_call_build_on_each_other(make: MakeStore) -> None:
    """Each is taken on what the ones before it made; all are answered with how the submissions stand at the end."""
    async with opened(make()) as store:
        (first, second) = await received(store, 1, 2)
        for decision in an_evening(1):
            first = decide(first, decision)
        second = decide(second, step(2, Step.HOLD))
        found = await store.decide([*an_evening(1), step(2, Step.HOLD)])
        expect("what decide returned", found, [first] * len(an_evening(1)) + [second])
        expect("what is kept", await everything(store), [first, second])
        expect("audit entries", len(await trail(store)), len(found))


async def decisions_are_all_or_none(make: MakeStore) -> None:
    """One that is refused, wherever it stands, and none is taken, counted, found by its message or in the audit."""
    async with opened(make()) as store:
        before = await received(store, 1, 2, 3)
        good = [step(1, Step.APPROVE), step(1, Step.AIR), step(2, Step.REJECT)]
        refusals: list[tuple[Decision, type[FanoutError], str]] = [
            (step(3, Step.AIR), TransitionRefused, "already_decided"),
            (step(2, Step.APPROVE), TransitionRefused, "already_decided"),
            (step(3, Step.UNDO), TransitionRefused, "nothing_to_undo"),
            (step(9, Step.HOLD), SubmissionNotFound, "submission_not_found"),
        ]
        for bad, wanted, code in refusals:
            await refused(f"{bad.step} of {bad.submission}", store.decide([*good, bad]), wanted, code)
            expect("what is kept", await everything(store), before)
            expect("those to be reviewed", await store.unreviewed(0, 10), before)
            expect("the message", await store.find_message(message_of(1)), None)
            expect("tallies", (await counts(store)).by_state, {State.RECEIVED: 3})
            expect("the audit", await trail(store), [])
        await store.decide(good)
        expect("the same without them", (await standing(store, 1)).state, State.AIRED)


async def what_the_table_does_not_have_is_refused(make: MakeStore) -> None:
    """With the code that says why; what lacks its part, too."""
    async with opened(make()) as store:
        await received(store, 1)
        expected = await lead(store, 1, Step.APPROVE)
        for decision, code in (
            (step(1, Step.CUE, rank=""), "rank_missing"),
            (step(1, Step.AIR, message=None), "message_missing"),
            (step(1, Step.EDIT, text=None), "text_missing"),
            (step(1, Step.MERGE), "merge_into_missing"),
            (step(1, Step.MERGE, into=id_of(1)), "merges_itself"),
            (step(1, Step.HOLD, text="other"), "part_not_taken"),
        ):
            await refused(code, store.decide([decision]), InvalidInput, code)
        await refused("rejecting it", store.decide([step(1, Step.REJECT)]), TransitionRefused, "already_decided")
        expect("what is kept", await everything(store), [expected])


async def a_merge_is_into_one_that_speaks_for_itself(make: MakeStore) -> None:
    """In the same room, there, and not merged; also when it was merged in the same call, or is when merging comes back
    by an undo."""
    async with opened(make()) as store:
        await received(store, 1, 2, 3)
        await received(store, 4, room="b")
        await store.decide([step(number, Step.HOLD) for number in (1, 2, 3, 4)])

        async def refuses(into: int, wanted: type[FanoutError], code: str) -> None:
            await refused(f"a merge into {into}", store.decide([step(1, Step.MERGE, into=id_of(into))]), wanted, code)

        await refuses(9, SubmissionNotFound, "submission_not_found")
        await refuses(4, InvalidInput, "merge_into_other_room")
        both = [step(2, Step.MERGE, into=id_of(3)), step(1, Step.MERGE, into=id_of(2))]
        await refused("a merge into one just merged", store.decide(both), InvalidInput, "merge_into_merged")
        await store.decide([step(1, Step.MERGE, into=id_of(2)), step(1, Step.UNMERGE)])
        await store.decide([step(2, Step.MERGE, into=id_of(3))])
        await refuses(2, InvalidInput, "merge_into_merged")
        undo = store.decide([step(1, Step.UNDO)])
        await refused("an undo into a merged one", undo, TransitionRefused, "nothing_to_undo")
        expect("the last one's state", (await standing(store, 1)).state, State.HELD)


async def of_two_that_exclude_each_other_the_second_is_refused(make: MakeStore) -> None:
    """However many decide at the same moment: one has decided, the others are told, and the audit knows of one."""
    async with opened(make()) as store:
        won: list[tuple[str, Step]] = []

        async def take(number: int, who: str, taken: Step) -> None:
            try:
                await store.decide([Decision(id_of(number), taken, who, AT)])
            except TransitionRefused as error:
                expect("the code of the refusal", error.code, "already_decided")
            else:
                won.append((who, taken))

        for number in range(5):
            await received(store, number)
            await lead(store, number, Step.HOLD)
            won.clear()
            async with trio.open_nursery() as nursery:
                for who in range(10):
                    nursery.start_soon(take, number, f"moderator {who}", (Step.APPROVE, Step.REJECT)[who % 2])
            now = await standing(store, number)
            expect("how many have decided", len(won), 1)
            state = State.APPROVED if won[0][1] is Step.APPROVE else State.REJECTED
            expect("who decided, and what", (now.by, now.state), (won[0][0], state))
            told = await store.audit(subject=id_of(number))
            expect("what the audit says", [(e.draft.by, e.draft.action) for e in told], [(BY, "hold"), won[0]])


async def each_decision_is_in_the_audit(make: MakeStore) -> None:
    """One entry for each, in a chain without a hole, in the order taken; first steps not to be audited leave none."""
    async with opened(make()) as store:
        await received(store, 1, 2)
        await store.decide([step(2, Step.HOLD)], audited=False)
        taken = an_evening(1)
        await store.decide(taken[:4])
        for decision in taken[4:]:
            await store.decide([decision])
        entries = await trail(store)
        drafts = [(e.draft.at, e.draft.by, e.draft.action, e.draft.room, e.draft.subject) for e in entries]
        expect("the entries", drafts, [(d.at, d.by, d.step.value, "a", id_of(1)) for d in taken])
        expect("the unaudited step", (await standing(store, 2)).state, State.HELD)


async def the_audit_has_no_words_of_a_visitor(make: MakeStore) -> None:
    """Neither text, name, person nor the sender's id, nor a reason: a purge can't take them out of a chain."""
    async with opened(make()) as store:
        await received(store, 1, text="secret text", name="secret name", person="secret person", source_id="secret id")
        await store.decide(
            [
                step(1, Step.HOLD, opinions=(Opinion("words", VerdictKind.HOLD, "secret opinion"),)),
                step(1, Step.EDIT, text="secret edit"),
                step(1, Step.REJECT, reason="secret reason"),
            ]
        )
        found = [entry for entry in await trail(store) if "secret" in _written(entry)]
        expect("entries with a visitor's words", found, [])


def _written(entry: AuditEntry) -> str:
    return f"{entry.draft!r} {dict(entry.draft.detail)!r}"


async def a_message_leads_to_its_submission(make: MakeStore) -> None:
    """As it stands: aired, answered, retracted; when it was aired again, by the message that it is now."""
    async with opened(make()) as store:
        await received(store, 1, 2)
        await lead(store, 2, Step.APPROVE, Step.AIR)

        async def leads(message: str, expected: Submission | None) -> None:
            expect(f"the submission that became {message}", await store.find_message(message), expected)

        await leads(message_of(1), None)
        for taken in (Step.AIR, Step.ANSWER, Step.RETRACT, Step.HOLD):
            if taken is Step.AIR:
                await lead(store, 1, Step.APPROVE)
            await leads(message_of(1), await lead(store, 1, taken))
        await lead(store, 1, Step.APPROVE)
        (again,) = await store.decide([step(1, Step.AIR, message="again")])
        await leads("again", again)
        await leads(message_of(1), None)
        await leads(message_of(2), await standing(store, 2))


DECISION_CHECKS: Final[list[Check]] = [
    a_decision_is_the_tables,
    a_merge_and_its_end_are_the_tables,
    decisions_of_one_call_build_on_each_other,
    decisions_are_all_or_none,
    what_the_table_does_not_have_is_refused,
    a_merge_is_into_one_that_speaks_for_itself,
    of_two_that_exclude_each_other_the_second_is_refused,
    each_decision_is_in_the_audit,
    the_audit_has_no_words_of_a_visitor,
    a_message_leads_to_its_submission,
]
