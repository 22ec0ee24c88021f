"""The conformance suite of the port `fanout.moderation.ports.Store`: what a store must do to be trusted, as code.

    @pytest.mark.parametrize("check", STORE_CHECKS + DURABLE_STORE_CHECKS, ids=lambda check: check.__name__)
    async def test_my_store_keeps_the_contract(check, tmp_path):
        await check(lambda: functools.partial(open_my_store, tmp_path / secrets.token_hex(4)))

A store that keeps nothing beyond its process runs `STORE_CHECKS` alone. Each check is an async function to be run on
trio; it raises `StoreContractBroken`, which says in a sentence what was expected and what was found. What a disk does
when it is full, how fast a page is among millions, and what is left in files after a purge, only the store's own tests
can know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import trio
import trio.testing

from fanout.core.submission import Step, Submission
from fanout.errors import InvalidInput
from fanout.moderation.ports import Kind, Receipt, Store
from fanout.testing.check_store_arrivals import ARRIVAL_CHECKS
from fanout.testing.check_store_decisions import DECISION_CHECKS, an_evening
from fanout.testing.check_store_reading import READING_CHECKS
from fanout.testing.check_store_records import PURGE, RECORD_CHECKS, an_evening_to_purge, document
from fanout.testing.store_under_test import (
    Check,
    MakeStore,
    arrival,
    counts,
    everything,
    expect,
    id_of,
    lead,
    message_of,
    numbers,
    opened,
    received,
    refused,
    standing,
    step,
    trail,
)


async def all_that_it_has(store: Store) -> dict[str, Any]:
    """Every answer of a store whose rooms are `a` and `b`."""
    kept: dict[str, Any] = {
        "submissions": await everything(store),
        "those to be reviewed": await store.unreviewed(0, 1000),
        "a message's submission": await store.find_message(message_of(1)),
        "what a search finds": await everything(store, search="text"),
        "audit": await trail(store),
    }
    for room in ("a", "b"):
        kept[f"run sheet of {room}"] = await store.run_sheet(room)
        kept[f"tallies of {room}"] = await counts(store, room)
    kept["telephone key"] = await store.phone_key()
    return kept | {f"{kind} records": await store.documents(kind) for kind in Kind}


async def a_restart_changes_nothing(make: MakeStore) -> None:
    """Whatever is asked for is answered as before; repeats, undo, numbers, counts and the chain go on."""
    open_store = make()
    async with opened(open_store) as store:
        await received(store, 1, 2, 3, 4)
        await received(store, 5, 6, room="b")
        await store.decide(an_evening(1)[:-1])
        await store.decide([step(2, Step.APPROVE), step(2, Step.CUE), step(2, Step.PIN)])
        await store.decide([step(3, Step.HOLD, text="changed"), step(3, Step.MERGE, into=id_of(2))])
        await store.decide([step(5, Step.HOLD)], audited=False)
        await store.put([document("z", n=1), document("y", "b", Kind.BAN), document("x")], [PURGE])
        await store.put([document("z", n=2)])
        before = await all_that_it_has(store)
    async with opened(open_store) as store:
        after = await all_that_it_has(store)
        for what, expected in before.items():
            expect(f"{what} after a restart", after[what], expected)
        receipts = await store.receive([arrival(9, source_id="sent-4")])
        expect("a repeat after a restart", receipts, [Receipt(await standing(store, 4), repeated=True)])
        await refused("a taken id", store.receive([arrival(1, source_id="x")]), InvalidInput, "id_taken")
        expect("the next number", numbers(await received(store, 7, person="visitor:1")), [7])
        expect("messages and people", (await counts(store)).total.people, 4)
        expect("the text after an undo", (await lead(store, 3, Step.UNDO)).text, "changed")
        expect("entries of a chain that goes on", len(await trail(store)), len(before["audit"]) + 1)


async def what_was_purged_stays_so(make: MakeStore) -> None:
    """After a restart too: nothing is back, the key is the one made since, and whoever comes again is no repeat."""
    open_store = make()
    async with opened(open_store) as store:
        await an_evening_to_purge(store)
        old = await store.phone_key()
        for room in ("a", "b"):
            await store.purge(room, replace(PURGE, room=room))
        before = await all_that_it_has(store)
    async with opened(open_store) as store:
        after = await all_that_it_has(store)
        for what, expected in before.items():
            expect(f"{what} after a purge and a restart", after[what], expected)
        expect("whether the key is the old one", await store.phone_key() == old, False)
        receipts = await store.receive([arrival(11, source_id="sent-1")])
        expect("whether it is a repeat", receipts[0].repeated, False)


async def closing_finishes_what_was_begun(make: MakeStore) -> None:
    """What was on its way when the store was closed is answered, and what was answered is kept."""
    open_store = make()
    answered: list[Submission] = []
    store = await open_store()

    async def send(number: int) -> None:
        answered.extend(await received(store, number))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(send, number)
            await trio.testing.wait_all_tasks_blocked()
            await store.aclose()
    expect("answers", len(answered), 50)
    async with opened(open_store) as store:
        expect("kept", await everything(store), sorted(answered, key=lambda submission: submission.number))


STORE_CHECKS: Final[list[Check]] = [*ARRIVAL_CHECKS, *DECISION_CHECKS, *READING_CHECKS, *RECORD_CHECKS]
"""What every store does."""

DURABLE_STORE_CHECKS: Final[list[Check]] = [
    a_restart_changes_nothing,
    what_was_purged_stays_so,
    closing_finishes_what_was_begun,
]
"""What a store that survives its process does besides."""
