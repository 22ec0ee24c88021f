"""What a store does with arrivals: number them, keep them whole, and know what has come before.

Run by way of `fanout.testing.check_store`.
"""

from __future__ import annotations

from typing import Final

import trio

from fanout.core.submission import Source, State, Step, Submission
from fanout.errors import InvalidInput
from fanout.moderation.ports import Arrival, Count, Receipt, Tallies
from fanout.testing.store_under_test import (
    Check,
    MakeStore,
    arrival,
    counts,
    everything,
    expect,
    id_of,
    lead,
    numbers,
    opened,
    received,
    refused,
    standing,
    step,
    trail,
)

SENDERS: Final = 100
"""Tasks that send at once."""


def as_kept(number: int, sent: Arrival) -> Submission:
    """The submission that an arrival becomes."""
    return Submission(
        number, sent.id, sent.room, sent.source, sent.source_id, sent.person, sent.name, sent.text, sent.at
    )


async def a_new_store_is_empty_and_available(make: MakeStore) -> None:
    """Nothing to show, nothing counted, nothing in the audit; and nothing comes of calls that ask for nothing."""
    async with opened(make()) as store:
        expect("receipts for nothing", await store.receive([]), [])
        expect("decisions on nothing", await store.decide([]), [])
        await store.put([])
        expect("submissions of a new store", await everything(store), [])
        expect("tallies of a new store", await counts(store), Tallies(Count(), {}, {}))
        expect("the audit of a new store", await trail(store), [])
        expect("availability", store.available, True)


async def submissions_are_numbered_from_one_in_the_order_of_receipt(make: MakeStore) -> None:
    """Over all rooms, without a hole, those of one call in the order given; also when something was refused."""
    async with opened(make()) as store:
        expect("numbers of the first call", numbers(await received(store, 1, 2)), [1, 2])
        expect("numbers in another room", numbers(await received(store, 3, room="b")), [3])
        await refused("a taken id", store.receive([arrival(9), arrival(1, source_id="x")]), InvalidInput, "id_taken")
        await received(store, 2, 1)
        sent = [arrival(number, room) for number, room in ((7, "b"), (5, "a"), (6, "c"))]
        receipts = await store.receive(sent)
        expect("receipts, in the order given", [receipt.submission.id for receipt in receipts], [s.id for s in sent])
        expect("numbers of the last call", numbers([receipt.submission for receipt in receipts]), [4, 5, 6])
        expect("numbers of everything, oldest first", numbers(await everything(store)), [1, 2, 3, 4, 5, 6])


async def a_submission_is_what_was_sent(make: MakeStore) -> None:
    """Every field comes back as it went in, however it is asked for; it is received, and nothing was decided."""
    async with opened(make()) as store:
        person, name = "phone:" + "f" * 64, "Ze\u0308\U0001f3a4\u2028 --"
        odd = Arrival(id_of(1), "@x/d", Source.SMS, "a\0b'\"é", person, name, "x" * 4_000 + "\0\n%_*", 2**41)
        bare = Arrival(id_of(2), "a", Source.IMPORT, "", "", "", "?", 0)
        expected = [as_kept(1, odd), as_kept(2, bare)]
        expect("receipts", await store.receive([odd, bare]), [Receipt(kept) for kept in expected])
        expect("found", [await store.find(id_of(1)), await store.find(id_of(2))], expected)
        expect("on a page", await everything(store), expected)
        expect("those to be reviewed", await store.unreviewed(0, 10), expected)


async def a_repeat_changes_nothing(make: MakeStore) -> None:
    """It is answered with how the first stands now, whatever else it says, and is neither kept nor counted."""
    async with opened(make()) as store:
        (first,) = await received(store, 1)
        again = arrival(2, source_id="sent-1", text="other", name="other", person="visitor:other", at=5)
        expect("a repeat", await store.receive([again]), [Receipt(first, repeated=True)])
        now = await lead(store, 1, Step.APPROVE, Step.EDIT)
        expect("a repeat after decisions", await store.receive([again]), [Receipt(now, repeated=True)])
        expect("the id that a repeat came with", await store.find(id_of(2)), None)
        expect("what is kept", await everything(store), [now])
        expected = Tallies(Count(1, 1), {Source.WEB: Count(1, 1)}, {State.APPROVED: 1})
        expect("tallies after repeats", await counts(store), expected)
        expect("audit entries after repeats", len(await trail(store)), 2)


async def a_repeat_within_one_call_is_known(make: MakeStore) -> None:
    """The second of two in one call is the first's repeat, with its answer."""
    async with opened(make()) as store:
        first = arrival(1)
        receipts = await store.receive([first, arrival(2), arrival(3, source_id="sent-1", text="other")])
        kept = [as_kept(1, first), as_kept(2, arrival(2))]
        expect("receipts", receipts, [Receipt(kept[0]), Receipt(kept[1]), Receipt(kept[0], repeated=True)])
        expect("what is kept", await everything(store), kept)


async def another_room_or_source_is_no_repeat(make: MakeStore) -> None:
    """The same sender's id counts for its source in its room only."""
    async with opened(make()) as store:
        await received(store, 1)
        others = [arrival(2, "b", source_id="sent-1"), arrival(3, source=Source.SMS, source_id="sent-1")]
        receipts = await store.receive(others)
        expect("whether they are repeats", [receipt.repeated for receipt in receipts], [False, False])
        expect("numbers", numbers(await everything(store)), [1, 2, 3])


async def what_has_come_before_is_known_by_its_name(make: MakeStore) -> None:
    """Of many names those that came, each in its room and from its source alone, as they stand now."""
    async with opened(make()) as store:
        await received(store, *range(1, 301))
        await received(store, 301, room="b")
        asked = [(room, source, f"sent-{number}") for room in "abc" for source in Source for number in (1, 300, 301)]
        expect("known of nothing", await store.known([]), {})
        expect("known of a new name", await store.known([("a", Source.WEB, "new")]), {})
        approved = await lead(store, 1, Step.APPROVE)
        expected = {
            ("a", Source.WEB, "sent-1"): approved,
            ("a", Source.WEB, "sent-300"): await standing(store, 300),
            ("b", Source.WEB, "sent-301"): await standing(store, 301),
        }
        expect("known of many", await store.known(asked), expected)


async def of_a_call_with_a_taken_id_none_is_taken(make: MakeStore) -> None:
    """Taken by an earlier submission or by another of the same call; the rest of it leaves no trace either."""
    async with opened(make()) as store:
        (first,) = await received(store, 1)
        taken = [arrival(2), arrival(1, source_id="other", text="other")]
        await refused("an id that is there", store.receive(taken), InvalidInput, "id_taken")
        twice = [arrival(2), arrival(2, source_id="other")]
        await refused("an id twice in one call", store.receive(twice), InvalidInput, "id_taken")
        expect("what is kept", await everything(store), [first])
        expect("tallies", (await counts(store)).total, Count(1, 1))
        receipts = await store.receive([arrival(2)])
        expect("the same without it", receipts, [Receipt(as_kept(2, arrival(2)))])


async def hundreds_arrive_at_once(make: MakeStore) -> None:
    """No number is given twice or left out, everybody's answer is about their own, and each sender's come in order."""
    async with opened(make()) as store:

        async def send(sender: int) -> None:
            sent = [arrival(2 * sender + turn, "ab"[sender % 2]) for turn in (0, 1)]
            kept = [(await store.receive([one]))[0].submission for one in sent]
            expect("whether the second is after the first", kept[0].number < kept[1].number, True)
            expect("the answers", kept, [as_kept(now.number, one) for now, one in zip(kept, sent, strict=True)])

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for sender in range(SENDERS):
                    nursery.start_soon(send, sender)
        expect("numbers", numbers(await everything(store)), [*range(1, 2 * SENDERS + 1)])
        for room in ("a", "b"):
            expect(f"messages and people of {room}", (await counts(store, room)).total, Count(SENDERS, SENDERS))


async def a_repeat_sent_at_once_counts_once(make: MakeStore) -> None:
    """Of many that come at the same moment with one sender's id, one is kept and all are answered with it."""
    async with opened(make()) as store:
        receipts: list[Receipt] = []

        async def send(number: int) -> None:
            receipts.extend(await store.receive([arrival(number, source_id="same", person="visitor:1")]))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(send, number)
        kept = await everything(store)
        expect("how many are kept", len(kept), 1)
        expect("answers about others", [r for r in receipts if r.submission != kept[0]], [])
        expect("how many are no repeats", sum(not receipt.repeated for receipt in receipts), 1)
        expect("messages and people", (await counts(store)).total, Count(1, 1))


async def a_cancelled_call_is_done_whole_or_not_at_all(make: MakeStore) -> None:
    """Whoever gave up waiting finds both of its arrivals or neither, and each decision with its audit entry."""
    async with opened(make()) as store:
        scopes = [trio.CancelScope() for _ in range(40)]

        async def send(number: int) -> None:
            with scopes[number]:
                for _ in range(number % 4):
                    await trio.lowlevel.checkpoint()
                await received(store, number, number + 100)
                await store.decide([step(number, Step.HOLD), step(number + 100, Step.APPROVE)])

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(send, number)
            await trio.lowlevel.checkpoint()
            for scope in scopes[::2]:
                scope.cancel()
        for number in range(40):
            receipts = await store.receive([arrival(number), arrival(number + 100)])
            expect("whether both are repeats", receipts[0].repeated, receipts[1].repeated)
            states = [(await standing(store, each)).state for each in (number, number + 100)]
            if states != [State.HELD, State.APPROVED]:
                expect("states of a pair", states, [State.RECEIVED, State.RECEIVED])
        kept = await everything(store)
        expect("numbers", numbers(kept), [*range(1, 81)])
        told = sorted(entry.draft.subject for entry in await trail(store))
        expect("audit", told, sorted(one.id for one in kept if one.state is not State.RECEIVED))
        expect("messages and people", (await counts(store)).total, Count(80, 80))


ARRIVAL_CHECKS: Final[list[Check]] = [
    a_new_store_is_empty_and_available,
    submissions_are_numbered_from_one_in_the_order_of_receipt,
    a_submission_is_what_was_sent,
    a_repeat_changes_nothing,
    a_repeat_within_one_call_is_known,
    another_room_or_source_is_no_repeat,
    what_has_come_before_is_known_by_its_name,
    of_a_call_with_a_taken_id_none_is_taken,
    hundreds_arrive_at_once,
    a_repeat_sent_at_once_counts_once,
    a_cancelled_call_is_done_whole_or_not_at_all,
]
